"""A pump that hears of commits: it stays while there is news, and no task is needed for it."""

import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django.db import connections

from accounts.models import Merchant
from tests import subscribers
from tests.subscribers import Subscriber, status, subscriber
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory, owe
from webhooks import nudging, pump
from webhooks.models import Delivery, Endpoint
from webhooks.nudging import Ear, nudge
from webhooks.paces import Pace
from webhooks.stopping import stop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _rules(settings, monkeypatch) -> Iterator[None]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    # Keys of this test's own: others run beside it.
    own = uuid4()
    monkeypatch.setattr(
        nudging,
        "keys",
        lambda *paces: [f"{own}:{pace}:{key}" for pace in paces for key in ("due", "pumping")],
    )
    yield
    stop.clear()


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


@pytest.fixture
def endpoint(alice: Merchant, server: Subscriber) -> Endpoint:
    made: Endpoint = EndpointFactory(merchant=alice, url=server.url())
    return made


def run_with_an_ear(budget: float) -> int:
    ear = Ear(Pace.FIRST)
    ear.begin()
    try:
        return pump.run(budget, (Pace.FIRST,), ear)
    finally:
        ear.end()


class Committing(threading.Thread):
    """Commits a delivery once `first` has arrived, and tells pumps of it as whoever appends does."""

    def __init__(self, endpoint: Endpoint, server: Subscriber, first: int) -> None:
        super().__init__()
        self.endpoint, self.server, self.first = endpoint, server, first
        self.wants_a_task: bool | None = None

    def run(self) -> None:
        self.server.wait_for(self.first)
        owe(self.endpoint)
        self.wants_a_task = nudge()
        connections.close_all()


def test_what_is_committed_while_it_lingers_is_sent_and_needs_no_task(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    monkeypatch.setattr(pump, "LINGER", 5.0)
    owe(endpoint)
    committing = Committing(endpoint, server, 1)
    committing.start()

    def both_came() -> None:
        server.wait_for(2)
        stop.set()

    stopping = threading.Thread(target=both_came)
    stopping.start()
    assert run_with_an_ear(60) == 2
    committing.join()
    stopping.join()
    assert committing.wants_a_task is False
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_what_is_committed_while_a_try_hangs_is_heard_of_and_sent_meanwhile(
    alice: Merchant, endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    # It must be the ear that brings it.
    monkeypatch.setattr(pump, "LOOK_EVERY", 60.0)
    monkeypatch.setattr(pump, "LINGER", 0.1)
    came = threading.Event()

    def fine(handler: subscribers.Handler) -> None:
        came.set()
        status(200)(handler)

    server.answer("/hook", subscribers.after(came, status(200)))
    server.answer("/fine", fine)
    owe(endpoint)
    committing = Committing(EndpointFactory(merchant=alice, url=server.url("/fine")), server, 1)
    committing.start()
    assert run_with_an_ear(60) == 2
    committing.join()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_what_is_committed_once_it_claims_no_more_makes_a_task_while_a_try_hangs(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    _, pumping = nudging.keys(Pace.FIRST)
    gate, wants_a_task = threading.Event(), []

    def commit_late() -> None:
        server.wait_for(1)
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            eventually(lambda: not client.exists(pumping))
        wants_a_task.append(nudge())
        gate.set()

    server.answer("/hook", subscribers.after(gate, status(200)))
    owe(endpoint)
    committing = threading.Thread(target=commit_late)
    committing.start()
    assert run_with_an_ear(0.2) == 1
    committing.join()
    assert wants_a_task == [True]


def test_it_leaves_where_there_is_no_news(endpoint: Endpoint, monkeypatch) -> None:
    monkeypatch.setattr(pump, "LINGER", 0.05)
    assert run_with_an_ear(60) == 0


def test_without_redis_it_sends_and_leaves(endpoint: Endpoint, server: Subscriber, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    owe(endpoint)
    assert run_with_an_ear(60) == 1
    with pytest.raises(redis.RedisError):
        redis.from_url(settings.REDIS_URL).ping()
