"""Pages of an endpoint's deliveries: by age, without a hole, and read in an index's order."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, owe
from webhooks import reading
from webhooks.models import Delivery, Endpoint
from webhooks.places import Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice)


def page(client: APIClient, endpoint: Endpoint, **query: Any) -> tuple[list[str], str | None]:
    data = client.get(f"/v1/webhooks/{endpoint.id}/deliveries", query).json()["data"]
    return [one["deliveryId"] for one in data["deliveries"]], data["next"]


def test_the_newest_come_first_whatever_their_ids_say(as_alice: APIClient, endpoint: Endpoint) -> None:
    first, second, third = owe(endpoint, 3)
    Delivery.objects.filter(id=first.id).update(created_at=Now() + timedelta(hours=1))
    Delivery.objects.filter(id=third.id).update(created_at=Now() - timedelta(hours=1))
    ids, following = page(as_alice, endpoint, limit=2)
    assert ids == [str(first.id), str(second.id)]
    assert page(as_alice, endpoint, limit=2, after=following) == ([str(third.id)], None)


def test_reading_on_skips_nothing_when_a_pages_last_one_was_deleted(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    owed = [str(each.id) for each in reversed(owe(endpoint, 5))]
    ids, following = page(as_alice, endpoint, limit=2)
    assert ids == owed[:2]
    Delivery.objects.filter(id=owed[1]).delete()
    assert page(as_alice, endpoint, limit=5, after=following) == (owed[2:], None)


def test_reading_on_keeps_the_filters(as_alice: APIClient, endpoint: Endpoint) -> None:
    owed = [each.id for each in owe(endpoint, 6)]
    Delivery.objects.filter(id__in=owed[::2]).update(state="exhausted", next_attempt_at=None)
    ids, following = page(as_alice, endpoint, limit=2, state="exhausted")
    rest, _ = page(as_alice, endpoint, limit=2, state="exhausted", after=following)
    assert [*ids, *rest] == [str(id_) for id_ in owed[::2][::-1]]


@pytest.mark.parametrize("cursor", ["nonsense", "", "1-2", "٣-0195f0c2-9d24-7f33-8e4d-4c5b6a7f8e9d", "-"])
def test_what_was_no_answers_next_is_refused(as_alice: APIClient, endpoint: Endpoint, cursor: str) -> None:
    answer = as_alice.get(f"/v1/webhooks/{endpoint.id}/deliveries", {"after": cursor})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"].startswith("after: ")


def test_a_place_is_written_to_the_microsecond(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    assert Place.read(str(Place.of(delivery))) == Place.of(delivery)


@pytest.mark.parametrize("state", [None, *Delivery.State.values])
def test_a_page_of_any_state_is_read_in_an_indexs_order(
    endpoint: Endpoint, state: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of a million must not sort them. What the planner would rather do with few rows is forbidden."""
    owe(endpoint, 3)
    plans: list[str] = []
    monkeypatch.setattr(reading, "list", lambda rows: plans.append(rows.explain()) or [], raising=False)
    of_all = state in {None, "delivered"}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_hashjoin = off")
        if not of_all:
            # With three rows either index will do; the other one must do by itself.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("DROP INDEX delivery_by_age")
    after = Place.of(endpoint.deliveries.latest("created_at"))
    for place in (None, after):
        reading.deliveries_of(endpoint, limit=2, after=place, state=state)
    for plan in plans:
        assert "Sort" not in plan
        used = "delivery_by_age" if of_all else "delivery_by_state"
        assert f"Index Scan Backward using {used}" in plan, plan
    assert len(plans) == 2
