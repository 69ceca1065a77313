"""Workers killed by SIGKILL at each moment that matters: nothing is lost, and what is repeated is counted."""

import random
import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from accounts.models import Merchant
from tests.faults.stage import Stage
from tests.faults.test_database import end_their_sessions
from tests.faults.truth import check, claimed, drained, sends, tries
from tests.faults.witness import once, slowly
from tests.faults.workers import Worker
from tests.subscribers import status
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory
from tests.webhooks.test_claims import lose_leases
from webhooks.models import Attempt, Delivery

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

#: A lease that does not run out by itself, however loaded the machine is.
LONG = "600"


def power_cut(worker: Worker, on: Stage) -> None:
    worker.kill()
    on.worker()


def crash(worker: Worker, on: Stage) -> None:
    worker.kill_one_of_the_pool()


@pytest.mark.parametrize("fault", [power_cut, crash])
def test_what_was_under_way_is_sent_once_more_and_the_rest_once(
    alice: Merchant, on: Stage, fault: Callable[[Worker, Stage], None]
) -> None:
    gate = threading.Event()
    on.seen.answer("/hook", once(gate))
    EndpointFactory(merchant=alice, url=on.seen.url(), max_in_flight=10)
    worker = on.worker(DELIVERY_LEASE=LONG)
    on.announcer().announce(alice.id, 60)
    under_way = {post.id for post in on.seen.wait_for_posts(10)}
    assert len(under_way) == claimed() == 10
    fault(worker, on)
    eventually(lambda: all(post.ended for post in on.seen.posts()[:10]))
    lose_leases()
    gate.set()
    drained()
    check(on.seen)
    assert {id_ for id_, count in sends(on.seen.posts()).items() if count == 2} == under_way
    assert sum(sends(on.seen.posts()).values()) == 70
    assert all(tries(id_) == ["abandoned", ""] for id_ in under_way)


def waiting_session() -> int:
    """The database session that waits for a row; 0: there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        found = cursor.fetchone()
    return found[0] if found else 0


@pytest.mark.parametrize("outlives", [False, True], ids=["dies with it", "outlives it"])
def test_a_worker_killed_after_the_answer_and_before_its_record(
    alice: Merchant, on: Stage, outlives: bool
) -> None:
    """The statement that settles either never happens, or happens although its worker is dead."""
    gate = threading.Event()
    on.seen.answer("/hook", once(gate), status(200))
    EndpointFactory(merchant=alice, url=on.seen.url())
    worker = on.worker(DELIVERY_LEASE=LONG)
    (id_,) = on.announcer().announce(alice.id)
    on.seen.wait_for_posts(1)
    with transaction.atomic():
        Delivery.objects.select_for_update().get()
        gate.set()
        sessions: list[int] = []
        eventually(lambda: sessions.append(waiting_session()) or sessions[-1])
        worker.kill()
        if not outlives:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [sessions[-1]])
    if outlives:
        eventually(lambda: Delivery.objects.get().state == "delivered")
    lose_leases()
    on.worker()
    on.announcer().announce(alice.id)
    on.seen.wait_for_posts(2)
    drained()
    check(on.seen)
    assert tries(id_) == ([""] if outlives else ["abandoned", ""])
    assert sends(on.seen.posts())[id_] == len(tries(id_))


def test_who_is_killed_between_commit_and_nudge_delays_nobody_for_long(alice: Merchant, on: Stage) -> None:
    EndpointFactory(merchant=alice, url=on.seen.url())
    on.worker()
    announcer = on.announcer()
    announcer.announce(alice.id)
    drained()
    announcer.announce_and_die(alice.id)
    on.seen.wait_for_posts(2)
    drained()
    check(on.seen)
    assert len(on.seen.posts()) == 2


def test_kills_at_random_moments_repeat_no_more_than_was_under_way(alice: Merchant, on: Stage) -> None:
    chance = random.Random(1)
    on.seen.answer("/hook", slowly(0.05))
    EndpointFactory(merchant=alice, url=on.seen.url(), max_in_flight=20, retry_schedule=[1, 1, 1])
    on.worker(DELIVERY_LEASE=LONG)
    on.announcer().announce(alice.id, 400)
    kills = 4
    for nth in range(kills):
        on.seen.wait_for_posts(60 * (nth + 1) + chance.randrange(60))
        on.workers[-1].kill()
        end_their_sessions()
        lose_leases()
        on.worker(DELIVERY_LEASE=LONG)
    drained()
    check(on.seen)
    repeats = sum(count - 1 for count in sends(on.seen.posts()).values())
    abandoned = Attempt.objects.filter(error="abandoned").count()
    assert repeats <= abandoned <= kills * 20
    assert max(sends(on.seen.posts()).values()) <= kills + 1


def test_one_that_kills_whoever_sends_it_is_forgiven_three_times_and_then_waits_its_turn(
    alice: Merchant, on: Stage
) -> None:
    gate = threading.Event()
    on.seen.answer("/hook", *[once(gate)] * 4, status(200))
    EndpointFactory(merchant=alice, url=on.seen.url(), retry_schedule=[2])
    worker = on.worker(DELIVERY_LEASE=LONG)
    (id_,) = on.announcer().announce(alice.id)
    for nth in range(1, 5):
        on.seen.wait_for_posts(nth)
        assert Delivery.objects.get().step == 0
        worker.kill_one_of_the_pool()
        eventually(lambda last=nth: on.seen.posts()[last - 1].ended)
        lose_leases()
    eventually(lambda: Delivery.objects.get().step == 1)
    drained()
    check(on.seen)
    assert tries(id_) == ["abandoned"] * 4 + [""]
    assert on.seen.posts()[4].at - on.seen.posts()[3].ended >= 2
