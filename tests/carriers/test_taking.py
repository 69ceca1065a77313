"""The calls of questions that are no polls: counted as polls are, before they are made."""

from datetime import timedelta
from time import monotonic

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Merchant
from carriers import days
from carriers.adapters.all24 import All24
from carriers.budget import Reservation
from carriers.days import Day
from carriers.models import CarrierAccount, DailyUse, Health, KeyUse
from carriers.reserving import forget, give_back
from carriers.taking import Withheld, take
from tests.factories import CarrierAccountFactory
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(alice: Merchant) -> CarrierAccount:
    return CarrierAccountFactory(merchant=alice, courier="all24", daily_quota=3)


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    set_day(monkeypatch, timedelta(hours=12))


def set_day(monkeypatch: pytest.MonkeyPatch, ends: timedelta) -> None:
    now = timezone.now()
    there = [
        Day(code, now.date(), now + ends - timedelta(days=1), now + ends) for code in ("all24", "ship24")
    ]
    monkeypatch.setattr(days, "around", lambda _now: there)


def reserved() -> list[int]:
    return list(DailyUse.objects.order_by("id").values_list("reserved", flat=True))


def taken(account: CarrierAccount) -> Reservation | None:
    try:
        return take(account.id)
    except Withheld:
        return None


def test_it_is_counted_and_must_start_before_the_day_ends(account: CarrierAccount) -> None:
    one = take(account.id)
    assert (one.account, one.courier, one.calls, reserved()) == (account.id, "all24", 1, [1])
    assert one.start_by - monotonic() == pytest.approx(12 * 3600 - 5, abs=60)


def test_beyond_the_quota_it_is_withheld_until_the_next_day(account: CarrierAccount) -> None:
    for _ in range(3):
        take(account.id)
    with pytest.raises(Withheld, match="used up") as refused:
        take(account.id)
    assert refused.value.retry_after == pytest.approx(12 * 3600 + 5, abs=60)
    assert reserved() == [3]


def test_at_once_they_do_not_exceed_it_by_one(account: CarrierAccount) -> None:
    found = at_once(*[lambda: taken(account)] * 8)
    assert (sum(one is not None for one in found), reserved()) == (3, [3])


def test_all_accounts_together_do_not_exceed_the_couriers_own_number(
    alice: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(All24, "service_quota", 2)
    held = [CarrierAccountFactory(merchant=alice, courier="all24") for _ in range(5)]
    found = at_once(*[lambda one=one: taken(one) for one in held])
    assert sum(one is not None for one in found) == 2
    assert DailyUse.objects.get(account=None).reserved == 2


def test_calls_that_were_not_made_are_returned(alice: Merchant) -> None:
    account = CarrierAccountFactory(merchant=alice, courier="ship24")
    one = take(account.id)
    assert (one.calls, reserved()) == (5, [5])
    give_back([(one, 1)])
    assert reserved() == [1]
    assert take(account.id, calls=1).calls == 1


def test_a_return_for_another_day_or_key_finds_nothing(account: CarrierAccount) -> None:
    one = take(account.id)
    DailyUse.objects.update(generation=1)
    give_back([(one, 0)])
    DailyUse.objects.update(generation=0, day=one.day - timedelta(days=1))
    give_back([(one, 0), (None, 0)])
    assert reserved() == [1]


def test_around_midnight_it_is_withheld_for_seconds(
    account: CarrierAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_day(monkeypatch, timedelta(seconds=4))
    with pytest.raises(Withheld, match="about to change") as refused:
        take(account.id)
    assert 0 < (refused.value.retry_after or 0) <= 10


def test_while_the_carrier_cannot_be_reached_only_a_probe_goes_out(account: CarrierAccount) -> None:
    Health.objects.update(circuit="open", open_until=Now() + timedelta(minutes=2))
    with pytest.raises(Withheld, match="cannot be reached") as refused:
        take(account.id)
    assert refused.value.retry_after == pytest.approx(120, abs=30)
    assert take(account.id, probing=True).calls == 1
    assert Health.objects.get().circuit == "open"


def test_a_carrier_that_asked_to_wait_is_waited_for(account: CarrierAccount) -> None:
    Health.objects.update(paced_until=Now() + timedelta(minutes=2))
    with pytest.raises(Withheld, match="slow down"):
        take(account.id)


def test_somebody_who_waits_goes_a_little_ahead_of_the_pace(account: CarrierAccount) -> None:
    CarrierAccount.objects.update(pace_limit=2.0)
    began = timezone.now()
    assert [taken(account) is not None for _ in range(2)] == [True, True]
    paced_until = Health.objects.get().paced_until
    assert paced_until is not None
    assert paced_until > began + timedelta(seconds=0.49)


def test_where_the_places_are_taken_it_is_withheld(account: CarrierAccount) -> None:
    with pytest.raises(Withheld, match="under way"):
        take(account.id, in_flight=lambda _account: 11)
    assert take(account.id, in_flight=lambda _account: 10)


def test_an_account_that_is_gone_is_withheld(account: CarrierAccount) -> None:
    account_id = account.id
    account.delete()
    with pytest.raises(Withheld, match="gone"):
        take(account_id)


def test_the_counts_of_days_are_kept_for_a_month(account: CarrierAccount) -> None:
    today = timezone.now().date()
    for age in (0, 29, 31, 32):
        DailyUse.objects.create(account=account, courier="all24", day=today - timedelta(days=age))
    assert (forget(), forget()) == (2, 0)
    assert {(today - day).days for day in DailyUse.objects.values_list("day", flat=True)} == {0, 29}


def test_the_oldest_counts_go_first_a_batch_at_a_time(
    account: CarrierAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carriers.reserving.BATCH", 2)
    today = timezone.now().date()
    for age in (33, 32, 31, 30, 1):
        DailyUse.objects.create(account=account, courier="all24", day=today - timedelta(days=age))
        KeyUse.objects.create(fingerprint="f", courier="all24", day=today - timedelta(days=age))
    assert forget() == 4
    left = DailyUse.objects.order_by("day").values_list("day", flat=True)
    assert [(today - day).days for day in left] == [31, 30, 1]
    assert (forget(), forget()) == (2, 0)
    assert DailyUse.objects.count() == KeyUse.objects.count() == 2
