"""What an HTTP status says about a poll: the error it stands for, and how long the carrier asks to wait."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType

from carriers.adapter import Answer
from carriers.exceptions import (
    BadResponse,
    CarrierError,
    KeyRejected,
    NotFoundYet,
    Refused,
    Throttled,
    Unreachable,
)

#: The longest wait that a carrier may ask for, in seconds.
MAX_WAIT = 24 * 3600.0

_KINDS: Mapping[int, type[CarrierError]] = MappingProxyType(
    {
        401: KeyRejected,
        404: NotFoundYet,
        408: Unreachable,
        409: Throttled,
        425: Throttled,
        429: Throttled,
    }
)


def of_status(status: int, answer: Answer, asked_at: datetime, detail: str) -> CarrierError:
    """The error that an HTTP status stands for, be it the answer's own or one that its body names.

    4xx are final for the request, 5xx are the carrier's trouble, anything else is not an answer at all.
    """
    kind = _KINDS.get(status) or {4: Refused, 5: Unreachable}.get(status // 100, BadResponse)
    return kind(detail, retry_after=retry_after(answer.headers, asked_at))


def retry_after(headers: Mapping[str, str], asked_at: datetime) -> float | None:
    """Seconds that `Retry-After` asks for (RFC 9110 section 10.2.3), at most MAX_WAIT; None without sense."""
    written = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,18}", written, re.ASCII):
        return min(float(written), MAX_WAIT)
    try:
        until = parsedate_to_datetime(written)
        wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - asked_at
    except (ValueError, TypeError, OverflowError):
        return None
    return min(wait.total_seconds(), MAX_WAIT) if wait.total_seconds() > 0 else None
