"""News about endpoints: appended to their streams, told to the merchant's other endpoints and by e-mail."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from events.catalog import Fact
from events.log import Recorded, append, event_of, last_versions
from events.writing import written
from webhooks import notices
from webhooks.facts import EndpointDisabled
from webhooks.fanout import Announcement, announce, subscribers
from webhooks.models import Endpoint


@dataclass(frozen=True, slots=True)
class News:
    """A fact about an endpoint. A `silent` one is recorded and not told."""

    endpoint_id: UUID
    fact: Fact
    silent: bool = False


def lock(endpoint_ids: Iterable[UUID]) -> None:
    """Lock their rows, which come before the merchant's advisory lock, in order of id."""
    found = Endpoint.objects.select_for_update(no_key=True).filter(id__in=endpoint_ids).order_by("id")
    list(found.values_list("id"))


def tell(merchant_id: UUID, news: Sequence[News]) -> None:
    """Append and announce, in the caller's transaction, which holds the locks of the endpoints' rows.

    That an endpoint was disabled is owed to its merchant by e-mail too.
    """
    if not news:
        return
    told = subscribers([merchant_id])
    versions = last_versions([each.endpoint_id for each in news])
    events = []
    for each in news:
        versions[each.endpoint_id] = version = versions.get(each.endpoint_id, 0) + 1
        events.append(event_of(each.endpoint_id, version, each.fact))
    # Before the merchant's advisory lock, under which as little as possible is done.
    notices.owe(merchant_id, _disabled(news))
    recorded = append(merchant_id, events)
    loud = [one for one, each in zip(recorded, news, strict=True) if not each.silent]
    announce(merchant_id, told, [_announcement(one) for one in loud])


def _disabled(news: Iterable[News]) -> list[tuple[UUID, str]]:
    return [(each.endpoint_id, each.fact.reason) for each in news if isinstance(each.fact, EndpointDisabled)]


def _announcement(recorded: Recorded) -> Announcement:
    return Announcement(
        id=uuid7(),
        type=recorded.type,
        stream=recorded.stream,
        sequence=recorded.version,
        couriers=(),
        render=lambda: _body(recorded),
        not_to=recorded.stream,
    )


def _body(recorded: Recorded) -> bytes:
    body = {"type": recorded.type, "timestamp": written(recorded.recorded_at), "data": recorded.data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
