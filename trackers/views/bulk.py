"""`/v1/trackers/bulk`: up to 100 creates in one call, in Ship24's own envelope."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import prefetch_related_objects
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.errors import ApiError, faults
from accounts.views import ApiView
from trackers.creating import Created, Refused, create_many
from trackers.echoing import echo
from trackers.page.links import Links, links_for
from trackers.presentation import polled_shape
from trackers.quota import exhausted
from trackers.serializers import TrackerCreateSerializer

#: Trackers that one call may create.
MOST = 100
Faults = Sequence[tuple[str, str]]
Item = Created | Faults


class BulkView(ApiView):
    """`/v1/trackers/bulk`."""

    def post(self, request: Request) -> Response:
        """A result for each item, in their order. What is wrong with one does not hurt the others."""
        try:
            sent = _items(request.data)
        except ParseError as error:
            return _refused(ApiError(400, "parsing_error", str(error.detail)))
        except ApiError as error:
            return _refused(error)
        results = list(_results(request, sent))
        created = [one for one in results if isinstance(one, Created)]
        if not created and all(_over_quota(one) for one in results):
            return _refused(exhausted())
        prefetch_related_objects([one.tracker for one in created], "watches")
        return _answer(links_for(request), sent, results, failed=len(results) - len(created))


def _items(body: Any) -> list[Any]:
    """The items of a body: a list, or an object with one, as Ship24's own clients differ. Raises ApiError."""
    items = body.get("trackers") if isinstance(body, dict) else body
    if not isinstance(items, list) or not items:
        raise ApiError(400, "validation_error", f"The body is not a list of 1 to {MOST} trackers.")
    if len(items) > MOST:
        raise ApiError(403, "bulk_create_limit_exceeded", f"At most {MOST} trackers can be created at once.")
    return items


def _results(request: Request, sent: Sequence[Any]) -> Iterator[Item]:
    read = [_read(item) for item in sent]
    made = iter(create_many(merchant_of(request), [one for one in read if isinstance(one, dict)]))
    for one in read:
        if isinstance(one, list):
            yield one
            continue
        result = next(made)
        yield result if isinstance(result, Created) else _told(result)


def _read(item: Any) -> dict[str, Any] | list[tuple[str, str]]:
    """The wishes of an item, or what is wrong with it."""
    if not isinstance(item, dict):
        return [("validation_error", "The item is not a JSON object.")]
    body = TrackerCreateSerializer(data=item)
    if not body.is_valid():
        return list(faults(body.errors))
    return TrackerCreateSerializer.wishes(body.validated_data)


def _told(refused: Refused) -> Faults:
    return [(refused.error.code, str(refused.error.detail))]


def _over_quota(item: Item) -> bool:
    return not isinstance(item, Created) and item[0][0] == "quota_limit_reached"


def _answer(links: Links, sent: Sequence[Any], results: Sequence[Item], *, failed: int) -> Response:
    existed = sum(isinstance(one, Created) and one.existed for one in results)
    summary = {
        "totalInputs": len(results),
        "totalCreated": len(results) - failed - existed,
        "totalExisting": existed,
        "totalErrors": failed,
    }
    code, status, error = _verdict(failed, of=len(results))
    items = [_shown(links, item, result) for item, result in zip(sent, results, strict=True)]
    return Response({"status": status, "summary": summary, "data": items, "error": error}, status=code)


def _verdict(failed: int, *, of: int) -> tuple[int, str, Mapping[str, str] | None]:
    if failed == of:
        return 400, "error", _fault("processing_error", "No item could be created; each says why.")
    return (207, "partial", None) if failed else (201, "success", None)


def _shown(links: Links, item: Any, result: Item) -> dict[str, Any]:
    if not isinstance(result, Created):
        errors = [_fault(*one) for one in result]
        # Ship24's schema has an object there, whatever was sent.
        sent = echo(item) if isinstance(item, dict) else {}
        return {"itemStatus": "error", "inputData": sent, "tracker": None, "errors": errors}
    tracker = result.tracker
    return {
        "itemStatus": "existing" if result.existed else "created",
        "inputData": echo(item),
        "tracker": polled_shape(tracker, list(tracker.watches.all()), links.to(tracker)),
        "errors": None,
    }


def _refused(error: ApiError) -> Response:
    """The whole request is refused: no item was looked at, or none has room."""
    told = _fault(error.code, str(error.detail))
    body = {"status": "error", "summary": None, "data": None, "error": told}
    return Response(body, status=error.status_code)


def _fault(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}
