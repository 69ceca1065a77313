"""New endpoints."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.staying import stay
from webhooks.exceptions import AlreadyRegistered
from webhooks.filters import fingerprint
from webhooks.models import Endpoint
from webhooks.signing import new_secret

_ONCE = "endpoint_once_per_merchant"


def register(merchant_id: UUID, wishes: Mapping[str, Any]) -> Endpoint:
    """Store an endpoint with a fresh secret. `wishes` holds the row's own fields, `headers` as a dictionary.

    Raises AlreadyRegistered where the merchant has this URL with the same filters, ApiError 401 where it is
    deleted.
    """
    fields = dict(wishes) | {
        "headers": json.dumps(wishes["headers"]),
        "fingerprint": fingerprint(wishes["url"], wishes["types"], wishes["couriers"]),
        "secret": new_secret(),
    }
    try:
        with transaction.atomic():
            stay(merchant_id)
            return Endpoint.objects.create(merchant_id=merchant_id, **fields)
    except IntegrityError as error:
        if _ONCE in str(error):
            raise AlreadyRegistered(wishes["url"]) from error
        raise
