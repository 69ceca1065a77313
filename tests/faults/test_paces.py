"""First tries beside what hangs and what is late, with real workers: they notice nothing of it."""

import threading
import time

import pytest

from accounts.models import Merchant
from tests.faults.stage import Announcer, Stage
from tests.faults.truth import check, drained
from tests.faults.witness import most_at_once, once
from tests.subscribers import status
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory
from webhooks.models import Delivery, Endpoint

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

#: Seconds until a try times out.
DEADLINE = 6


@pytest.fixture
def workers(on: Stage) -> None:
    """As they are run: first tries and late ones on workers of their own."""
    on.worker(queues="deliveries", DELIVERY_DEADLINE=str(DEADLINE))
    on.worker(queues="late", DELIVERY_DEADLINE=str(DEADLINE))


@pytest.mark.usefixtures("workers")
def test_one_that_hangs_delays_nobody_gets_two_at_once_and_comes_back(
    alice: Merchant, bob: Merchant, on: Stage
) -> None:
    gate = threading.Event()
    on.seen.answer("/hangs", once(gate))
    hanging = EndpointFactory(merchant=alice, url=on.seen.url("/hangs"), retry_schedule=[1] * 30)
    EndpointFactory(merchant=bob, url=on.seen.url("/fine"))
    announcer = on.announcer()
    announcer.announce(alice.id, 30)
    on.seen.wait_for_posts(10, "/hangs")
    _is_told_soon(on, announcer, bob)
    eventually(lambda: Endpoint.objects.get(id=hanging.id).slow_since)
    slow_since = time.monotonic()
    tried = len(on.seen.posts("/hangs"))
    for wave in range(1, 3):
        on.seen.wait_for_posts(tried + 2 * wave, "/hangs")
        _is_told_soon(on, announcer, bob)
    # Its owner mends it.
    slowly_tried = [post for post in on.seen.posts("/hangs") if post.at > slow_since]
    assert most_at_once(slowly_tried) <= 2
    assert most_at_once(on.seen.posts("/hangs")) <= 10
    gate.set()
    drained()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert Endpoint.objects.get(id=hanging.id).slow_since is None
    assert len(on.seen.posts("/fine")) == 9


def test_a_first_try_overtakes_what_is_late_at_the_same_endpoint(alice: Merchant, on: Stage) -> None:
    gate = threading.Event()
    on.seen.answer("/hook", once(gate))
    EndpointFactory(merchant=alice, url=on.seen.url(), max_in_flight=3)
    announcer = on.announcer()
    late = set(announcer.announce(alice.id, 60, then=""))
    Delivery.objects.update(late=True)
    on.worker(queues="deliveries")
    on.worker(queues="late")
    # What is late leaves it one place.
    assert {post.id for post in on.seen.wait_for_posts(2)} <= late
    on.seen.answer("/hook", status(200))
    new = announcer.announce(alice.id, 5)
    heard = [post.id for post in on.seen.wait_for_posts(7)]
    assert set(heard[2:]) == set(new)
    gate.set()
    on.seen.wait_for_posts(65)
    drained()
    check(on.seen)
    assert most_at_once(on.seen.posts()) == 3


def _is_told_soon(on: Stage, announcer: Announcer, merchant: Merchant) -> None:
    """Three times, of which a busy machine may delay two: a time-out that lets it go delays each."""
    took = []
    for _ in range(3):
        heard = len(on.seen.posts("/fine"))
        began = time.monotonic()
        announcer.announce(merchant.id)
        on.seen.wait_for_posts(heard + 1, "/fine")
        took.append(time.monotonic() - began)
    assert min(took) < DEADLINE - 1
