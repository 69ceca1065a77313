"""Calls whose claim was taken away count for their account until they end, over all processes."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import Merchant
from carriers.models import CarrierAccount
from carriers.outcome import Outcome
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.polled import poll_due
from tests.together import at_once
from tests.waiting import eventually
from trackers.choosing import Chosen
from trackers.claims import Claim, Settled, claim, renew, settle
from trackers.deleting import delete
from trackers.dues import in_flight
from trackers.held import hold
from trackers.learned import Polled, polled
from trackers.models import StrayCall, Tracker, Watch
from trackers.schedule import Situation
from trackers.stopping import stop
from trackers.watching import leave, locked, look_again, wake

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
Due = Callable[[int], None]
Take = Callable[[Merchant, list[Claim]], object]


@pytest.fixture
def account(alice: Merchant) -> CarrierAccount:
    return CarrierAccountFactory(merchant=alice, courier="all24")


@pytest.fixture
def due(alice: Merchant, account: CarrierAccount, follow: Follow) -> Callable[[int], None]:
    """So many parcels of hers that nobody asked about yet."""
    numbers = (f"HSAAAA{n:02}" for n in range(100))

    def some(count: int) -> None:
        for _ in range(count):
            follow(alice, next(numbers))

    return some


def chosen(merchant: Merchant, claims: list[Claim]) -> Chosen:
    return Chosen(merchant.id, Tracker.objects.filter(id__in=[one.tracker for one in claims]))


def watches(claims: list[Claim]) -> list[Watch]:
    return locked([one.tracker for one in claims])


WAYS: dict[str, Take] = {
    "stopped": lambda merchant, claims: stop(chosen(merchant, claims)),
    "deleted": lambda merchant, claims: delete(chosen(merchant, claims)),
    "taken up again": lambda _, claims: wake(watches(claims)),
    "asked about anew": lambda _, claims: look_again(watches(claims)),
    "looked for elsewhere": lambda _, claims: leave(watches(claims)),
}


def end(claims: list[Claim]) -> None:
    settle([Settled(one, "ok", 60.0) for one in claims])


@pytest.mark.parametrize("way", WAYS)
def test_however_a_claim_is_taken_away_the_call_keeps_its_place_until_it_ends(
    way: str, alice: Merchant, account: CarrierAccount, due: Due
) -> None:
    due(10)
    out = claim(100)
    due(20)
    with transaction.atomic():
        WAYS[way](alice, out[:4])
    assert (claim(100), in_flight(account.id)) == ([], 10)
    end(out[:3])
    assert (len(claim(100)), in_flight(account.id)) == (3, 10)
    end(out[3:])
    assert (len(claim(100)), StrayCall.objects.count()) == (7, 0)


def test_of_a_worker_that_died_it_counts_until_its_lease_ends(
    alice: Merchant, account: CarrierAccount, due: Due
) -> None:
    due(2)
    out = claim(100)
    stop(chosen(alice, out))
    assert in_flight(account.id) == 2
    StrayCall.objects.filter(watch_id=out[0].watch).update(counted_until=Now() - timedelta(seconds=1))
    assert in_flight(account.id) == 1
    end(out[1:])
    assert not StrayCall.objects.exists()


def test_its_lease_is_renewed_while_it_is_out(alice: Merchant, account: CarrierAccount, due: Due) -> None:
    due(2)
    out = claim(100)
    stop(chosen(alice, out[:1]))
    StrayCall.objects.update(counted_until=Now() + timedelta(seconds=1))
    renew(out)
    assert StrayCall.objects.filter(counted_until__gt=Now() + timedelta(seconds=5)).count() == 1
    assert Watch.objects.get(id=out[1].watch).claim_id == out[1].claim


def test_what_is_not_under_way_leaves_nothing(alice: Merchant, account: CarrierAccount, due: Due) -> None:
    due(3)
    out = claim(2)
    end(out[:1])
    Watch.objects.filter(id=out[1].watch).update(claimed_until=Now() - timedelta(seconds=1))
    stop(Chosen(alice.id, Tracker.objects.all()))
    assert not StrayCall.objects.exists()


def test_however_often_trackers_are_taken_up_again_no_more_are_out_than_may_be(
    alice: Merchant, account: CarrierAccount, due: Due
) -> None:
    due(30)
    out: list[Claim] = []
    for _ in range(5):
        out += [one for found in at_once(*[lambda: claim(4)] * 3) for one in found]
        stop(chosen(alice, out))
        Tracker.objects.update(is_subscribed=True)
        with transaction.atomic():
            wake(watches(out))
    assert len({(one.watch, one.claim) for one in out}) == 10
    assert Watch.objects.exclude(claim_id=None).count() == 0


def test_a_poll_that_hears_news_for_nobody_ends_its_call(
    alice: Merchant, carrier: CarrierServer, follow: Follow
) -> None:
    """Its answer would have been recorded: that its claim is gone is seen there."""
    account = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    tracker = follow(alice, "HSAAAA00")
    taking = claim

    def stopped(most: int, places: object = None) -> list[Claim]:
        found = taking(most)
        if found:
            stop(chosen(alice, found))
        return found

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("trackers.polling.claim", stopped)
        poll_due()
    assert carrier.asked == [tracker.tracking_number]
    eventually(lambda: not StrayCall.objects.exists())
    assert in_flight(account.id) == 0


def test_a_call_ends_though_its_watch_was_asked_about_again_and_both_are_recorded_together(
    alice: Merchant, account: CarrierAccount, due: Due
) -> None:
    due(1)
    (early,) = claim(100)
    with transaction.atomic():
        look_again(watches([early]))
    (late,) = claim(100)
    assert (late.watch, in_flight(account.id)) == (early.watch, 2)
    with transaction.atomic():
        held = hold(
            [
                polled(Settled(one, "ok", 60.0), Situation(outcome=Outcome.OK), own_account=True)
                for one in (early, late)
            ]
        )
    assert [one.settled.claim for one, _ in held if isinstance(one, Polled)] == [late]
    assert in_flight(account.id) == 1


def test_one_that_was_told_twice_is_one(account: CarrierAccount, due: Due) -> None:
    due(1)
    (out,) = claim(100)
    StrayCall.objects.create(
        watch_id=out.watch,
        claim_id=out.claim,
        account_id=account.id,
        counted_until=Now() + timedelta(hours=1),
    )
    StrayCall.objects.create(
        watch_id=uuid4(), claim_id=uuid4(), account_id=uuid4(), counted_until=Now() + timedelta(hours=1)
    )
    with transaction.atomic():
        look_again(locked([out.tracker]))
    assert in_flight(account.id) == 1
