"""Changes to an endpoint by its merchant."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from events.conflicts import or_conflict
from webhooks.filters import fingerprint
from webhooks.keyring import Keys
from webhooks.models import Endpoint
from webhooks.registering import once_per_merchant
from webhooks.rotating import DEFAULT_OVERLAP, locked, replace_keys

#: What a merchant may have together once.
_ONCE = ("url", "types", "couriers")


def edit(merchant_id: UUID, endpoint_id: UUID, wishes: Mapping[str, Any]) -> Keys | None:
    """Change those of the row's own fields that `wishes` holds, `headers` as a dictionary.

    Returns the fresh keys where another kind of signature is wished for, which rotates them; else None.
    Raises AlreadyRegistered where the merchant has another endpoint of this URL with the same filters,
    ApiError 404 `webhook_not_found` and 409 `request_conflict`.
    """
    with once_per_merchant():
        return or_conflict(partial(_edit, merchant_id, endpoint_id, wishes))


def _edit(merchant_id: UUID, endpoint_id: UUID, wishes: Mapping[str, Any]) -> Keys | None:
    changes = dict(wishes)
    kind = changes.pop("signature", None)
    with transaction.atomic():
        endpoint = locked(merchant_id, endpoint_id)
        if "headers" in changes:
            changes["headers"] = json.dumps(changes["headers"])
        if changes:
            if not changes.keys().isdisjoint(_ONCE):
                changes["fingerprint"] = _fingerprint(endpoint, changes)
            Endpoint.objects.filter(id=endpoint.id).update(**changes)
        if kind in {None, endpoint.signature}:
            return None
        return replace_keys(endpoint, kind, DEFAULT_OVERLAP)


def _fingerprint(endpoint: Endpoint, changes: Mapping[str, Any]) -> str:
    own = {name: changes.get(name, getattr(endpoint, name)) for name in _ONCE}
    return fingerprint(own["url"], own["types"], own["couriers"])
