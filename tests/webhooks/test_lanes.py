"""The cap of an endpoint, with several claimers at once and rows that come late."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts.models import Merchant
from tests.webhooks.at_once import mark
from tests.webhooks.cast import EndpointFactory, due_now, owe
from tests.webhooks.test_claims import lose_leases, settlement, side_by_side
from webhooks import lanes
from webhooks.claims import Claimed, oldest_due, take
from webhooks.ending import settle
from webhooks.extra import ask
from webhooks.models import Delivery, Endpoint, Lane, Trigger
from webhooks.paces import Pace

pytestmark = pytest.mark.django_db


def under_way() -> Counter[UUID]:
    """Claims that hold, by endpoint."""
    held = Delivery.objects.filter(claimed_until__gte=Now())
    return Counter(held.values_list("endpoint_id", flat=True))


def test_a_row_that_comes_late_but_is_due_earlier_does_not_pass_the_cap(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, max_in_flight=3)
    owe(endpoint, 3)
    assert len(take(100)) == 3
    late = owe(endpoint, 5)
    due_now(*late)
    assert take(100) == []
    assert oldest_due() is None


def test_a_place_that_is_free_again_goes_to_the_one_due_longest(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, max_in_flight=2)
    owed = owe(endpoint, 4)
    first, _ = take(100)
    due_now(owed[3])
    settle([settlement(first)])
    assert [each.delivery_id for each in take(100)] == [owed[3].id]


def test_what_a_dead_claimer_held_frees_its_place(alice: Merchant) -> None:
    owed = owe(EndpointFactory(merchant=alice, max_in_flight=2), 4)
    take(100)
    lose_leases()
    assert {each.delivery_id for each in take(100)} == {owed[0].id, owed[1].id}


def test_a_cap_that_was_lowered_counts_from_the_next_claim_on(alice: Merchant) -> None:
    owe(EndpointFactory(merchant=alice, max_in_flight=5), 10)
    taken = take(100)
    Endpoint.objects.update(max_in_flight=2)
    settle([settlement(each) for each in taken[:3]])
    assert take(100) == []
    settle([settlement(each) for each in taken[3:4]])
    assert len(take(100)) == 1


def test_endpoints_at_their_cap_leave_the_whole_claim_to_the_others(alice: Merchant) -> None:
    for _ in range(5):
        owe(EndpointFactory(merchant=alice, max_in_flight=1), 5)
    assert len(take(100)) == 5
    fine = EndpointFactory(merchant=alice)
    owe(fine, 3)
    assert [each.endpoint.id for each in take(3)] == [fine.id] * 3


def test_the_longest_due_of_many_endpoints_come_first(alice: Merchant) -> None:
    owed = [each for _ in range(6) for each in owe(EndpointFactory(merchant=alice), 4)]
    oldest = [owed[nth] for nth in (3, 9, 14, 22)]
    for hours, each in enumerate(oldest, 1):
        Delivery.objects.filter(id=each.id).update(next_attempt_at=Now() - timedelta(hours=9 - hours))
    assert [each.delivery_id for each in take(4)] == [each.id for each in oldest]


def test_a_claim_is_as_many_statements_for_many_endpoints_as_for_one(alice: Merchant) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert take(100)
        return len([each for each in asked if "SAVEPOINT" not in each["sql"]])

    endpoint = EndpointFactory(merchant=alice)
    owe(endpoint, 2)
    first = count()
    owe(endpoint, 2)
    again = count()
    for _ in range(10):
        owe(EndpointFactory(merchant=alice), 3)
    assert count() == first == 7
    assert again == 4


def test_what_is_under_way_is_found_without_reading_the_backlog(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, max_in_flight=2)
    owed = owe(endpoint, 6)
    Delivery.objects.update(next_attempt_at=Now() - timedelta(hours=1))
    take(100)
    lane = Lane.objects.get()
    held = Delivery.objects.exclude(claim_id=None).order_by("-next_attempt_at", "-id")[0]
    assert (lane.claimed_through, lane.claimed_through_id) == (held.next_attempt_at, held.id)
    assert {each.id for each in owed[:2]} == set(
        Delivery.objects.exclude(claim_id=None).values_list("id", flat=True)
    )


def test_rows_that_come_late_in_numbers_are_read_no_longer_than_until_what_was_under_way_has_ended(
    alice: Merchant,
) -> None:
    endpoint = EndpointFactory(merchant=alice, max_in_flight=1)
    owe(endpoint)
    (newest,) = take(100)
    due_now(*owe(endpoint, 5))
    settle([settlement(newest)])
    take(100)
    assert Lane.objects.get().claimed_through < newest.started_at - timedelta(minutes=30)


def test_the_lane_of_an_endpoint_that_nobody_sends_to_is_not_made(alice: Merchant) -> None:
    owe(EndpointFactory(merchant=alice))
    Endpoint.objects.update(state="paused")
    assert take(100) == []
    assert not Lane.objects.exists()


@pytest.mark.parametrize("is_extra", [False, True])
@pytest.mark.django_db(transaction=True)
def test_a_claimer_does_not_wait_for_one_that_makes_the_same_lanes(alice: Merchant, is_extra: bool) -> None:
    for delivery in owe(EndpointFactory(merchant=alice), 2):
        if is_extra:
            ask(delivery.id, Trigger.MANUAL)
    taken: list[Claimed] = []

    def claim() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 20000")
        taken.extend(take(1))

    with transaction.atomic():
        assert len(take(1)) == 1
        side_by_side(claim)
        assert taken == []
    side_by_side(claim)
    assert len(taken) == 1


@pytest.mark.django_db(transaction=True)
def test_a_lane_that_another_claims_at_this_moment_is_left_and_nobody_waits(alice: Merchant) -> None:
    mine, other = (EndpointFactory(merchant=alice) for _ in range(2))
    owe(mine, 2)
    owe(other, 2)
    take(2)
    taken: list[Claimed] = []
    with transaction.atomic():
        Lane.objects.select_for_update(no_key=True).get(endpoint=other)
        side_by_side(lambda: taken.extend(take(100)))
    assert {each.endpoint.id for each in taken} <= {mine.id}
    assert {each.endpoint.id for each in take(100)} == {other.id}


@pytest.mark.django_db(transaction=True)
def test_a_claimer_whose_sight_is_older_than_anothers_claim_takes_nothing_from_that_lane(
    alice: Merchant, monkeypatch
) -> None:
    """It sees the rows as they were, finds the lane unlocked, and must tell by the lane that it is late."""
    endpoint = EndpointFactory(merchant=alice, max_in_flight=2)
    owe(endpoint, 10)
    settle([settlement(each) for each in take(100)])
    waits = "AND lane.version = l.xmin\n"
    assert lanes.TAKE[Pace.FIRST][0].count(waits) == 1
    slow = f"{waits} JOIN (SELECT pg_advisory_xact_lock(7, 7)) AS gate ON TRUE\n"
    taken: list[Claimed] = []

    def late() -> None:
        monkeypatch.setattr(lanes, "TAKE", {Pace.FIRST: (plain[Pace.FIRST][0].replace(waits, slow),)})
        taken.extend(take(100, [Pace.FIRST]))
        connections.close_all()

    plain, claimer = lanes.TAKE, threading.Thread(target=late)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7, 7)")
        claimer.start()
        wait_for_the_gate(cursor.execute, cursor.fetchone)
        monkeypatch.setattr(lanes, "TAKE", plain)
        side_by_side(lambda: due_now(*owe(endpoint, 2)))
        side_by_side(lambda: taken.extend(take(100)))
        assert len(taken) == 2
    claimer.join(120)
    assert len(taken) == 2
    assert under_way() == {endpoint.id: 2}


def wait_for_the_gate(execute: Callable[[str], object], fetch: Callable[[], tuple[int]]) -> None:
    """Until the other stands before it, its statement under way."""
    found = 0
    while not found:
        execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
        )
        (found,) = fetch()


@pytest.mark.django_db(transaction=True)
def test_claimers_of_both_paces_at_once_never_pass_the_cap_and_lose_nothing(alice: Merchant) -> None:
    endpoints = [EndpointFactory(merchant=alice, max_in_flight=cap) for cap in (1, 2, 3, 5)]
    slow = EndpointFactory(merchant=alice, max_in_flight=5, slow_since=Now())
    for endpoint in (*endpoints, slow):
        owe(endpoint, 8)
        late = owe(endpoint, 8)
        Delivery.objects.filter(id__in=[each.id for each in late]).update(late=True)
    most: Counter[UUID] = Counter()
    delivered: list[UUID] = []

    def work(pace: Pace) -> None:
        for _ in range(25):
            taken = take(5, [pace])
            most.__ior__(under_way())
            delivered.extend(settle([settlement(each) for each in taken]).states)

    def make_late() -> None:
        for _ in range(25):
            mark(3)

    Delivery.objects.filter(late=False).update(next_attempt_at=Now() - timedelta(minutes=1))
    first, late_one = partial(work, Pace.FIRST), partial(work, Pace.LATE)
    side_by_side(first, late_one, first, late_one, make_late)
    caps = {endpoint.id: endpoint.max_in_flight for endpoint in endpoints} | {slow.id: 2}
    assert most <= Counter(caps)
    while taken := take(100):
        delivered.extend(settle([settlement(each) for each in taken]).states)
    assert len(delivered) == len(set(delivered)) == Delivery.objects.filter(state="delivered").count() == 80


@pytest.mark.django_db(transaction=True)
def test_many_claimers_and_late_rows_never_pass_the_cap_and_lose_nothing(alice: Merchant) -> None:
    caps = [1, 2, 3, 5]
    endpoints = [EndpointFactory(merchant=alice, max_in_flight=cap) for cap in caps]
    for endpoint in endpoints:
        owe(endpoint, 10)
    most: Counter[UUID] = Counter()
    delivered: list[UUID] = []

    def claim_and_settle() -> None:
        for _ in range(25):
            taken = take(4)
            most.__ior__(under_way())
            delivered.extend(settle([settlement(each) for each in taken]).states)

    def come_late() -> None:
        for endpoint in endpoints * 3:
            with transaction.atomic():
                late = owe(endpoint, 2)
                due_now(*late)

    side_by_side(claim_and_settle, claim_and_settle, claim_and_settle, claim_and_settle, come_late)
    assert most <= Counter({endpoint.id: endpoint.max_in_flight for endpoint in endpoints})
    while taken := take(100):
        delivered.extend(settle([settlement(each) for each in taken]).states)
    assert len(delivered) == len(set(delivered)) == Delivery.objects.filter(state="delivered").count()
    assert not Delivery.objects.exclude(state="delivered").exists()
