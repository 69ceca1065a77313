"""The day's calls belong to the key: whoever holds it, all together never make one more than it may."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Merchant
from carriers import days
from carriers.adapters.express247 import Express247
from carriers.days import Day
from carriers.models import CarrierAccount, DailyUse, KeyUse
from carriers.reserving import forget, give_back
from carriers.taking import Withheld, take
from tests.factories import CarrierAccountFactory
from tests.together import at_once
from tests.trackers.watching_many import watch_many
from trackers.carrier_accounts import owning
from trackers.claims import Claim, claim
from trackers.models import Watch

pytestmark = pytest.mark.django_db(transaction=True)

QUOTA = 7


@pytest.fixture(autouse=True)
def _noon_and_few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    there = [Day("247express", now.date(), now - timedelta(hours=12), now + timedelta(hours=12))]
    monkeypatch.setattr(days, "around", lambda _now: there)
    monkeypatch.setattr(Express247, "daily_quota", QUOTA)


def express(merchant: Merchant | None, key: str = "one key", **fields: int) -> CarrierAccount:
    account: CarrierAccount = CarrierAccountFactory(
        merchant=merchant, courier="247express", key=key, **fields
    )
    return account


def held_by(owner: Merchant | None, merchant: Merchant, **fields: int) -> CarrierAccount:
    """An account of this owner, by which ten parcels of the merchant are to be asked about."""
    account = express(owner, **fields)
    watches = watch_many(account if owner else express(merchant, "nobody asks with it"), 10, urgency=0)
    Watch.objects.filter(id__in=[one.id for one in watches]).update(carrier_account=account)
    return account


def of_key() -> int:
    return KeyUse.objects.get().reserved


def claimed(*found: list[Claim]) -> int:
    return sum(map(len, found))


@pytest.mark.parametrize("owners", ["one merchant", "two merchants", "house and merchant"])
def test_two_accounts_of_one_key_together_keep_to_its_number(
    owners: str, alice: Merchant, bob: Merchant
) -> None:
    other = {"one merchant": alice, "two merchants": bob, "house and merchant": None}[owners]
    held_by(alice, alice)
    held_by(other, bob)
    assert (claimed(claim(100)), claimed(claim(100)), of_key()) == (QUOTA, 0, QUOTA)


def test_claimed_by_many_workers_at_once_they_never_pass_it_by_one(
    alice: Merchant, bob: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each worker looks again until nothing is left: a claim that came too late takes nothing."""
    monkeypatch.setattr(Express247, "daily_quota", 33)
    for merchant in (alice, bob, alice, bob):
        held_by(merchant, merchant)

    def work() -> int:
        return sum(claimed(claim(3)) for _ in range(12))

    assert sum(at_once(*[work] * 6)) <= of_key() <= 33
    while claim(5):
        pass
    assert of_key() == Watch.objects.exclude(claim_id=None).count() == 33


def test_searches_and_tests_count_for_the_key_too_at_once(alice: Merchant, bob: Merchant) -> None:
    held = [express(alice), express(bob), express(None)]

    def ask(account: CarrierAccount) -> bool:
        try:
            take(account.id)
        except Withheld:
            return False
        return True

    found = at_once(*[lambda one=one: ask(one) for one in held * 4])
    assert (sum(found), of_key()) == (QUOTA, QUOTA)
    with pytest.raises(Withheld, match="used up"):
        take(held[0].id)


def test_an_account_that_is_deleted_and_added_again_goes_on_with_the_keys_day(alice: Merchant) -> None:
    account = express(alice)
    for _ in range(5):
        take(account.id)
    owning.give_up(alice.id, account.id)
    again = express(alice)
    watch_many(again, 10, urgency=0)
    assert (claimed(claim(100)), of_key()) == (2, QUOTA)
    assert DailyUse.objects.get(account=again).reserved == 2


def test_a_key_that_comes_back_goes_on_with_its_day(alice: Merchant) -> None:
    account = express(alice)
    for _ in range(5):
        take(account.id)
    for key in ("another key", "one key"):
        owning.replace_key(alice.id, account.id, key)
    watch_many(account, 10, urgency=0)
    assert claimed(claim(100)) == 2


def test_each_account_keeps_to_its_own_number_and_all_to_the_keys(alice: Merchant, bob: Merchant) -> None:
    small, large = held_by(alice, alice, daily_quota=2), held_by(bob, bob, daily_quota=100)
    found = [*claim(100), *claim(100)]
    by_account = {one: [claim_.account for claim_ in found].count(one.id) for one in (small, large)}
    assert (by_account, of_key()) == ({small: 2, large: QUOTA - 2}, QUOTA)


def test_another_key_has_a_day_of_its_own(alice: Merchant, bob: Merchant) -> None:
    first, second = express(alice), express(bob, "another key")
    for account in (first, second):
        watch_many(account, 10, urgency=0)
    assert claimed(claim(100)) == 2 * QUOTA
    assert [one.reserved for one in KeyUse.objects.all()] == [QUOTA, QUOTA]


def test_calls_that_were_not_made_are_returned_to_their_key_and_day(alice: Merchant, bob: Merchant) -> None:
    account, other = express(alice), express(bob)
    first, second = take(account.id), take(other.id)
    owning.replace_key(alice.id, account.id, "another key")
    take(account.id)
    give_back([(first, 0), (second, 1), (None, 0)])
    assert sorted(KeyUse.objects.values_list("reserved", flat=True)) == [1, 1]
    owning.give_up(bob.id, other.id)
    give_back([(second, 0)])
    assert sorted(KeyUse.objects.values_list("reserved", flat=True)) == [0, 1]
    assert first.fingerprint not in repr(first)


def test_calls_are_returned_while_others_are_reserved_and_none_is_lost(
    alice: Merchant, bob: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Express247, "daily_quota", 1000)
    held = [express(alice), express(bob)]

    def work(account: CarrierAccount) -> None:
        for _ in range(8):
            give_back([(take(account.id), 0)])
            take(account.id)

    at_once(*[lambda one=one: work(one) for one in held * 3])
    assert of_key() == DailyUse.objects.get(account=None).reserved == 48


def test_until_an_account_has_its_fingerprint_nobody_asks_with_it(alice: Merchant) -> None:
    account = express(alice)
    watch_many(account, 3, urgency=0)
    CarrierAccount.objects.update(fingerprint=None)
    assert claim(100) == []
    with pytest.raises(Withheld):
        take(account.id)


def test_the_counts_of_keys_are_kept_for_a_month(alice: Merchant) -> None:
    express(alice)
    day = timezone.now().date()
    for age in (0, 29, 31, 32):
        KeyUse.objects.create(courier="247express", fingerprint="f" * 64, day=day - timedelta(days=age))
    assert (forget(), forget(), KeyUse.objects.count()) == (2, 0, 2)
