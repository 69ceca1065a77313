"""A subscriber that hangs, beside one that does not, with real workers: the second notices nothing."""

import threading

import pytest

from accounts.models import Merchant
from tests.faults.stage import Stage
from tests.faults.truth import drained
from tests.faults.witness import most_at_once, once
from tests.webhooks.cast import EndpointFactory
from webhooks.models import Delivery

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def workers(on: Stage) -> None:
    """As they are run: first tries and late ones on workers of their own."""
    on.worker(queues="parcelwire,deliveries", DELIVERY_DEADLINE="3")
    on.worker(queues="late", DELIVERY_DEADLINE="3")


@pytest.mark.usefixtures("workers")
def test_one_that_hangs_with_all_its_places_delays_no_first_try_of_another(
    alice: Merchant, bob: Merchant, on: Stage
) -> None:
    gate = threading.Event()
    on.seen.answer("/hangs", once(gate))
    EndpointFactory(merchant=alice, url=on.seen.url("/hangs"), max_in_flight=10, retry_schedule=[1] * 30)
    EndpointFactory(merchant=bob, url=on.seen.url("/fine"))
    announcer = on.announcer()
    announcer.announce(alice.id, 60)
    on.seen.wait_for_posts(10, "/hangs")
    for nth in range(12):
        # Less than the hanging one takes to time out, again and again while it does.
        announcer.announce(bob.id)
        on.seen.wait_for_posts(nth + 1, "/fine", within=2)
        on.seen.wait_for_posts(10 + nth, "/hangs")
    assert most_at_once(on.seen.posts("/hangs")) == 10
    gate.set()
    drained()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert len(on.seen.posts("/fine")) == 12
