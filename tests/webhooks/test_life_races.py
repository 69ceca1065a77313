"""An endpoint's life meets recordings, claims and itself, in real transactions at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.errors import ApiError
from accounts.models import Merchant
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory, ended, news, owe, tell
from tests.webhooks.test_claims import lose_leases
from webhooks import enabling, health, holding, pausing, testing
from webhooks.claims import take
from webhooks.fanout import announce, subscribers
from webhooks.models import Delivery, Endpoint, Message
from webhooks.settling import settle

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each gives, begun together in threads of their own."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            gate.wait(60)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(120) for future in [pool.submit(run, work) for work in works]]


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        # What a transaction has seen of the activity once, it sees again.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def put_in_order() -> None:
    while holding.reconcile():
        pass


def states() -> set[str]:
    return set(Delivery.objects.values_list("state", flat=True))


def rest_and_go_on(endpoint: Endpoint) -> None:
    pausing.pause(endpoint.merchant_id, endpoint.id)
    arrive(endpoint, uuid7())


def arrive(endpoint: Endpoint, test: UUID) -> None:
    """A test that was asked for arrives."""
    health.enable(endpoint.id, test)
    with transaction.atomic():
        enabling.tested(endpoint.merchant_id, endpoint.id, test, arrived=True)


def test_no_delivery_stays_held_whatever_was_recorded_while_the_endpoint_rested_and_went_on(
    alice: Merchant,
) -> None:
    endpoint = EndpointFactory(merchant=alice)

    def record() -> None:
        for _ in range(40):
            tell(alice, news())

    def live() -> None:
        for _ in range(20):
            rest_and_go_on(endpoint)

    at_once(record, record, live)
    endpoint.refresh_from_db()
    assert endpoint.state == "active"
    put_in_order()
    assert states() == {"pending"}
    assert Delivery.objects.count() == 80


def test_a_recording_that_saw_the_endpoint_at_rest_is_released_by_the_sweep(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, state="paused")
    seen = subscribers([alice.id])
    arrive(endpoint, uuid7())
    with transaction.atomic():
        announce(alice.id, seen, [news()])
    assert states() == {"held"}
    put_in_order()
    assert states() == {"pending"}


def test_a_recording_that_saw_the_endpoint_active_is_not_sent_to_it_at_rest(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    seen = subscribers([alice.id])
    pausing.pause(alice.id, endpoint.id)
    with transaction.atomic():
        announce(alice.id, seen, [news()])
    assert states() == {"pending"}
    assert take(10) == []
    put_in_order()
    assert states() == {"held"}


def test_a_recording_under_way_does_not_fail_on_a_deletion_and_owes_nothing_afterwards(
    alice: Merchant,
) -> None:
    endpoint = EndpointFactory(merchant=alice)
    with transaction.atomic():
        announce(alice.id, subscribers([alice.id]), [news()])
        at_once(lambda: holding.delete(alice.id, endpoint.id))
    assert states() == {"pending"}
    assert take(10) == []
    put_in_order()
    assert states() == {"cancelled"}


def test_a_sweep_passes_by_what_somebody_else_has_locked(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    first, _ = owe(endpoint, 2)
    Endpoint.objects.update(state="paused")
    with transaction.atomic():
        Delivery.objects.select_for_update().get(id=first.id)
        assert at_once(holding.reconcile) == [1]
    assert holding.reconcile() == 1


@pytest.mark.parametrize("ask", [testing.send, testing.enable])
def test_a_merchant_that_leaves_is_given_no_more_tests(
    alice: Merchant, ask: Callable[[UUID, UUID], object]
) -> None:
    endpoint = EndpointFactory(merchant=alice, state="paused")
    Merchant.objects.update(deleted_at=Now())
    with pytest.raises(ApiError) as refused:
        ask(alice.id, endpoint.id)
    assert refused.value.status_code == 401
    assert not Message.objects.exists()


def test_deleting_and_recording_at_once_leave_nothing_to_send(alice: Merchant) -> None:
    for _ in range(5):
        endpoint = EndpointFactory(merchant=alice)
        owe(endpoint)
        at_once(
            lambda: [tell(alice, news()) for _ in range(10)],
            lambda endpoint=endpoint: holding.delete(alice.id, endpoint.id),
        )
    put_in_order()
    assert take(10) == []
    assert states() == {"cancelled"}


def test_after_a_pause_nothing_is_claimed_and_what_was_is_heard(alice: Merchant) -> None:
    for _ in range(5):
        endpoint = EndpointFactory(merchant=alice)
        owe(endpoint, 5)
        claimed, _ = at_once(lambda: take(5), lambda endpoint=endpoint: pausing.pause(alice.id, endpoint.id))
        assert take(10) == []
        settle((each, ended(each.delivery_id)) for each in claimed)
        mine = Delivery.objects.filter(endpoint=endpoint)
        assert mine.filter(state="delivered").count() == len(claimed)
        put_in_order()
        assert mine.filter(state="held").count() == 5 - len(claimed)


def test_a_claim_that_a_pause_came_too_late_for_is_not_taken_over_when_its_lease_is_over(
    alice: Merchant,
) -> None:
    endpoint = EndpointFactory(merchant=alice)
    owe(endpoint)
    take(1)
    pausing.pause(alice.id, endpoint.id)
    lose_leases()
    assert take(1) == []
    put_in_order()
    assert states() == {"held"}


def test_many_who_enable_at_once_ask_for_one_test(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, state="paused")
    asked = at_once(*[lambda: testing.enable(alice.id, endpoint.id) for _ in range(4)])
    assert len({one.delivery.id for one in asked}) == 1
    assert Message.objects.count() == 1


def test_a_pause_that_meets_the_arrival_of_the_test_wins(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, state="paused")
    for _ in range(10):
        test = testing.enable(alice.id, endpoint.id).delivery

        def settled(test: Delivery = test) -> None:
            with transaction.atomic():
                enabling.tested(alice.id, endpoint.id, test.id, arrived=True)

        at_once(settled, lambda: pausing.pause(alice.id, endpoint.id))
        endpoint.refresh_from_db()
        assert (endpoint.state, endpoint.enabling_by) == ("paused", None)


def test_a_pause_waits_for_an_arrival_that_is_being_recorded(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, state="disabled", disabled_reason="gone")
    test = testing.enable(alice.id, endpoint.id).delivery
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            enabling.tested(alice.id, endpoint.id, test.id, arrived=True)
            waiting = pool.submit(_pause, endpoint)
            eventually(somebody_waits_for_a_lock)
        waiting.result(120)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_reason) == ("paused", "")


def _pause(endpoint: Endpoint) -> None:
    try:
        pausing.pause(endpoint.merchant_id, endpoint.id)
    finally:
        connection.close()


def test_a_410_that_meets_the_arrival_of_the_test_leaves_no_half_state(alice: Merchant) -> None:
    for _ in range(5):
        endpoint = EndpointFactory(merchant=alice, state="paused")
        test = testing.enable(alice.id, endpoint.id).delivery

        def settled(endpoint: Endpoint = endpoint, test: Delivery = test) -> None:
            with transaction.atomic():
                enabling.tested(alice.id, endpoint.id, test.id, arrived=True)

        at_once(settled, lambda endpoint=endpoint: health.disable(endpoint.id, health.Reason.GONE))
        endpoint.refresh_from_db()
        active = endpoint.state == "active"
        assert (endpoint.disabled_reason == "") is active
        assert (endpoint.disabled_at is None) is active
        assert endpoint.enabling_by is None
