"""How accounts and couriers are, in a word."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Merchant
from carriers.budget import day_of
from carriers.conditions import Condition, Status, calls_left, condition, of_couriers, with_health
from carriers.models import CarrierAccount, DailyUse, Health, KeyUse
from tests.factories import CarrierAccountFactory

pytestmark = pytest.mark.django_db
SOON, LATER = timedelta(seconds=20), timedelta(minutes=20)


def seen(account: CarrierAccount) -> Condition:
    return condition(with_health(CarrierAccount.objects.all()).get(id=account.id), timezone.now())


def all24(merchant: Merchant) -> Condition:
    return of_couriers(merchant.id)["all24"]


@pytest.mark.parametrize(
    ("fields", "health", "status"),
    [
        ({}, {}, Status.OPERATIONAL),
        ({"pace_limit": 0.02}, {"paced_until": Now() + SOON}, Status.OPERATIONAL),
        ({}, {"pace": 0.5}, Status.DEGRADED),
        ({}, {"failing": ["0195f0c2-6940-7bbf-8a09-0e1d2c3b4a59"]}, Status.DEGRADED),
        ({}, {"paced_until": Now() + LATER}, Status.RESTING),
        ({"resting_until": Now() + SOON}, {}, Status.RESTING),
        ({"resting_until": Now() - SOON}, {}, Status.OPERATIONAL),
        ({}, {"circuit": "open", "open_until": Now() + SOON}, Status.DOWN),
        ({}, {"circuit": "half_open", "pace": 0.5}, Status.DOWN),
        ({"state": "suspended", "suspended_reason": "401"}, {"circuit": "open"}, Status.SUSPENDED),
        ({"state": "paused"}, {}, Status.SUSPENDED),
    ],
)
def test_one_word_for_each_account(fields: dict[str, Any], health: dict[str, Any], status: Status) -> None:
    account = CarrierAccountFactory(**fields)
    Health.objects.update(**health)
    assert seen(account).status is status


def test_a_suspended_account_says_why_and_one_that_is_down_until_when() -> None:
    refused = CarrierAccountFactory(state="suspended", suspended_reason="all24 answered 401")
    assert seen(refused).reason == "all24 answered 401"
    unreachable = CarrierAccountFactory()
    Health.objects.filter(account=unreachable).update(
        circuit="open", open_until=Now() + SOON, last_failure="no route"
    )
    found = seen(unreachable)
    assert (found.reason, found.until) == ("no route", Health.objects.get(account=unreachable).open_until)


def test_the_time_of_a_circuit_that_is_over_is_not_told() -> None:
    account = CarrierAccountFactory()
    Health.objects.update(circuit="open", open_until=Now() - SOON)
    assert seen(account) == Condition(Status.DOWN)


@pytest.mark.parametrize(("used", "left"), [(0, 5), (3, 2), (5, 0), (9, 0)])
def test_what_is_left_of_the_day(used: int, left: int) -> None:
    account = CarrierAccountFactory(courier="all24", daily_quota=5)
    today = day_of("all24", timezone.now())
    DailyUse.objects.create(account=account, courier="all24", day=today - timedelta(days=1), reserved=5)
    DailyUse.objects.create(account=account, courier="all24", day=today, reserved=used)
    found = with_health(CarrierAccount.objects.all()).get()
    assert calls_left(found, timezone.now()) == left
    assert (condition(found, timezone.now()).status is Status.RESTING) is (left == 0)


@pytest.mark.parametrize(("used", "status"), [(5, Status.OPERATIONAL), (6, Status.RESTING)])
def test_calls_that_no_poll_can_be_made_with_are_none(used: int, status: Status) -> None:
    account = CarrierAccountFactory(courier="ship24", daily_quota=10)
    today = day_of("ship24", timezone.now())
    DailyUse.objects.create(account=account, courier="ship24", day=today, reserved=used)
    assert seen(account).status is status


@pytest.mark.parametrize(("used", "status"), [(2_999_999, Status.OPERATIONAL), (3_000_000, Status.RESTING)])
def test_where_all_accounts_together_have_used_the_day_up_each_rests(
    alice: Merchant, bob: Merchant, used: int, status: Status
) -> None:
    account = CarrierAccountFactory(merchant=alice, courier="247express")
    other = CarrierAccountFactory(merchant=bob, courier="247express", key="another", daily_quota=10)
    today = day_of("247express", timezone.now())
    for day, calls in ((today - timedelta(days=1), 3_000_000), (today, used)):
        DailyUse.objects.create(account=None, courier="247express", day=day, reserved=calls)
    assert {seen(one).status for one in (account, other)} == {status}
    assert {of_couriers(one.id)["247express"].status for one in (alice, bob)} == {status}
    found = {one.id: calls_left(one, timezone.now()) for one in with_health(CarrierAccount.objects.all())}
    rests = status is Status.RESTING
    assert found == {account.id: 0 if rests else 200_000, other.id: 0 if rests else 10}
    assert (seen(account).reason, seen(account).until is not None) == (
        ("The day's calls are used up.", True) if rests else (None, False)
    )


def test_an_account_rests_where_others_have_used_up_its_keys_day(alice: Merchant, bob: Merchant) -> None:
    account, _ = (CarrierAccountFactory(merchant=one, courier="247express") for one in (alice, bob))
    today = day_of("247express", timezone.now())
    KeyUse.objects.create(courier="247express", fingerprint=account.fingerprint, day=today, reserved=200_000)
    assert of_couriers(alice.id)["247express"].status is Status.RESTING
    KeyUse.objects.update(day=today - timedelta(days=1))
    assert of_couriers(alice.id)["247express"].status is Status.OPERATIONAL


def test_yesterdays_calls_are_not_todays() -> None:
    account = CarrierAccountFactory(courier="all24", daily_quota=5)
    yesterday = day_of("all24", timezone.now()) - timedelta(days=1)
    DailyUse.objects.create(account=account, courier="all24", day=yesterday, reserved=5)
    assert calls_left(with_health(CarrierAccount.objects.all()).get(), timezone.now()) == 5


def test_a_courier_is_as_the_best_of_the_merchants_own_accounts(alice: Merchant) -> None:
    for number in range(3):
        account = CarrierAccountFactory(merchant=alice)
        Health.objects.filter(account=account).update(circuit="closed" if number == 1 else "open", pace=0.5)
    CarrierAccountFactory(merchant=None)
    assert all24(alice).status is Status.DEGRADED


def test_the_house_is_looked_at_where_no_account_of_ones_own_may_be_asked(alice: Merchant) -> None:
    CarrierAccountFactory(merchant=alice, state="suspended", suspended_reason="401")
    assert all24(alice) == Condition(Status.SUSPENDED, "401")
    CarrierAccountFactory(merchant=None)
    assert all24(alice) == Condition(Status.OPERATIONAL)


def test_of_the_house_a_merchant_learns_the_word_alone(alice: Merchant) -> None:
    CarrierAccountFactory(merchant=None, state="suspended", suspended_reason="10.0.0.7 answered 401")
    assert all24(alice) == Condition(Status.SUSPENDED, "The house's account is suspended.")
    CarrierAccount.objects.update(state="active")
    Health.objects.update(circuit="open", last_failure="10.0.0.7 refused")
    assert all24(alice) == Condition(Status.DOWN, "The house's account is down.")


def test_of_others_a_merchant_learns_nothing(alice: Merchant, bob: Merchant) -> None:
    CarrierAccountFactory(merchant=bob)
    assert all24(alice).status is Status.NO_ACCOUNT
    assert of_couriers(alice.id)["sandbox"] == Condition(Status.OPERATIONAL)


def test_it_takes_one_query(alice: Merchant, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(5):
        CarrierAccountFactory(merchant=alice)
    with django_assert_num_queries(1):
        assert all24(alice).status is Status.OPERATIONAL
