"""Ship24's words: its status codes and milestones are ours, and what its errors stand for. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from carriers import reading, refusals
from carriers.adapter import Answer
from carriers.exceptions import BadResponse, CarrierError, KeyRejected, Throttled
from events.statuses import Milestone, StatusCode

STATUSES: Mapping[str | None, StatusCode] = {code.value: code for code in StatusCode}
MILESTONES: Mapping[str | None, Milestone] = {milestone.value: milestone for milestone in Milestone}
#: After these a courier has no other word.
FINAL = frozenset(
    {
        StatusCode.DELIVERY_DELIVERED,
        StatusCode.EXCEPTION_RETURN,
        StatusCode.EXCEPTION_LOST,
        StatusCode.EXCEPTION_DISCARDED,
    }
)
#: The one kind of push that tells of events; a push without a topic is one too.
EVENTS_TOPIC = "tracking/events"
#: Errors that the adapter answers by itself.
NO_TRACKER = "tracker_not_found"
OUTDATED = "shipping_date_outdated"
#: The subscription or its quota, not the key: new trackers are refused while known ones are answered.
_OF_THE_ACCOUNT = frozenset({"quota_limit_reached", "no_active_subscription"})
#: Seconds until a tracker is tried again that the account has no room for.
_ACCOUNT_WAIT = 3600.0


def error_of(answer: Answer, asked_at: datetime) -> CarrierError:
    """What an answer that is no result stands for. Ship24 says more by its codes than by the status."""
    named = codes(answer.body)
    said = f"Ship24 answered {answer.status}" + (f": {', '.join(named)}" if named else "")
    if answer.status // 100 == 4 and answer.status != 429:
        if any(code.startswith("auth_") for code in named):
            return KeyRejected(said)
        if answer.status in {402, 403} or not _OF_THE_ACCOUNT.isdisjoint(named):
            wait = refusals.retry_after(answer.headers, asked_at) or 0.0
            return Throttled(said, retry_after=max(wait, _ACCOUNT_WAIT))
        if answer.status == 404 and not named:
            return BadResponse("Ship24 answered 404 without a word of its own: is the base URL right?")
    return refusals.of_status(answer.status, answer, asked_at, said)


def codes(body: bytes) -> list[str]:
    """The codes that an error names, as far as they are codes."""
    try:
        errors = reading.document(body).get("errors")
    except BadResponse:
        return []
    named = [reading.token(one.get("code")) for one in _objects(errors)]
    return list(filter(None, named))[:5]


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
