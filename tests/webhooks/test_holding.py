"""Deliveries follow their endpoint."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, a_test_of, attempts_of, ended, owe
from tests.webhooks.test_claims import lose_leases
from webhooks import holding
from webhooks.claims import take
from webhooks.extra import ask
from webhooks.models import Delivery, Endpoint, ExtraTry, Trigger
from webhooks.settling import settle

pytestmark = pytest.mark.django_db


def states() -> list[str]:
    return sorted(set(Delivery.objects.values_list("state", flat=True)))


def put_in_order() -> None:
    while holding.reconcile():
        pass


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_pending_deliveries_of_an_inactive_endpoint_are_held_and_released(
    alice: Merchant, state: str
) -> None:
    owe(EndpointFactory(merchant=alice), 3)
    Endpoint.objects.update(state=state)
    put_in_order()
    assert states() == ["held"]
    Endpoint.objects.update(state="active")
    put_in_order()
    assert states() == ["pending"]


def test_the_oldest_is_released_first(alice: Merchant) -> None:
    owed = owe(EndpointFactory(merchant=alice), 5)
    Delivery.objects.update(state="held", next_attempt_at=None)
    holding.reconcile()
    assert [each.delivery_id for each in take(10)] == [each.id for each in owed]


def test_deliveries_of_a_deleted_endpoint_are_cancelled(alice: Merchant) -> None:
    owed = owe(EndpointFactory(merchant=alice), 4)
    Delivery.objects.filter(id=owed[0].id).update(state="held", next_attempt_at=None)
    Endpoint.objects.update(deleted_at=Now())
    put_in_order()
    assert states() == ["cancelled"]


@pytest.mark.parametrize("held_before", [False, True])
def test_deleting_records_a_cut_off_try_as_abandoned_and_a_late_answer_changes_nothing(
    alice: Merchant, held_before: bool
) -> None:
    endpoint = EndpointFactory(merchant=alice)
    (delivery,) = owe(endpoint)
    (late,) = take(1)
    lose_leases()
    if held_before:
        Endpoint.objects.update(state="disabled")
        put_in_order()
    assert holding.delete(alice.id, endpoint.id)
    settle([(late, ended(delivery.id))])
    delivery.refresh_from_db()
    assert (delivery.state, delivery.claim_id, delivery.claimed_until) == ("cancelled", None, None)
    assert (delivery.attempt_count, delivery.abandoned_count) == (1, 1)
    (attempt,) = attempts_of(delivery)
    assert (attempt.number, attempt.error, attempt.started_at) == (1, "abandoned", late.started_at)


def test_deleting_leaves_a_try_in_flight_to_whoever_makes_it(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    (delivery, _) = owe(endpoint, 2)
    claims = take(1)
    holding.delete(alice.id, endpoint.id)
    assert states() == ["cancelled", "pending"]
    settle((each, ended(each.delivery_id, 500)) for each in claims)
    put_in_order()
    assert states() == ["cancelled"]
    assert [each.error for each in attempts_of(delivery)] == ["http_status"]


def test_cancelling_what_was_never_tried_records_no_try(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    (delivery,) = owe(endpoint)
    holding.delete(alice.id, endpoint.id)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.abandoned_count) == ("cancelled", 0)
    assert attempts_of(delivery) == []


def test_what_is_over_stays_over(alice: Merchant) -> None:
    owe(EndpointFactory(merchant=alice), 2)
    settle((each, ended(each.delivery_id)) for each in take(2))
    for change in ({"state": "disabled"}, {"state": "active"}, {"deleted_at": Now()}):
        Endpoint.objects.update(**change)
        put_in_order()
        assert states() == ["delivered"]


def test_what_somebody_is_sending_is_left_to_them(alice: Merchant) -> None:
    owe(EndpointFactory(merchant=alice))
    claims = take(1)
    Endpoint.objects.update(state="disabled")
    put_in_order()
    assert states() == ["pending"]
    settle((each, ended(each.delivery_id, 500)) for each in claims)
    put_in_order()
    assert states() == ["held"]


def test_an_active_endpoint_in_order_costs_nothing(alice: Merchant) -> None:
    owe(EndpointFactory(merchant=alice), 3)
    assert holding.reconcile() == 0


def test_batches_are_of_a_fixed_size_and_number_of_statements(alice: Merchant) -> None:
    for _ in range(3):
        owe(EndpointFactory(merchant=alice), 4)
    Endpoint.objects.update(state="paused")
    with CaptureQueriesContext(connection) as asked:
        assert holding.reconcile(limit=5) == 5
    assert len(asked) == 5
    assert Delivery.objects.filter(state="held").count() == 5


def test_a_test_is_neither_released_nor_held_up(alice: Merchant) -> None:
    test = a_test_of(EndpointFactory(merchant=alice))
    for state in ("active", "paused", "active"):
        Endpoint.objects.update(state=state)
        put_in_order()
        test.refresh_from_db()
        assert test.state == "held"
    assert [each.is_extra for each in take(10)] == [True]


def test_deleting_cancels_a_test_and_drops_its_try(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    a_test_of(endpoint)
    holding.delete(alice.id, endpoint.id)
    assert states() == ["cancelled"]
    assert not ExtraTry.objects.exists()


def test_deleting_drops_the_extra_try_of_what_is_over(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    (delivery,) = owe(endpoint)
    settle((each, ended(each.delivery_id)) for each in take(1))
    ask(delivery.id, Trigger.MANUAL)
    holding.delete(alice.id, endpoint.id)
    assert states() == ["delivered"]
    assert not ExtraTry.objects.exists()


def test_an_extra_try_that_was_cut_off_is_recorded_as_what_it_was(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    owed = owe(endpoint, 2)
    settle((each, ended(each.delivery_id)) for each in take(1))
    for delivery in owed:
        ask(delivery.id, Trigger.MANUAL)
        dying(delivery)
    holding.delete(alice.id, endpoint.id)
    assert not ExtraTry.objects.exists()
    for delivery in owed:
        cut_off = attempts_of(delivery)[-1]
        assert (cut_off.trigger, cut_off.error) == ("manual", "abandoned")
        delivery.refresh_from_db()
        assert (delivery.claim_id, delivery.claimed_until) == (None, None)


def dying(delivery: Delivery) -> None:
    """Somebody claimed it for its extra try, and its lease is over."""
    claim = uuid7()
    delivery.refresh_from_db()
    ExtraTry.objects.filter(delivery=delivery).update(claim_id=claim)
    over = Now() - timedelta(seconds=1)
    number = delivery.attempt_count + 1
    mine = Delivery.objects.filter(id=delivery.id)
    mine.update(claim_id=claim, claimed_until=over, started_at=over, attempt_count=number)


def test_an_extra_try_under_way_is_left_to_whoever_makes_it(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    a_test_of(endpoint)
    Delivery.objects.update(claim_id=uuid7(), claimed_until=Now() + timedelta(minutes=1))
    holding.delete(alice.id, endpoint.id)
    assert states() == ["held"]
    assert ExtraTry.objects.exists()
    Delivery.objects.update(claim_id=None, claimed_until=None)
    put_in_order()
    assert states() == ["cancelled"]
    assert not ExtraTry.objects.exists()
