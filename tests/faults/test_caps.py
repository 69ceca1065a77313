"""What an endpoint bears at once and in a second holds however many processes send: counted at its door."""

import os
import signal
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import Merchant
from tests.faults.senders import Senders
from tests.faults.stage import Stage
from tests.faults.truth import drained, sends
from tests.faults.witness import Post, most_at_once, most_within, slowly
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory
from webhooks.models import Attempt, Delivery, Endpoint

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

#: Processes that send.
FOUR = 4


@pytest.fixture
def endpoint(on: Stage, alice: Merchant) -> Endpoint:
    """One that bears three at once, and answers slowly."""
    on.seen.answer("/hook", slowly(0.05))
    return EndpointFactory(merchant=alice, url=on.seen.url(), max_in_flight=3)


@pytest.fixture
def others(on: Stage, bob: Merchant) -> None:
    """Endpoints of the same kind, that keep every process of the pool looking for work."""
    for nth in range(2):
        path = f"/other/{nth}"
        on.seen.answer(path, slowly(0.05))
        EndpointFactory(merchant=bob, url=on.seen.url(path), max_in_flight=3)
    on.announcer().announce(bob.id, 100)


@pytest.mark.usefixtures("endpoint", "others")
def test_four_processes_never_send_a_fourth_at_once(alice: Merchant, on: Stage) -> None:
    announcer = on.announcer()
    announcer.announce(alice.id, 200)
    senders = Senders(on.worker(pool=FOUR), on.seen)
    on.seen.wait_for_posts(200)
    drained()
    for _ in range(20):  # until others of them have begun to work, too
        if len(senders.of(on.seen.posts())) > 1:
            break
        announcer.announce(alice.id, 60)
        drained()
    assert most_at_once(on.seen.posts()) == 3
    assert set(sends(on.seen.posts()).values()) == {1}
    assert len(senders.of(on.seen.posts())) > 1


def one_that_sends(on: Stage, senders: Senders) -> int:
    """A process that has requests under way at this moment."""
    found: list[int] = []
    eventually(lambda: found.extend(senders.at_work(on.seen.posts())) or found)
    return found[0]


@pytest.mark.usefixtures("endpoint", "others")
def test_not_even_while_processes_are_killed(alice: Merchant, on: Stage) -> None:
    """Exact: the places of who was killed stay taken until the leases end, and its connections are closed."""
    on.announcer().announce(alice.id, 300)
    worker = on.worker(pool=FOUR, DELIVERY_LEASE="9")
    senders = Senders(worker, on.seen)
    for nth in range(1, 4):
        on.seen.wait_for_posts(70 * nth)
        dead = one_that_sends(on, senders)
        os.kill(dead, signal.SIGKILL)
        eventually(lambda pid=dead: all(post.ended for post in senders.by(pid, on.seen.posts())))
        lose_leases_of(senders.by(dead, on.seen.posts()))
    drained()
    assert most_at_once(on.seen.posts()) == 3
    assert Delivery.objects.exclude(state="delivered").count() == 0
    repeats = sum(count - 1 for count in sends(on.seen.posts()).values())
    assert repeats <= Attempt.objects.filter(error="abandoned").count() <= 3 * 9


def lose_leases_of(posts: Sequence[Post]) -> None:
    """As if they had run out: of what was claimed and not sent yet they do."""
    held = Delivery.objects.filter(message_id__in=[post.id for post in posts]).exclude(claim_id=None)
    held.update(claimed_until=Now() - timedelta(seconds=1))


def test_a_rate_limit_holds_with_four_processes(alice: Merchant, on: Stage) -> None:
    """By the record exactly; and as it arrives, where all were on their way for about as long."""
    EndpointFactory(merchant=alice, url=on.seen.url(), rate_limit=5)
    on.announcer().announce(alice.id, 30)
    on.worker(pool=FOUR)
    drained()
    tries = Attempt.objects.values_list("delivery__message_id", "started_at")
    begun = {str(id_): at.timestamp() for id_, at in tries}
    assert most_within(1.09, begun.values()) == 5
    arrivals = {post.id: post.at for post in on.seen.posts()}
    on_the_way = [at - begun[id_] for id_, at in arrivals.items()]
    assert most_within(1, arrivals.values()) <= 5 or max(on_the_way) - min(on_the_way) > 0.09
