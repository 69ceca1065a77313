"""A Redis that goes away, hangs and comes back empty; and a beat that never was.

One outage lasts for half a minute, the others for as long as what they show takes: while one lasts, nothing
is kept of it but a worker's own tries to connect.
"""

import threading
import time

import pytest

from accounts.models import Merchant
from tests.faults.stage import Stage
from tests.faults.truth import check, drained, sends
from tests.faults.witness import once
from tests.subscribers import Answer, Handler, status
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory
from webhooks.models import Attempt, Delivery

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

#: A worker that would not look by itself while a test lasts: what it sends, it was nudged for.
NEVER = "3600"


@pytest.mark.parametrize(("fault", "seconds"), [("kill", 30), ("hang", 5)])
def test_without_a_broker_the_workers_own_look_sends_everything_once(
    alice: Merchant, on: Stage, fault: str, seconds: float
) -> None:
    EndpointFactory(merchant=alice, url=on.seen.url())
    on.worker()
    announcer = on.announcer()
    announcer.announce(alice.id)
    began = time.monotonic()
    announcer.announce(alice.id, 200, then="")
    undisturbed = time.monotonic() - began
    drained()
    getattr(on.broker, fault)()
    began = time.monotonic()
    announcer.announce(alice.id, 200)
    # Each waiting for the broker would take 50 seconds more.
    assert time.monotonic() - began < 3 * undisturbed + 25
    told = 401
    while time.monotonic() - began < seconds:
        announcer.announce(alice.id, 5)
        told += 5
        on.seen.wait_for_posts(told)
    drained()
    on.broker.come_back()
    announcer.announce(alice.id, 20)
    drained()
    check(on.seen)
    assert len(on.seen.posts()) == told + 20


def test_a_worker_without_a_broker_does_not_spin(alice: Merchant, on: Stage) -> None:
    EndpointFactory(merchant=alice, url=on.seen.url())
    worker = on.worker()
    announcer = on.announcer()
    announcer.announce(alice.id)
    drained()
    on.broker.kill()
    # As many looks of its own as make three seconds, counted by what they find.
    began, used = time.monotonic(), worker.cpu()
    for nth in range(10):
        announcer.announce(alice.id, then="")
        on.seen.wait_for_posts(nth + 2)
    assert worker.cpu() - used < 0.5 * (time.monotonic() - began) + 0.5


@pytest.mark.parametrize("fault", ["kill", "hang"])
def test_nudges_are_heard_again_after_the_broker_came_back(alice: Merchant, on: Stage, fault: str) -> None:
    EndpointFactory(merchant=alice, url=on.seen.url())
    on.worker(SWEEP_INTERVAL=NEVER)
    announcer = on.announcer()
    announcer.until_heard(alice.id, seen=lambda: len(on.seen.posts()) == 1)
    drained()
    getattr(on.broker, fault)()
    announcer.announce(alice.id, 5)
    on.broker.come_back()
    # A publisher that was refused leaves the broker alone for some seconds.
    announcer.until_heard(alice.id, seen=lambda: len(on.seen.posts()) == 7)
    drained()
    check(on.seen)
    assert all(count == 1 for count in _counts(on))


def test_without_beat_retries_come_by_themselves(alice: Merchant, on: Stage) -> None:
    on.seen.answer("/hook", third_time_lucky(on))
    EndpointFactory(merchant=alice, url=on.seen.url(), retry_schedule=[1, 1, 1])
    on.worker()
    on.announcer().announce(alice.id, 5, then="")
    on.seen.wait_for_posts(15)
    drained()
    assert Delivery.objects.filter(state="delivered", attempt_count=3).count() == 5
    assert Attempt.objects.filter(error="http_status").count() == 10
    assert len(on.seen.posts()) == 15


def third_time_lucky(on: Stage) -> Answer:
    """Each message arrives at its third try."""

    def answer(handler: Handler) -> None:
        tries = sends(on.seen.posts())[handler.headers["webhook-id"]]
        status(200 if tries == 3 else 503)(handler)

    return answer


def _counts(on: Stage) -> list[int]:
    ids = [post.id for post in on.seen.posts()]
    return [ids.count(id_) for id_ in set(ids)]


@pytest.mark.parametrize("fault", ["kill", "hang"])
def test_what_is_under_way_when_the_broker_goes_away_is_seen_to_its_end(
    alice: Merchant, on: Stage, fault: str
) -> None:
    gate = threading.Event()
    on.seen.answer("/hook", once(gate))
    EndpointFactory(merchant=alice, url=on.seen.url(), max_in_flight=10)
    worker = on.worker(SWEEP_INTERVAL=NEVER)
    on.announcer().until_heard(alice.id, 20, seen=lambda: len(on.seen.posts()) == 10)
    getattr(on.broker, fault)()
    if fault == "kill":
        eventually(lambda: "Connection to broker lost" in worker.log())
    gate.set()
    drained()
    on.broker.come_back()
    check(on.seen)
    assert len(on.seen.posts()) == 20
