"""A worker that stands still for longer than its lease, and then goes on as if nothing had been."""

import threading
from datetime import datetime
from uuid import UUID

import pytest

from accounts.models import Merchant
from tests.faults.stage import Stage
from tests.faults.truth import check, claimed, drained, sends, tries
from tests.faults.witness import once
from tests.subscribers import status
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory
from tests.webhooks.test_claims import lose_leases
from webhooks.models import Attempt, Delivery

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("answered", [True, False], ids=["answered meanwhile", "still unanswered"])
def test_another_takes_over_and_the_one_that_wakes_up_changes_nothing(
    alice: Merchant, on: Stage, answered: bool
) -> None:
    gate = threading.Event()
    on.seen.answer("/hook", *[once(gate)] * 10, status(200))
    EndpointFactory(merchant=alice, url=on.seen.url(), max_in_flight=10)
    sleeper = on.worker(DELIVERY_LEASE="9", DELIVERY_DEADLINE="600")
    announcer = on.announcer()
    announcer.announce(alice.id, 40)
    under_way = {post.id for post in on.seen.wait_for_posts(10)}
    sleeper.stand_still()
    lose_leases()
    other = on.worker(DELIVERY_LEASE="600")
    drained()
    written = _record()
    if answered:
        gate.set()
        eventually(lambda: all(post.ended for post in on.seen.posts()))
    sleeper.go_on()
    # Who has lost its claims stops sending.
    eventually(lambda: all(post.ended for post in on.seen.posts()))
    assert other.stop() == 0
    announcer.announce(alice.id, 5)
    drained()
    assert written.items() <= _record().items()
    assert all(tries(id_) == ["abandoned", ""] for id_ in under_way)
    check(on.seen)
    assert {id_ for id_, count in sends(on.seen.posts()).items() if count == 2} == under_way
    assert len(on.seen.posts()) == 55
    assert "Traceback" not in sleeper.log()


def test_a_subscriber_slower_than_the_lease_gets_each_message_once(alice: Merchant, on: Stage) -> None:
    """Leases are renewed while a try is under way: only who does not renew loses it."""
    gate = threading.Event()
    on.seen.answer("/hook", once(gate))
    EndpointFactory(merchant=alice, url=on.seen.url())
    for _ in range(2):
        on.worker(DELIVERY_LEASE="9", DELIVERY_DEADLINE="600")
    on.announcer().announce(alice.id, 3)
    on.seen.wait_for_posts(3)
    first = _leases()
    for _ in range(4):
        now = _leases()
        eventually(lambda before=now: min(_leases()) > max(before))
    assert (min(_leases()) - max(first)).total_seconds() > 9
    gate.set()
    drained()
    check(on.seen)
    assert len(on.seen.posts()) == 3
    assert claimed() == 0


def _record() -> dict[UUID, tuple]:
    return {row[0]: row for row in Attempt.objects.values_list("id", "number", "error", "status_code")}


def _leases() -> list[datetime]:
    return list(Delivery.objects.exclude(claimed_until=None).values_list("claimed_until", flat=True))
