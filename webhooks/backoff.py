"""When a failed delivery is tried again: pure."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Seconds after each failed try: 11 tries in about 76 hours.
DEFAULT_SCHEDULE = (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
#: What an endpoint may choose for itself.
SCHEDULE_ENTRIES = (1, 30)
SCHEDULE_SECONDS = (1, 86_400)
#: Seconds that a subscriber's `Retry-After` can ask for at most.
HINT_LIMIT = 86_400.0
#: The share of a delay that chance may add, so that what failed together does not come back together.
JITTER = 0.2

_SECONDS = re.compile(r"[0-9]{1,18}")


def next_delay(schedule: Sequence[int], step: int, hint: float | None, chance: float) -> float | None:
    """Seconds until the next try, None when the schedule is used up.

    `step` counts the entries of the schedule used so far, `hint` is the subscriber's Retry-After in seconds,
    `chance` lies in [0, 1]. Never earlier than the schedule or the hint says.
    """
    if step >= len(schedule):
        return None
    asked = min(hint or 0.0, HINT_LIMIT)
    return max(float(schedule[step]), asked) * (1 + JITTER * chance)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3): number or date. Garbage is None."""
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
