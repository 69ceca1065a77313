"""What of carrier accounts and codes needs a person."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.alerts import Alert, Kind
from accounts.models import Merchant
from carriers import alerts
from carriers.budget import day_of
from carriers.models import CarrierAccount, DailyUse, Health, UnmappedCode
from tests.factories import CarrierAccountFactory

pytestmark = pytest.mark.django_db


def found() -> list[Alert]:
    return alerts.alerts()


def an_account(alice: Merchant, health: dict[str, Any] | None = None, **fields: Any) -> CarrierAccount:
    account = CarrierAccountFactory(merchant=alice, **fields)
    Health.objects.filter(account=account).update(**(health or {}))
    return account


def test_all_is_well_with_an_account_that_is_asked_with(alice: Merchant) -> None:
    an_account(alice)
    an_account(alice, state="paused")
    an_account(alice, resting_until=timezone.now() - timedelta(seconds=1))
    assert found() == []


@pytest.mark.parametrize(
    ("kind", "fields", "health"),
    [
        (Kind.ACCOUNT_SUSPENDED, {"state": "suspended", "suspended_reason": "Wrong key."}, {}),
        (Kind.CIRCUIT_OPEN, {}, {"circuit": "open", "last_failure": "Timed out."}),
        (Kind.CIRCUIT_OPEN, {}, {"circuit": "half_open", "last_failure": "Timed out."}),
        (Kind.ACCOUNT_RESTING, {"resting_until": timezone.now() + timedelta(days=1)}, {}),
        (Kind.ACCOUNT_RESTING, {}, {"paced_until": timezone.now() + timedelta(hours=1)}),
    ],
)
def test_an_account_that_asks_nothing_needs_a_person(
    alice: Merchant, kind: Kind, fields: dict[str, Any], health: dict[str, Any]
) -> None:
    account = an_account(alice, health, **fields)
    (alert,) = found()
    assert (alert.kind, alert.page_id) == (kind, str(account.id))
    assert alert.about == "all24 of Alice"
    assert alert.page == "carriers_carrieraccount_change"
    assert alert.detail


def test_an_account_whose_calls_of_the_day_are_used_up_needs_a_person(alice: Merchant) -> None:
    account = an_account(alice, daily_quota=100)
    today = day_of("all24", timezone.now())
    used = DailyUse.objects.create(account=account, courier="all24", day=today, reserved=98)
    assert found() == []
    DailyUse.objects.filter(id=used.id).update(reserved=100)
    assert [alert.kind for alert in found()] == [Kind.QUOTA_USED_UP]
    DailyUse.objects.filter(id=used.id).update(day=today - timedelta(days=1))
    assert found() == [], "that was yesterday"


def test_a_code_that_no_map_knows_needs_a_person() -> None:
    code = UnmappedCode.objects.create(courier="all24", code="777", text="Event 777", count=3)
    (alert,) = found()
    assert (alert.kind, alert.about, alert.page_id) == (Kind.UNMAPPED_CODE, "all24: 777", str(code.id))
    assert alert.since == code.first_seen_at


def test_it_takes_two_statements_for_any_number(alice: Merchant, count_statements: Any) -> None:
    for _ in range(5):
        an_account(alice, state="suspended")
    assert count_statements(found) == 2
    assert len({alert.key for alert in found()}) == 5
