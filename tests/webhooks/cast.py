"""Endpoints of alice and bob, and what they are told."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import factory
from django.db import transaction
from django.db.models.functions import Now
from factory.django import DjangoModelFactory
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from tests.factories import MerchantFactory
from webhooks import testing
from webhooks.exchanges import Failure, Result
from webhooks.fanout import Announcement, announce, subscribers
from webhooks.filters import fingerprint
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.signing import new_secret


class EndpointFactory(DjangoModelFactory[Endpoint]):
    class Meta:
        model = Endpoint

    merchant: Any = factory.SubFactory(MerchantFactory)
    url: Any = factory.Sequence(lambda n: f"https://{n}.example/hook")
    types: Any = factory.LazyFunction(lambda: ["*"])
    secret: Any = factory.LazyFunction(new_secret)
    fingerprint: Any = factory.LazyAttribute(lambda own: fingerprint(own.url, own.types, []))


def news(kind: str = "tracking.updated", *, couriers: Sequence[str] = (), **more: Any) -> Announcement:
    body = json.dumps({"type": kind, "weight": 136.0, "city": "Köln"}, ensure_ascii=False).encode()
    return Announcement(uuid7(), kind, uuid7(), 1, tuple(couriers), lambda: body, **more)


def tell(merchant: Merchant, *what: Announcement) -> int:
    """Announce in a transaction, as whoever appends does."""
    with transaction.atomic():
        return announce(merchant.id, subscribers([merchant.id]), what)


def owe(endpoint: Endpoint, count: int = 1) -> list[Delivery]:
    """This many deliveries that are due at once, to this endpoint alone."""
    others = subscribers([endpoint.merchant_id])
    only = [one for one in others.of(endpoint.merchant_id) if one.id == endpoint.id]
    others.by_merchant[endpoint.merchant_id] = only
    what = [news() for _ in range(count)]
    with transaction.atomic():
        announce(endpoint.merchant_id, others, what)
    return list(Delivery.objects.filter(message_id__in=[one.id for one in what]).order_by("id"))


def a_test_of(endpoint: Endpoint) -> Delivery:
    """A test that its merchant asked for, and nobody has sent yet."""
    return testing.send(endpoint.merchant_id, endpoint.id)


def due_now(*deliveries: Delivery) -> None:
    """Instead of waiting for the schedule."""
    mine = Delivery.objects.filter(id__in=[each.id for each in deliveries], state="pending")
    mine.update(next_attempt_at=Now() - timedelta(hours=1))


def attempts_of(delivery: Delivery) -> list[Attempt]:
    return list(Attempt.objects.filter(delivery=delivery).order_by("number"))


def ended(token: UUID, code: int | None = 200, failure: Failure | None = None, **headers: str) -> Result:
    """A result as the transport gives it."""
    if code and not 200 <= code < 300:
        failure = Failure.HTTP_STATUS
    return Result(token, failure, code, 12, b"answer", headers, "127.0.0.1")
