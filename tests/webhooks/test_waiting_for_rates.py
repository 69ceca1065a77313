"""How the pump waits for what a rate limit holds up."""

from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest
from django.db import connection, connections

from accounts.models import Merchant
from accounts.running import Job
from tests.clocks import held_clock
from tests.faults.witness import most_within
from tests.subscribers import Subscriber, subscriber
from tests.webhooks.aging import tries_began_earlier
from tests.webhooks.cast import EndpointFactory, owe
from tests.webhooks.test_claims import side_by_side
from tests.webhooks.test_rate_limit import tried_at
from webhooks import nudging, pump, tasks, waiting
from webhooks.claims import Taken, take, taking
from webhooks.lanes import rate_allows_in
from webhooks.models import Endpoint
from webhooks.nudging import Ear
from webhooks.paces import Pace
from webhooks.stopping import stop
from webhooks.waiting import Turn

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    made: Endpoint = EndpointFactory(merchant=alice, max_in_flight=100)
    return made


@pytest.fixture
def server(settings) -> Iterator[Subscriber]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with subscriber() as running:
        yield running
    stop.clear()


def test_the_pump_stays_until_all_is_sent(endpoint: Endpoint, server: Subscriber) -> None:
    Endpoint.objects.update(url=server.url(), rate_limit=40)
    owe(endpoint, 60)
    assert pump.run(60) == 60
    assert len(server.heard()) == 60
    assert most_within(1.09, tried_at()) <= 40


def test_the_pump_looks_as_soon_as_the_rate_allows_more(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    """Not when it would look otherwise: a part of the rate would be lost."""
    monkeypatch.setattr(pump, "LOOK_EVERY", 3600.0)
    Endpoint.objects.update(url=server.url(), rate_limit=4)
    owe(endpoint, 12)
    assert pump.run(60) == 12
    begun = sorted(tried_at())
    assert min(later - first for first, later in zip(begun, begun[4:], strict=False)) > 1.09


def test_the_pump_stays_when_the_rate_allows_more_just_after_its_look(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    """It asked what is due a moment before, and would leave it."""
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 3)
    due_in = Turn.due_in

    def late(turn: Turn) -> float | None:
        tries_began_earlier(3600)
        return due_in(turn)

    monkeypatch.setattr(Turn, "due_in", late)
    assert pump.run(60) == 3


def test_the_pump_looks_a_few_times_a_second_at_most(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 2)
    looks: list[int] = []

    def counted(limit: int, paces: Sequence[Pace], *, of_slow: bool) -> Job[Taken]:
        looks.append(limit)
        return (yield from taking(limit, paces, of_slow=of_slow))

    monkeypatch.setattr(pump, "taking", counted)
    assert pump.run(60) == 2
    # A second of waiting; a pump that spins would look thousands of times.
    assert len(looks) < 50


def test_beside_an_ear_it_asks_once_a_look_what_the_rate_allows(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    """It listens a hundred times a second; that question reads all lanes."""
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 2)
    asked: list[Turn] = []
    due_in = Turn.due_in

    def counted(turn: Turn) -> float | None:
        asked.append(turn)
        return due_in(turn)

    monkeypatch.setattr(Turn, "due_in", counted)
    own = uuid4()
    monkeypatch.setattr(nudging, "keys", lambda *_: [f"{own}:due", f"{own}:pumping"])
    assert pump.run(60, (Pace.FIRST,), Ear(Pace.FIRST)) == 2
    assert len(asked) < 20


def test_the_pump_leaves_when_its_budget_is_over(endpoint: Endpoint, server: Subscriber) -> None:
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 20)
    assert pump.run(0.3) == 1
    assert rate_allows_in() is not None


def test_the_word_to_stop_ends_the_waiting(endpoint: Endpoint, server: Subscriber, monkeypatch) -> None:
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 20)

    def stopping(turn: Turn) -> float:
        stop.set()
        return 1.0

    monkeypatch.setattr(Turn, "due_in", stopping)
    assert pump.run(60) == 1


@pytest.mark.django_db(transaction=True)
def test_one_pump_of_all_waits_and_the_others_leave(transactional_db: None, monkeypatch) -> None:
    """As long as the rate allows no more for a while."""
    monkeypatch.setattr(waiting, "rate_allows_in", lambda _paces: 60.0)
    tried: list[int] = []
    turn = Turn()
    assert turn.due_in() is not None
    side_by_side(lambda: tried.append(pump.run(60)))
    assert tried == [0]
    turn.end()
    other = Turn()
    side_by_side(lambda: tried.append(other.due_in() is not None))
    assert tried == [0, True]


@pytest.mark.django_db(transaction=True)
def test_the_turn_ends_with_the_run(endpoint: Endpoint, server: Subscriber) -> None:
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 20)
    assert pump.run(0.3) == 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        assert cursor.fetchone() == (0,)
    connections.close_all()


def test_a_task_that_sent_something_passes_the_waiting_on_and_one_that_did_not_is_quiet(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    nudges: list[Pace] = []
    monkeypatch.setattr(tasks, "nudge", nudges.append)
    monkeypatch.setattr(tasks, "BUDGET", 0.2)
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 20)
    tasks.pump()
    assert nudges == [Pace.FIRST]
    with held_clock():
        take(1)  # what the rate allows by now
        tasks.pump()
    assert (nudges, len(server.heard())) == ([Pace.FIRST], 1)
