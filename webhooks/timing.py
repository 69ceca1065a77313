"""How long tries take, and how long a message waits for its first one: for whoever measures."""

from collections.abc import Sequence

from accounts.measuring import Timing
from webhooks.claims import Claimed
from webhooks.exchanges import Result
from webhooks.models import Trigger
from webhooks.paces import Pace, is_late

SUCCESS = "success"

TRIES = Timing(
    "delivery_try_duration_seconds",
    "How long tries of deliveries took, by the pace of the schedule and how they ended",
    ("pace", "outcome"),
    (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0),
)
#: Held up by an endpoint's own limits, or while it was not active, a message waits as well.
WAITS = Timing(
    "first_try_wait_seconds",
    "How long messages waited, from their making to the start of their first try",
    (),
    (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)


def note(tries: Sequence[tuple[Claimed, Result]]) -> None:
    """Note tries that were settled. Of one whose end nobody saw there is no duration."""
    TRIES.note(
        (_labels(claimed, result), result.duration_ms / 1000)
        for claimed, result in tries
        if result.duration_ms is not None
    )
    WAITS.note(((), _waited(claimed)) for claimed, _ in tries if _is_first(claimed))


def _labels(claimed: Claimed, result: Result) -> tuple[str, str]:
    pace = Pace.LATE if is_late(claimed.step) else Pace.FIRST
    return pace.value, result.failure.value if result.failure else SUCCESS


def _is_first(claimed: Claimed) -> bool:
    return claimed.number == 1 and claimed.trigger == Trigger.SCHEDULE


def _waited(claimed: Claimed) -> float:
    """Seconds. A message's id tells when it was made, to the millisecond, by the clock of whoever made it."""
    return max(0.0, claimed.started_at.timestamp() - (claimed.message_id.int >> 80) / 1000)
