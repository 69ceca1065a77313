"""New endpoints."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.staying import stay
from webhooks.exceptions import AlreadyRegistered
from webhooks.filters import fingerprint
from webhooks.keyring import Keys
from webhooks.models import Endpoint, Lane

_ONCE = "endpoint_once_per_merchant"


def register(merchant_id: UUID, wishes: Mapping[str, Any]) -> Endpoint:
    """Store an endpoint with fresh keys, and its lane.

    `wishes` holds the row's own fields, `headers` as a dictionary.

    Raises AlreadyRegistered where the merchant has this URL with the same filters, ApiError 401 where it is
    deleted.
    """
    fields = dict(wishes) | {
        "headers": json.dumps(wishes["headers"]),
        "fingerprint": fingerprint(wishes["url"], wishes["types"], wishes["couriers"]),
        **asdict(Keys.fresh(wishes["signature"])),
    }
    with once_per_merchant(), transaction.atomic():
        stay(merchant_id)
        endpoint = Endpoint.objects.create(merchant_id=merchant_id, **fields)
        Lane.objects.create(endpoint=endpoint)
    return endpoint


@contextmanager
def once_per_merchant() -> Iterator[None]:
    """Raises AlreadyRegistered where the database refuses the same URL with the same filters twice."""
    try:
        yield
    except IntegrityError as error:
        if _ONCE in str(error):
            raise AlreadyRegistered from error
        raise
