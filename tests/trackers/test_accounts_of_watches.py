"""Which account asks: chosen, taken away, and found again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Merchant
from carriers import accounts
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.polled import poll_due
from trackers.assignment import assign_waiting, release
from trackers.claims import claim
from trackers.detection import detect_again, settle_accounts
from trackers.models import Tracker, Watch

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def soon() -> datetime:
    return timezone.now() + timedelta(hours=1)


@pytest.fixture
def house(carrier: CarrierServer) -> CarrierAccount:
    return CarrierAccountFactory(merchant=None, courier="all24", base_url=carrier.url)


def test_a_suspended_accounts_watches_move_to_the_next_one(
    alice: Merchant, account: CarrierAccount, house: CarrierAccount, follow: Follow
) -> None:
    watch = follow(alice, "HSAAAA00").watches.get()
    accounts.suspend(account.id, "the key was refused")
    assert (release(), assign_waiting(soon())) == (1, 1)
    watch.refresh_from_db()
    assert watch.carrier_account == house


def test_without_another_account_the_watch_waits_and_goes_on_when_the_key_is_replaced(
    alice: Merchant, account: CarrierAccount, follow: Follow
) -> None:
    watch = follow(alice, "HSAAAA00").watches.get()
    accounts.suspend(account.id, "the key was refused")
    assert (release(), assign_waiting(soon())) == (1, 0)
    watch.refresh_from_db()
    assert (watch.carrier_account, watch.last_outcome) == (None, "account_suspended")
    account.refresh_from_db()
    accounts.replace_key(account, "a better key")
    assert assign_waiting(soon()) == 1
    watch.refresh_from_db()
    assert watch.carrier_account == account


def test_looking_in_vain_is_not_repeated_until_accounts_change(
    alice: Merchant, bob: Merchant, follow: Follow
) -> None:
    CarrierAccountFactory(merchant=bob, courier="all24")
    CarrierAccount.objects.update(changed_at=timezone.now() - timedelta(hours=1))
    watch = follow(alice, "HSAAAA00").watches.get()
    looked_at = watch.assigned_at
    assign_waiting(soon())
    watch.refresh_from_db()
    assert watch.assigned_at == looked_at


def test_the_newest_healthy_account_is_chosen(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow
) -> None:
    newest = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    assert follow(alice, "HSAAAA00").watches.get().carrier_account == newest


def test_a_courier_that_disowns_the_parcel_is_asked_with_the_next_account(
    alice: Merchant, carrier: CarrierServer, follow: Follow
) -> None:
    """247Express: ORDERCODE_DOES_NOT_BELONG_TO_YOUR_ACCOUNT; forgotten when the accounts change."""
    own = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    house = CarrierAccountFactory(merchant=None, courier="all24", base_url=carrier.url)
    CarrierAccount.objects.update(changed_at=timezone.now() - timedelta(hours=1))
    watch = follow(alice, "HSAAAA00").watches.get()
    for refused, left in ((own, house), (house, None)):
        watch.refresh_from_db()
        assert watch.carrier_account == refused
        Watch.objects.update(
            refused_account_ids=[*watch.refused_account_ids, refused.id],
            carrier_account=None,
            assigned_at=EPOCH,
        )
        assign_waiting(soon())
        watch.refresh_from_db()
        assert watch.carrier_account == left
    CarrierAccount.objects.filter(id=house.id).update(changed_at=Now())
    assert assign_waiting(soon()) == 1
    watch.refresh_from_db()
    assert watch.carrier_account == own
    assert watch.refused_account_ids == []


def test_a_tracker_without_a_courier_finds_one_when_an_account_appears(
    alice: Merchant, carrier: CarrierServer, follow: Follow
) -> None:
    tracker = follow(alice, "HSAAAA00", courierCode=None)
    assert not tracker.watches.exists()
    CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    assert detect_again(soon()) == 1
    assert poll_due() == 1
    tracker.refresh_from_db()
    assert (tracker.milestone, tracker.undetected_at) == ("info_received", None)


def test_an_account_never_has_more_calls_in_flight_than_its_cap(
    alice: Merchant, account: CarrierAccount, follow: Follow
) -> None:
    """Not even when several workers claim."""

    for n in range(25):
        follow(alice, f"HSAAAA{n:02}")
    assert [len(claim(100)), len(claim(100))] == [10, 0]


def test_watches_that_the_house_asks_for_move_to_the_merchants_own_new_account(
    alice: Merchant, house: CarrierAccount, carrier: CarrierServer, follow: Follow
) -> None:
    watch = follow(alice, "HSAAAA00").watches.get()
    assert watch.carrier_account == house
    own = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    settle_accounts()
    watch.refresh_from_db()
    assert watch.carrier_account == own


def test_a_new_account_finds_its_watch_behind_many_that_wait_in_vain(
    alice: Merchant, bob: Merchant, carrier: CarrierServer, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackers.assignment.BATCH", 2)
    for n in range(9):
        follow(bob, f"HSBBBB{n:02}")
    watch = follow(alice, "HSAAAA00").watches.get()
    account = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    assert assign_waiting(soon()) == 1
    watch.refresh_from_db()
    assert watch.carrier_account == account


def test_settling_accounts_ends_although_somebody_waits_in_vain(
    alice: Merchant, account: CarrierAccount, follow: Follow
) -> None:
    """A refused account that has just changed is looked at once a sweep, not for ever."""
    follow(alice, "HSAAAA00")
    Watch.objects.update(carrier_account=None, refused_account_ids=[account.id], assigned_at=EPOCH)
    settle_accounts()
    assert Watch.objects.get().carrier_account is None
