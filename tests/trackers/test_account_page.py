"""The page of a carrier account for staff."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client

from accounts.models import Merchant
from carriers.models import CarrierAccount, UnmappedCode
from carriers.tallying import count
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from trackers.models import OutcomeChange, Tracker, Watch

pytestmark = pytest.mark.django_db

Follow = Callable[..., Tracker]
Poll = Callable[[], int]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("olga"))
    return client


def opened(staff: Client, account: CarrierAccount) -> str:
    answer = staff.get(f"/admin/carriers/carrieraccount/{account.id}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_one_that_was_never_asked_with_says_so(staff: Client) -> None:
    page = opened(staff, CarrierAccountFactory())
    assert "operational" in page
    assert "No polls in the last 48 hours." in page
    assert "No poll with it began to fail." in page


def test_its_quota_is_told(staff: Client) -> None:
    page = opened(staff, CarrierAccountFactory(daily_quota=5_000))
    assert "5,000" in page


def test_its_polls_and_what_failed_are_told(
    staff: Client,
    alice: Merchant,
    account: CarrierAccount,
    carrier: CarrierServer,
    follow: Follow,
    poll_all: Poll,
) -> None:
    tracker = follow(alice, "PARCEL-1")
    carrier.replies["PARCEL-1"] = order("PARCEL-1", "050000")
    poll_all()
    carrier.replies["PARCEL-1"] = 200, b"no JSON"
    Watch.objects.update(next_poll_at=Now() - timedelta(seconds=1))
    poll_all()
    count()
    page = opened(staff, account)
    assert 'aria-label="1 succeeded, 1 failed in the last 48 hours"' in page
    assert "bad response" in page
    assert f"/admin/trackers/tracker/{tracker.id}/change/" in page


def test_what_its_carrier_says_and_no_map_knows_is_shown_with_an_example(staff: Client) -> None:
    sample = {"text": "Parcel on holiday", "trackerId": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
              "raw": {"event_code": "777"}, "seenAt": "2026-03-01T00:00:00Z"}  # fmt: skip
    UnmappedCode.objects.create(courier="all24", code="777", text="Holiday", count=3, samples=[sample])
    UnmappedCode.objects.create(courier="ship24", code="888", text="Elsewhere", count=1)
    page = opened(staff, CarrierAccountFactory(courier="all24"))
    assert "Parcel on holiday" in page
    assert "event_code" in page
    assert "Elsewhere" not in page


def test_the_statements_are_as_many_however_much_failed(
    staff: Client, alice: Merchant, account: CarrierAccount, follow: Follow,
    count_statements: Callable[[Callable[[], object]], int],
) -> None:  # fmt: skip
    opened(staff, account)
    few = count_statements(lambda: opened(staff, account))
    for nth in range(5):
        watch = Watch.objects.get(tracker=follow(alice, f"PARCEL-{nth}"))
        OutcomeChange.objects.create(watch=watch, account_id=account.id, outcome="throttled")
        UnmappedCode.objects.create(courier="all24", code=f"{nth}", text="", count=1)
    assert count_statements(lambda: opened(staff, account)) == few


def test_an_account_can_still_be_added(staff: Client) -> None:
    assert staff.get("/admin/carriers/carrieraccount/add/").status_code == 200
