"""What is late: what is sent again in bulk, and first tries that nobody came to for too long."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from accounts.models import Merchant
from tests.clocks import held_clock
from tests.subscribers import Subscriber
from tests.webhooks.at_once import mark
from tests.webhooks.cast import EndpointFactory, owe
from tests.webhooks.test_claims import lose_leases, settlement, side_by_side
from webhooks import holding, overdue, pump, recovering, resending, resending_one
from webhooks.claims import take
from webhooks.ending import settle
from webhooks.models import Delivery, Endpoint, Lane, Recovery
from webhooks.paces import Pace

pytestmark = pytest.mark.django_db

FIRST, LATE = [Pace.FIRST], [Pace.LATE]


def owe_long_ago(endpoint: Endpoint, count: int = 1, seconds: int = 60) -> list[Delivery]:
    owed = owe(endpoint, count)
    mine = Delivery.objects.filter(id__in=[each.id for each in owed])
    mine.update(next_attempt_at=Now() - timedelta(seconds=seconds))
    return list(mine.order_by("id"))


def late() -> set[object]:
    return set(Delivery.objects.filter(late=True).values_list("id", flat=True))


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice, max_in_flight=4)


def test_what_has_been_due_for_too_long_is_late_and_the_rest_is_not(endpoint: Endpoint) -> None:
    with held_clock():
        old = owe_long_ago(endpoint, 3)
        owe_long_ago(endpoint, 2, seconds=2)
        assert mark(100) == 3
    assert late() == {each.id for each in old}
    assert mark(100) == 0


def test_a_new_first_try_goes_out_before_what_is_overdue(endpoint: Endpoint) -> None:
    owe_long_ago(endpoint, 9)
    mark(100)
    (new,) = owe(endpoint)
    assert [each.delivery_id for each in take(100, FIRST)] == [new.id]
    assert len(take(100, LATE)) == 2


def test_what_is_overdue_keeps_its_order_and_comes_after_what_is_under_way(endpoint: Endpoint) -> None:
    owe_long_ago(endpoint, 1, seconds=1)
    Delivery.objects.update(late=True)
    (under_way,) = take(100, LATE)
    old = owe_long_ago(endpoint, 3)
    mark(100)
    settle([settlement(under_way)])
    assert [each.delivery_id for each in take(100, LATE)] == [each.id for each in old]
    assert Lane.objects.get().late_through > under_way.started_at


def test_so_many_are_marked_at_most_the_oldest_first(endpoint: Endpoint) -> None:
    newer, older = owe_long_ago(endpoint, 3, seconds=60), owe_long_ago(endpoint, 3, seconds=90)
    assert mark(3) == 3
    assert late() == {each.id for each in older}
    while mark(2):
        pass
    assert late() == {each.id for each in older + newer}


def test_what_is_under_way_is_not_marked(endpoint: Endpoint) -> None:
    owe_long_ago(endpoint, 2)
    take(1, FIRST)
    assert mark(100) == 1
    lose_leases()
    assert mark(100) == 1


def test_endpoints_that_could_get_none_now_are_passed_by(alice: Merchant, endpoint: Endpoint) -> None:
    owe_long_ago(EndpointFactory(merchant=alice, max_in_flight=1), 5)
    owe_long_ago(EndpointFactory(merchant=alice, slow_since=Now()), 5)
    owe_long_ago(EndpointFactory(merchant=alice), 5)
    Endpoint.objects.filter(max_in_flight=10, slow_since=None).update(state="paused")
    assert len(take(100, FIRST)) == 1
    mine = owe_long_ago(endpoint, 2)
    assert mark(100) == 2
    assert late() == {each.id for each in mine}


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_passed_by_without_waiting(alice: Merchant) -> None:
    held, free = owe_long_ago(EndpointFactory(merchant=alice), 2)
    marked: list[int] = []

    def side() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 20000")
        marked.append(mark(100))

    with transaction.atomic():
        Delivery.objects.select_for_update(no_key=True).get(id=held.id)
        side_by_side(side)
    assert marked == [1]
    assert late() == {free.id}


def test_a_pump_that_is_behind_leaves_what_is_overdue_and_tells_of_it(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    monkeypatch.setattr(pump, "BATCH", 2)
    Endpoint.objects.update(url=server.url())
    owe_long_ago(endpoint, 30)
    told: list[bool] = []
    sent = pump.run(60, (Pace.FIRST,), tell_late=lambda: told.append(True))
    assert told
    assert (sent, len(late())) == (len(server.heard()), 30 - sent)
    assert 0 < sent < 30
    assert sent + pump.run(60, (Pace.LATE,)) == 30


def test_a_backlog_of_late_ones_is_no_reason_to_look_for_more(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(overdue, "marking", lambda limit, _seconds: asked.append(limit))
    monkeypatch.setattr(pump, "BATCH", 2)
    Endpoint.objects.update(url=server.url())
    owe_long_ago(endpoint, 30)
    Delivery.objects.update(late=True)
    assert pump.run(60) == 30
    assert asked == []


def release(endpoint: Endpoint) -> None:
    Endpoint.objects.update(state="paused")
    holding.reconcile()
    Endpoint.objects.update(state="active")
    holding.release(endpoint.id)


def recover(endpoint: Endpoint) -> None:
    Delivery.objects.update(next_attempt_at=Now() + timedelta(hours=1))
    Recovery.objects.create(
        endpoint=endpoint, since=Now() - timedelta(hours=1), until=Now(), states=["pending"]
    )
    recovering.advance()


def resend(endpoint: Endpoint) -> None:
    Delivery.objects.update(next_attempt_at=Now() + timedelta(hours=1))
    stream = Delivery.objects.get().message.stream
    resending.resend(endpoint.merchant_id, stream, ())


def resend_what_ended(endpoint: Endpoint) -> None:
    Delivery.objects.update(state="delivered", next_attempt_at=None)
    resending.resend(endpoint.merchant_id, Delivery.objects.get().message.stream, ())


def resend_to_one_more(endpoint: Endpoint) -> None:
    stream = Delivery.objects.get().message.stream
    Delivery.objects.all().delete()
    resending.resend(endpoint.merchant_id, stream, ())


@pytest.mark.parametrize("act", [release, recover, resend, resend_what_ended, resend_to_one_more])
def test_what_is_sent_again_in_bulk_is_late(endpoint: Endpoint, act: Callable[[Endpoint], None]) -> None:
    owe(endpoint)
    act(endpoint)
    assert take(100, FIRST) == []
    assert len(take(100, LATE)) == 1


def test_a_resend_leaves_what_was_due_anyway_at_its_pace(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    resending.resend(endpoint.merchant_id, delivery.message.stream, ())
    assert late() == set()


def test_one_delivery_sent_again_by_hand_goes_at_once(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    Delivery.objects.update(state="delivered", next_attempt_at=None)
    resending_one.resend_one(endpoint.merchant_id, delivery.id)
    assert [each.is_extra for each in take(100, FIRST)] == [True]
    assert late() == set()


def test_what_a_try_by_hand_is_under_way_of_changes_its_pace_later_if_at_all(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    Delivery.objects.update(state="delivered", next_attempt_at=None)
    resending_one.resend_one(endpoint.merchant_id, delivery.id)
    take(100, FIRST)
    Recovery.objects.create(
        endpoint=endpoint, since=Now() - timedelta(hours=1), until=Now(), states=["delivered"]
    )
    recovering.advance()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.late) == ("pending", False)
