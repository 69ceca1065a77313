"""Endpoints that asked for order: of one parcel, the next message waits for the one before it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from tests.subscribers import Subscriber
from tests.webhooks.cast import EndpointFactory, a_test_of, due_now, ended, news, tell
from tests.webhooks.test_claims import lose_leases, side_by_side
from webhooks import lanes, pump
from webhooks.claims import Claimed, take
from webhooks.extra import ask
from webhooks.models import Delivery, Endpoint, ExtraTry, Trigger
from webhooks.ordering import Ended, wake
from webhooks.paces import Pace
from webhooks.settling import settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    made: Endpoint = EndpointFactory(merchant=alice, ordered=True)
    return made


def tell_of(merchant: Merchant, parcel: UUID, count: int, first: int = 1) -> None:
    """So many messages of one parcel, each owed after the one before it."""
    for sequence in range(first, first + count):
        tell(merchant, replace(news(), stream=parcel, sequence=sequence))


def places(claimed: Sequence[Claimed]) -> list[tuple[UUID, int]]:
    return [(each.stream, each.sequence) for each in claimed]


def end(claimed: Sequence[Claimed], code: int = 200) -> None:
    settle((each, ended(each.delivery_id, code)) for each in claimed)


def of(parcel: UUID, sequence: int) -> Delivery:
    return Delivery.objects.get(message__stream=parcel, message__sequence=sequence)


def test_one_message_of_a_parcel_at_a_time_in_order(alice: Merchant, endpoint: Endpoint) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 4)
    for sequence in (1, 2, 3, 4):
        claimed = take(100)
        assert places(claimed) == [(parcel, sequence)]
        assert take(100) == []
        end(claimed)
    assert take(100) == []


def test_parcels_do_not_wait_for_each_other(alice: Merchant, endpoint: Endpoint) -> None:
    parcels = [uuid7() for _ in range(3)]
    for parcel in parcels:
        tell_of(alice, parcel, 2)
    assert places(take(100)) == [(parcel, 1) for parcel in parcels]


def test_who_did_not_ask_for_order_gets_all_at_once(alice: Merchant, endpoint: Endpoint) -> None:
    Endpoint.objects.update(ordered=False)
    tell_of(alice, uuid7(), 4)
    assert len(take(100)) == 4


def test_order_is_kept_through_failures(alice: Merchant, endpoint: Endpoint) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    for _ in range(3):
        due_now(*Delivery.objects.all())
        claimed = take(100)
        assert places(claimed) == [(parcel, 1)]
        end(claimed, 500)
    due_now(*Delivery.objects.all())
    end(take(100))
    assert places(take(100)) == [(parcel, 2)]


def test_a_message_that_came_out_late_by_its_due_time_goes_first_all_the_same(
    alice: Merchant, endpoint: Endpoint
) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    due_now(of(parcel, 2))
    assert places(take(100)) == [(parcel, 1)]


def test_what_waits_comes_up_again_no_later_than_what_it_waits_for(
    alice: Merchant, endpoint: Endpoint
) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    end(take(100), 500)
    due_now(of(parcel, 2))
    take(100)
    assert of(parcel, 2).next_attempt_at == of(parcel, 1).next_attempt_at


def test_what_waits_for_long_looks_every_ten_minutes(alice: Merchant, endpoint: Endpoint) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    Delivery.objects.filter(id=of(parcel, 1).id).update(next_attempt_at=Now() + timedelta(hours=24))
    take(100)
    wait = Delivery.objects.filter(id=of(parcel, 2).id).annotate(now=Now()).get()
    assert timedelta(minutes=9) < wait.next_attempt_at - wait.now <= timedelta(minutes=10)
    assert (wait.state, wait.attempt_count, wait.claim_id) == ("pending", 0, None)


def test_a_bad_parcel_with_many_messages_holds_up_no_other(alice: Merchant, endpoint: Endpoint) -> None:
    Endpoint.objects.update(max_in_flight=1)
    bad, good = uuid7(), uuid7()
    tell_of(alice, bad, 80)
    tell_of(alice, good, 2)
    end(take(100), 500)
    claimed = take(100)
    assert places(claimed) == [(good, 1)]
    end(claimed)
    assert places(take(100)) == [(good, 2)]


def test_a_held_predecessor_holds_up_too(alice: Merchant, endpoint: Endpoint) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    Delivery.objects.filter(id=of(parcel, 1).id).update(state="held", next_attempt_at=None)
    assert take(100) == []
    assert of(parcel, 2).next_attempt_at > of(parcel, 2).created_at


@pytest.mark.parametrize("state", ["delivered", "exhausted", "cancelled"])
def test_a_predecessor_that_has_ended_holds_up_nothing(
    alice: Merchant, endpoint: Endpoint, state: str
) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    Delivery.objects.filter(id=of(parcel, 1).id).update(state=state, next_attempt_at=None)
    assert places(take(100)) == [(parcel, 2)]


def test_another_endpoints_trouble_is_its_own(alice: Merchant, endpoint: Endpoint) -> None:
    other = EndpointFactory(merchant=alice, ordered=True)
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    claimed = take(100)
    end([each for each in claimed if each.endpoint.id == other.id], 500)
    end([each for each in claimed if each.endpoint.id == endpoint.id])
    assert [(each.endpoint.id, each.sequence) for each in take(100)] == [(endpoint.id, 2)]


def test_an_exhausted_one_makes_way_at_once(alice: Merchant, endpoint: Endpoint) -> None:
    Endpoint.objects.update(retry_schedule=[1])
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    take(100)
    Delivery.objects.filter(id=of(parcel, 1).id).update(step=1)
    lose_leases()
    end(take(100), 500)
    assert of(parcel, 1).state == "exhausted"
    assert places(take(100)) == [(parcel, 2)]


def test_one_that_failed_before_is_not_woken_before_its_time(alice: Merchant, endpoint: Endpoint) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    later = Now() + timedelta(hours=1)
    Delivery.objects.filter(id=of(parcel, 2).id).update(step=1, next_attempt_at=later)
    due = of(parcel, 2).next_attempt_at
    wake([Ended(endpoint.id, parcel, 1)])
    assert of(parcel, 2).next_attempt_at == due


def test_only_the_next_one_is_woken(alice: Merchant, endpoint: Endpoint) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 3)
    claimed = take(100)
    waiting = of(parcel, 3).next_attempt_at
    end(claimed)
    assert of(parcel, 2).next_attempt_at < waiting
    assert of(parcel, 3).next_attempt_at == waiting


def test_a_wake_that_was_lost_costs_a_second(alice: Merchant, endpoint: Endpoint, monkeypatch) -> None:
    monkeypatch.setattr("webhooks.settling.wake", list)
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    end(take(100))
    waiting = Delivery.objects.annotate(now=Now()).get(state="pending")
    assert waiting.next_attempt_at - waiting.now <= timedelta(seconds=1)


def test_a_try_that_is_taken_over_still_comes_first(alice: Merchant, endpoint: Endpoint) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    take(100)
    lose_leases()
    due_now(of(parcel, 2))
    assert places(take(100)) == [(parcel, 1)]


def test_a_resend_by_hand_asks_for_no_order(alice: Merchant, endpoint: Endpoint) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 3)
    ask(of(parcel, 3).id, Trigger.MANUAL)
    assert sorted(places(take(100))) == [(parcel, 1), (parcel, 3)]


def test_a_resend_by_hand_that_arrives_makes_way(alice: Merchant, endpoint: Endpoint) -> None:
    parcel = uuid7()
    tell_of(alice, parcel, 2)
    end(take(100), 500)
    ask(of(parcel, 1).id, Trigger.MANUAL)
    claimed = take(100)
    assert places(claimed) == [(parcel, 1)]
    end(claimed)
    assert places(take(100)) == [(parcel, 2)]


def test_a_test_waits_for_nothing_and_nothing_for_it(alice: Merchant, endpoint: Endpoint) -> None:
    a_test_of(endpoint)
    tell_of(alice, endpoint.id, 1)
    assert len(take(100)) == 2
    assert ExtraTry.objects.exclude(claim_id=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_waking_does_not_wait_for_what_somebody_is_sending(alice: Merchant, endpoint: Endpoint) -> None:
    """Who settles it may hold it, and wait for what the waking holds."""
    tell_of(alice, parcel := uuid7(), 2)
    ask(of(parcel, 2).id, Trigger.MANUAL)
    take(10)
    woken: list[bool] = []

    def wake_in_time() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 20000")
        wake([Ended(endpoint.id, parcel, 1)])
        woken.append(True)

    with transaction.atomic():
        list(Delivery.objects.select_for_update(no_key=True))
        side_by_side(wake_in_time)
    assert woken == [True]


def test_what_a_message_waits_for_is_found_without_reading_all_that_its_endpoint_is_owed(
    alice: Merchant, endpoint: Endpoint
) -> None:
    for _ in range(20):
        tell_of(alice, uuid7(), 3)
    values = {"claim": uuid7(), "lease": 30, "forgiven": 3, "limit": 100, "ahead": lanes.AHEAD}
    with connection.cursor() as cursor:
        # So few rows are read whole as soon as anybody has counted them.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (COSTS OFF) {lanes.TAKE[Pace.FIRST][0]}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Cond: (message_id = p.id)" in plan


def test_a_claim_reads_a_bounded_number_of_those_that_wait(
    alice: Merchant, endpoint: Endpoint, count_statements
) -> None:
    tell_of(alice, uuid7(), 30)
    take(100)
    due_now(*Delivery.objects.filter(claim_id=None))
    Delivery.objects.filter(claim_id=None).update(next_attempt_at=Now() - timedelta(hours=1))
    assert count_statements(lambda: take(100)) <= 15
    assert take(100) == []


@pytest.mark.django_db(transaction=True)
def test_claimers_side_by_side_keep_the_order(alice: Merchant, endpoint: Endpoint) -> None:
    parcels = [uuid7() for _ in range(4)]
    for parcel in parcels:
        tell_of(alice, parcel, 5)
    told: list[tuple[UUID, int]] = []

    def work() -> None:
        for _ in range(30):
            claimed = take(2)
            told.extend(places(claimed))
            end(claimed)

    side_by_side(work, work, work)
    while Delivery.objects.filter(state="pending").exists():
        due_now(*Delivery.objects.all())
        work()
    for parcel in parcels:
        assert [sequence for stream, sequence in told if stream == parcel] == [1, 2, 3, 4, 5]


def test_a_subscriber_hears_each_parcel_in_order(
    alice: Merchant, endpoint: Endpoint, server: Subscriber
) -> None:
    Endpoint.objects.update(url=server.url())
    parcels = [uuid7() for _ in range(3)]
    for parcel in parcels:
        tell_of(alice, parcel, 6)
    assert pump.run(60) == 18
    told = dict(Delivery.objects.values_list("message_id", "message__sequence"))
    streams = dict(Delivery.objects.values_list("message_id", "message__stream"))
    heard = [UUID(each.headers["webhook-id"]) for each in server.heard()]
    for parcel in parcels:
        assert [told[id_] for id_ in heard if streams[id_] == parcel] == [1, 2, 3, 4, 5, 6]
