"""A PostgreSQL whose sessions end in the middle of everything, or that is away for a while."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from accounts.models import Merchant
from tests.faults.relay import Relay, relay
from tests.faults.stage import Stage, database_url
from tests.faults.truth import check, drained, sends, tries
from tests.faults.witness import once, slowly
from tests.subscribers import status
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def way(transactional_db: None) -> Iterator[Relay]:
    """The workers' way to the database, which a test may cut off."""
    at = connection.settings_dict
    with relay(at["HOST"], int(at["PORT"])) as made:
        yield made


def end_their_sessions() -> int:
    """End every session of this database but our own. How many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_sessions_that_end_lose_nothing_and_repeat_nothing(alice: Merchant, on: Stage) -> None:
    """Who lives keeps its claims: a try that ended is recorded on a new session, and sent no second time."""
    on.seen.answer("/hook", slowly(0.05))
    EndpointFactory(merchant=alice, url=on.seen.url(), max_in_flight=20)
    on.announcer().announce(alice.id, 300)
    on.worker()
    for nth in range(1, 6):
        on.seen.wait_for_posts(50 * nth)
        eventually(end_their_sessions)
    drained()
    check(on.seen)
    assert set(sends(on.seen.posts()).values()) == {1}


def test_what_is_answered_while_the_database_is_away_is_recorded_when_it_is_back(
    alice: Merchant, on: Stage, way: Relay
) -> None:
    gate = threading.Event()
    on.seen.answer("/hook", once(gate))
    EndpointFactory(merchant=alice, url=on.seen.url())
    worker = on.worker(DATABASE_URL=database_url(way.port))
    on.announcer().announce(alice.id, 30)
    on.seen.wait_for_posts(10)
    way.cut()
    gate.set()
    eventually(lambda: "ended tries are not recorded yet" in worker.log())
    way.restore()
    drained()
    check(on.seen)
    assert len(on.seen.posts()) == 30
    assert all(tries(id_) == [""] for id_ in sends(on.seen.posts()))


def test_a_database_that_is_away_for_longer_than_the_lease_costs_one_repeat_each(
    alice: Merchant, on: Stage, way: Relay
) -> None:
    gate = threading.Event()
    on.seen.answer("/hook", *[once(gate)] * 10, status(200))
    EndpointFactory(merchant=alice, url=on.seen.url())
    cut_off = on.worker(DATABASE_URL=database_url(way.port), DELIVERY_LEASE="6", DELIVERY_DEADLINE="600")
    announcer = on.announcer()
    announcer.announce(alice.id, 30)
    under_way = {post.id for post in on.seen.wait_for_posts(10)}
    way.cut()
    # Who cannot renew its claims stops sending, and one that can reach the database takes over.
    eventually(lambda: all(post.ended for post in on.seen.posts()[:10]))
    other = on.worker(DELIVERY_LEASE="600")
    drained()
    assert other.stop() == 0
    way.restore()
    announcer.announce(alice.id, 5)
    drained()
    check(on.seen)
    assert {id_ for id_, count in sends(on.seen.posts()).items() if count == 2} == under_way
    assert len(on.seen.posts()) == 45
    assert cut_off.process.poll() is None
