"""Tries in the log: sums by how they ended, and of failures the first few, with their ids."""

import logging
from collections.abc import Sequence

from accounts.reporting import Report
from webhooks.claims import Claimed
from webhooks.exchanges import Result
from webhooks.filters import is_about_parcel

logger = logging.getLogger(__name__)

_report = Report(logger, "tries ended", "a try failed")
#: Of a try that could not be made.
_UNREADABLE = "unreadable"


def note(ended: Sequence[tuple[Claimed, Result | None]]) -> None:
    """Tries that are settled. Nothing of what was sent or answered is told."""
    _report.note(_outcome(result) for _, result in ended)
    if _report.wants_examples:
        for claimed, result in ended:
            if (outcome := _outcome(result)) != "delivered" and _report.wants_examples:
                status = {"status": result.status_code} if result and result.status_code else {}
                _report.tell(_ids(claimed) | status, outcome)


leave = _report.leave


def _outcome(result: Result | None) -> str:
    if result is None:
        return _UNREADABLE
    return result.failure.value if result.failure else "delivered"


def _ids(claimed: Claimed) -> dict[str, object]:
    ids: dict[str, object] = {
        "delivery_id": claimed.delivery_id,
        "message_id": claimed.message_id,
        "endpoint_id": claimed.endpoint.id,
        "merchant_id": claimed.endpoint.merchant_id,
        "try": claimed.number,
    }
    return ids | {"tracker_id": claimed.stream} if is_about_parcel(claimed.type) else ids
