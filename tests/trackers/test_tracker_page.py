"""The page of a tracker for staff: the whole life of a parcel in one column."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.webhooks.cast import EndpointFactory, ended
from trackers.models import RawAnswer, Tracker, Watch
from trackers.timeline import pages
from webhooks.claims import take
from webhooks.settling import settle

pytestmark = pytest.mark.django_db

Follow = Callable[..., Tracker]
Poll = Callable[[], int]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def parcel(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> Tracker:
    """One that was polled, told of and delivered to its subscriber, with a failed poll in between."""
    EndpointFactory(merchant=alice, url="https://shop.example/hook")
    tracker = follow(alice, "PARCEL-1")
    carrier.replies["PARCEL-1"] = order("PARCEL-1", "050000", "100000")
    poll_all()
    carrier.replies["PARCEL-1"] = 200, b"no JSON"
    poll_again(poll_all)
    carrier.replies["PARCEL-1"] = order("PARCEL-1", "050000", "100000", "200000")
    poll_again(poll_all)
    settle((each, ended(each.delivery_id)) for each in take(100))
    return tracker


def poll_again(poll_all: Poll) -> None:
    Watch.objects.update(next_poll_at=Now() - timedelta(seconds=1))
    poll_all()


def url(tracker: Tracker) -> str:
    return f"/admin/trackers/tracker/{tracker.id}/change/"


def opened(staff: Client, address: str) -> str:
    answer = staff.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def labels(page: str) -> list[str]:
    return re.findall(r'<span class="pw-kind">([^<]+)</span>', page)


def titles(page: str) -> list[str]:
    return [
        unescape(re.sub("<[^>]+>", "", title))
        for title in re.findall(r'<p class="pw-title">(.*?)</p>', page, re.DOTALL)
    ]


def older(page: str) -> str | None:
    found = re.search(r'href="(\?older=[^"#]+)', page)
    return found and found[1]


def test_everything_that_happened_stands_in_one_column_newest_first(staff: Client, parcel: Tracker) -> None:
    page = opened(staff, url(parcel))
    assert set(labels(page)) == {"created", "scan", "shipment", "polls", "message", "delivery", "try"}
    moments = re.findall(r'<li class="pw-entry".*?<time datetime="([^"]+)"', page, re.DOTALL)
    assert moments == sorted(moments, reverse=True)
    assert labels(page)[-1] == "created"
    assert "all24: ok to bad_response" in titles(page)
    assert "all24: bad_response to ok" in titles(page)
    assert "Try 1 at shop.example: success" in titles(page)


def test_a_milestone_stands_where_the_parcel_reached_it(staff: Client, parcel: Tracker) -> None:
    page = opened(staff, url(parcel))
    moved = re.findall(r'class="pw-moved">Milestone: ([^<]+)<', page)
    tracker = Tracker.objects.get()
    assert moved[0] == tracker.milestone
    assert len(moved) == len(set(moved))


def test_beside_a_scan_stands_what_the_carrier_said(staff: Client, parcel: Tracker) -> None:
    page = opened(staff, url(parcel))
    assert page.count("What the carrier said") == labels(page).count("scan") == 3
    for code in ("050000", "100000", "200000"):
        assert f'"event_code": "{code}"' in unescape(page)
    answer = RawAnswer.objects.order_by("-id")[0]
    assert f"/admin/trackers/rawanswer/{answer.id}/change/" in page
    assert "event_code" in opened(staff, f"/admin/trackers/rawanswer/{answer.id}/change/")


def test_what_a_house_account_was_told_is_not_shown(
    staff: Client, alice: Merchant, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> None:
    CarrierAccountFactory(merchant=None, courier="all24", base_url=carrier.url)
    tracker = follow(alice, "PARCEL-1")
    carrier.replies["PARCEL-1"] = order("PARCEL-1", "050000")
    poll_all()
    page = opened(staff, url(tracker))
    assert "scan" in labels(page)
    assert "What the carrier said" not in page


def test_its_watches_are_shown_with_their_next_poll(staff: Client, parcel: Tracker) -> None:
    watch = Watch.objects.get()
    page = opened(staff, url(parcel))
    assert f"{watch.next_poll_at:%Y-%m-%d %H:%M:%S}" in page
    assert f"/admin/carriers/carrieraccount/{watch.carrier_account_id}/change/" in page


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_pages_of_any_size_hold_everything_once(
    staff: Client, parcel: Tracker, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    whole = list(zip(labels(opened(staff, url(parcel))), titles(opened(staff, url(parcel))), strict=True))
    monkeypatch.setattr(pages, "PAGE", size)
    found: list[tuple[str, str]] = []
    address: str | None = ""
    while address is not None:
        page = opened(staff, url(parcel) + address)
        shown = list(zip(labels(page), titles(page), strict=True))
        assert 1 <= len(shown) <= size
        found += shown
        address = older(page)
    assert found == whole


def test_milestones_are_the_same_on_every_page(
    staff: Client, parcel: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = re.findall(r"Milestone: ([^<]+)<", opened(staff, url(parcel)))
    monkeypatch.setattr(pages, "PAGE", 2)
    found: list[str] = []
    address: str | None = ""
    while address is not None:
        page = opened(staff, url(parcel) + address)
        found += re.findall(r"Milestone: ([^<]+)<", page)
        address = older(page)
    assert found == whole


@pytest.mark.parametrize("place", ["x", "1.9.1", "1.0.x", "1.3.5", "99999999999999999.0.1", "1.0.", "-1.0.1"])
def test_a_page_that_no_link_leads_to_is_not_there(staff: Client, parcel: Tracker, place: str) -> None:
    assert staff.get(url(parcel), {"older": place}).status_code in {200, 404}


def test_the_statements_are_as_many_for_any_history(
    staff: Client, parcel: Tracker, carrier: CarrierServer, poll_all: Poll
) -> None:
    opened(staff, url(parcel))
    with CaptureQueriesContext(connection) as few:
        opened(staff, url(parcel))
    codes = ["050000", "100000", "200000", *("300000",) * 40]
    carrier.replies["PARCEL-1"] = order("PARCEL-1", *codes)
    poll_again(poll_all)
    settle((each, ended(each.delivery_id, 500)) for each in take(100))
    with CaptureQueriesContext(connection) as many:
        page = opened(staff, url(parcel))
    assert labels(page).count("scan") > 40
    assert len(many) == len(few)


def test_scans_of_another_parcel_are_shown_apart(
    staff: Client, alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow,
    poll_all: Poll,
) -> None:  # fmt: skip
    tracker = follow(alice, "PARCEL-1", shippingDate="2026-06-01")
    carrier.replies["PARCEL-1"] = order("PARCEL-1", "050000")
    poll_all()
    page = opened(staff, url(tracker))
    assert "Scans of another parcel" in page
    assert "of another parcel, counts for nothing" in page


def test_what_an_erased_parcel_went_through_is_still_shown(
    staff: Client, as_alice: APIClient, parcel: Tracker
) -> None:
    as_alice.post(f"/v1/trackers/{parcel.id}/erase")
    page = opened(staff, url(parcel))
    assert "erased" in labels(page)
    assert "What the carrier said" not in page


@pytest.fixture
def viewer(client: Client) -> Client:
    """May look at parcels, and not at personal data."""
    user = User.objects.create_user("vera", is_staff=True)
    models = ["tracker", "watch", "rawanswer", "outcomechange"]
    user.user_permissions.set(Permission.objects.filter(codename__in=[f"view_{one}" for one in models]))
    client.force_login(user)
    return client


def test_what_carriers_said_to_the_letter_is_for_who_may_see_personal_data(
    viewer: Client, parcel: Tracker
) -> None:
    page = opened(viewer, url(parcel))
    answer = RawAnswer.objects.order_by("-id")[0]
    assert "What the carrier said" not in page
    assert f"/admin/trackers/rawanswer/{answer.id}/" not in page
    assert viewer.get("/admin/trackers/rawanswer/").status_code == 403
    assert viewer.get(f"/admin/trackers/rawanswer/{answer.id}/change/").status_code == 403
    assert viewer.get("/admin/trackers/personaldata/").status_code == 403


def test_a_recipient_is_not_on_the_page(
    staff: Client, alice: Merchant, follow: Follow, settings: Settings
) -> None:
    tracker = follow(alice, "PARCEL-1", recipient={"name": "Rosa Nowak", "email": "rosa@example.org"})
    page = opened(staff, url(tracker))
    assert "Rosa" not in page
    assert "rosa@" not in page
