"""`/track/{token}`: what shoppers see, and what nobody does."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from accounts import branding
from accounts.models import Merchant
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, order
from tests.trackers.page.pictures import png
from trackers.erasing import erase
from trackers.milestones import ScanEntry
from trackers.models import Tracker
from trackers.page import finding
from trackers.page.tokens import token_of

pytestmark = pytest.mark.django_db

Link = Callable[[Tracker], str]
PERSON = "Somsri Chaiyaporn"


@pytest.fixture
def shopper() -> Client:
    return Client()


def seen(answer: Any) -> str:
    """The text of a page, its tags and runs of spaces taken out."""
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", answer.content.decode()).split())


def rewrite(tracker: Tracker, change: Callable[[ScanEntry], object]) -> None:
    """Have each scan of the projection changed."""
    for scan in tracker.state["scans"]:
        change(scan)
    tracker.save(update_fields=["state"])


def test_a_shopper_reads_where_the_parcel_is(shopper: Client, parcel: Tracker, link_to: Link) -> None:
    answer = shopper.get(link_to(parcel))
    assert answer.status_code == 200
    text = seen(answer)
    assert text.startswith("Out for delivery · Alice Alice English")
    assert "Order received (done) On its way (done) Out for delivery (now) Delivered (still to come)" in text
    assert "Tracking number SHIP24_SAMPLE_OUT_FOR_DELIVERY_001 Carrier Sandbox" in text
    order = ["Out for delivery", "Arrived at the destination", "On its way", "Handed over", "Announced"]
    told = text.partition("What has happened so far")[2]
    assert sorted(order, key=told.index) == order


@pytest.mark.parametrize(
    ("language", "headline"),
    [("en", "Out for delivery"), ("vi", "Đang giao hàng"), ("th", "กำลังนำจ่าย")],
)
def test_in_the_language_that_is_wished_or_accepted(
    shopper: Client, parcel: Tracker, link_to: Link, language: str, headline: str
) -> None:
    by_link = shopper.get(f"{link_to(parcel)}?lang={language}")
    by_browser = shopper.get(link_to(parcel), headers={"Accept-Language": f"{language}-XX,fr;q=0.9"})
    assert by_link.content == by_browser.content
    assert f'<html lang="{language}">' in by_link.content.decode()
    assert headline in seen(by_link)
    assert "Accept-Language" in by_link["Vary"]


def test_it_is_the_shoppers_own_and_nothing_runs_on_it(
    shopper: Client, parcel: Tracker, link_to: Link
) -> None:
    answer = shopper.get(link_to(parcel))
    assert answer["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert '<meta name="robots" content="noindex' in answer.content.decode()
    assert answer["Cache-Control"] == "private, max-age=60"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Content-Type-Options"] == "nosniff"
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self' 'sha256-")
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert not answer.cookies
    assert "Cookie" not in answer["Vary"]
    page = answer.content.decode()
    assert " style=" not in page
    assert "<script" not in page
    assert not re.findall(r'(?:href|src)="(?!/static/|/track/logo/|\?lang=)', page)


def test_what_has_not_changed_is_not_sent_again(shopper: Client, parcel: Tracker, link_to: Link) -> None:
    with time_machine.travel(timezone.now().replace(minute=10), tick=False):
        link = link_to(parcel)
        first = shopper.get(link)
        again = shopper.get(link, headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again["Content-Security-Policy"] == first["Content-Security-Policy"]
        changes = [
            lambda: shopper.get(f"{link}?lang=th", headers={"If-None-Match": first["ETag"]}),
            lambda: branding.change(parcel.merchant_id, {"page_colour": "#aa0000"}),
            lambda: branding.set_logo(parcel.merchant_id, png()),
            lambda: Tracker.objects.filter(id=parcel.id).update(version=parcel.version + 1),
        ]
        tags = {first["ETag"]}
        for change in changes:
            change()
            answer = shopper.get(link, headers={"If-None-Match": ", ".join(tags)})
            assert answer.status_code == (304 if change is changes[0] else 200)
            tags.add(answer["ETag"])
        assert shopper.get(f"{link}?lang=th", headers={"If-None-Match": ", ".join(tags)}).status_code == 200


def test_it_costs_two_statements_one_where_nothing_changed_and_a_forged_link_one(
    shopper: Client, parcel: Tracker, link_to: Link, count_statements: Callable[..., int]
) -> None:
    link = link_to(parcel)
    tag = shopper.get(link)["ETag"]
    forged = token_of(parcel.id, "ab" * 32)
    assert count_statements(lambda: shopper.get(link)) == 2
    assert count_statements(lambda: shopper.get(link, headers={"If-None-Match": tag})) == 1
    assert count_statements(lambda: shopper.get(f"/track/{forged}")) == 1
    assert count_statements(lambda: shopper.get("/track/no-token")) == 0


def _absent(shopper: Client, alice: Merchant, parcel: Tracker, link: str) -> Iterator[tuple[str, Any]]:
    yield "malformed", shopper.get("/track/no-token")
    yield "with more behind it", shopper.get(f"{link}/")
    yield "of nobody", shopper.get(f"/track/{token_of(uuid7(), 'ab' * 32)}")
    yield "forged", shopper.get(f"/track/{token_of(parcel.id, 'ab' * 32)}")
    branding.change(alice.id, {"page_is_enabled": False})
    yield "switched off", shopper.get(link)
    branding.change(alice.id, {"page_is_enabled": True})
    Merchant.objects.filter(id=alice.id).update(deleted_at=timezone.now())
    yield "of a merchant that left", shopper.get(link)
    Merchant.objects.filter(id=alice.id).update(deleted_at=None)
    assert shopper.get(link).status_code == 200
    erase(alice.id, parcel.id)
    yield "erased", shopper.get(link)


def test_what_may_not_be_seen_is_one_same_page_whatever_the_cause(
    shopper: Client, alice: Merchant, as_alice: APIClient, parcel: Tracker, link_to: Link
) -> None:
    link = link_to(parcel)
    answers = dict(_absent(shopper, alice, parcel, link))
    as_alice.delete(f"/v1/trackers/{parcel.id}")
    answers["deleted"] = shopper.get(link)
    assert {one.status_code for one in answers.values()} == {404}
    told = {
        (one.content, tuple(sorted((k, v) for k, v in one.items() if k.lower() != "x-request-id")))
        for one in answers.values()
    }
    assert len(told) == 1
    assert answers["deleted"]["Cache-Control"] == "no-store"
    assert "This link does not lead to a parcel" in seen(answers["deleted"])


def test_renewed_links_end_the_old_ones(
    shopper: Client, alice: Merchant, parcel: Tracker, link_to: Link
) -> None:
    old = link_to(parcel)
    branding.renew_links(alice.id)
    new = link_to(parcel)
    assert old != new
    assert shopper.get(old).status_code == 404
    assert shopper.get(new).status_code == 200


def test_links_outlive_new_secret_keys(
    shopper: Client, parcel: Tracker, link_to: Link, settings: Settings
) -> None:
    link = link_to(parcel)
    settings.SECRET_KEY = "another" * 10
    settings.FIELD_ENCRYPTION_KEYS = ["A" * 43 + "=", *settings.FIELD_ENCRYPTION_KEYS]
    assert link_to(parcel) == link
    assert shopper.get(link).status_code == 200


@pytest.mark.usefixtures("account")
def test_nothing_that_is_personal_and_none_of_a_carriers_words_is_shown(
    shopper: Client,
    alice: Merchant,
    as_alice: APIClient,
    carrier: CarrierServer,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
    link_to: Link,
) -> None:
    status, body = order("HSPERSON1", "050000", "777777", "100000", "500000")
    given = {
        "clientTrackerId": "order-7",
        "shipmentReference": "ref-8",
        "orderNumber": "number-9",
        "title": "red shoes",
        "destinationPostCode": "10999",
        "recipient": {"name": PERSON, "email": "somsri@shop.example"},
    }
    carrier.replies["HSPERSON1"] = (status, body.replace(b"Depot", PERSON.encode()))
    tracker = follow(alice, "HSPERSON1", **given)
    poll_all()
    page = seen(shopper.get(link_to(tracker)))
    assert "Delivered" in page
    assert "Bangkok" in page
    words = ["order-7", "ref-8", "number-9", "red shoes", "10999", "10110", "Somsri", "Event", "somsri@"]
    assert [word for word in words if word in page] == []


def test_scans_that_are_set_apart_or_taken_back_are_not_shown(
    shopper: Client, parcel: Tracker, link_to: Link
) -> None:
    newest = parcel.state["scans"][-1]
    assert "The parcel is with the courier" in seen(shopper.get(link_to(parcel)))
    for name in ("withdrawn", "quarantined"):
        rewrite(parcel, lambda scan, name=name: scan.update({name: scan is newest}))  # type: ignore[misc]
        told = seen(shopper.get(link_to(parcel))).partition("What has happened so far")[2]
        assert "Arrived at the destination" in told
        assert "Out for delivery" not in told


def test_a_reason_is_told_in_plain_words_once_where_the_parcel_is_and_once_at_its_scan(
    shopper: Client,
    alice: Merchant,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
    link_to: Link,
) -> None:
    tracker = follow(alice, "SHIP24_SAMPLE_FAILED_ATTEMPT_001", courierCode="sandbox")
    poll_all()
    page = seen(shopper.get(link_to(tracker)))
    assert page.count("Nobody was there to receive the parcel.") == 2
    assert "On its way (done) Delivery attempted (now) Delivered (still to come)" in page
    assert "door" not in page


def test_a_parcel_in_trouble_stays_at_the_station_that_it_reached(
    shopper: Client,
    alice: Merchant,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
    link_to: Link,
) -> None:
    tracker = follow(alice, "SHIP24_SAMPLE_EXCEPTION_001", courierCode="sandbox")
    poll_all()
    page = seen(shopper.get(link_to(tracker)))
    assert "Returned to the sender The parcel was not delivered but returned." in page
    assert "(now)" not in page
    assert "Delivered (still to come)" in page


def test_what_an_end_has_overruled_is_not_told(shopper: Client, parcel: Tracker, link_to: Link) -> None:
    """Drivers scan "out for delivery" minutes after "delivered"."""
    before, last = parcel.state["scans"][-2:]
    before |= {
        "statusCode": "delivery_delivered",
        "statusMilestone": "delivered",
        "placedAt": last["placedAt"],
    }
    Tracker.objects.filter(id=parcel.id).update(state=parcel.state, milestone="delivered")
    page = seen(shopper.get(link_to(parcel)))
    assert page.partition("What has happened so far")[2].count("Out for delivery") == 0
    assert "Delivered (now)" in page


def test_a_parcel_that_nobody_knows_yet_and_one_that_went_silent_say_so(
    shopper: Client, alice: Merchant, parcel: Tracker, follow: Callable[..., Tracker], link_to: Link
) -> None:
    unknown = seen(shopper.get(link_to(follow(alice, "HSUNKNOWN"))))
    assert "No news yet" in unknown
    assert "What has happened" not in unknown
    Tracker.objects.filter(id=parcel.id).update(stalled_at=timezone.now())
    assert "There has been no news from the carrier for some time." in seen(shopper.get(link_to(parcel)))


def test_times_that_are_not_known_are_not_made_up(shopper: Client, parcel: Tracker, link_to: Link) -> None:
    changed = {"occurrenceDatetime": None, "timeCertainty": "unknown"}
    rewrite(parcel, lambda scan: scan.update(changed))
    page = shopper.get(link_to(parcel)).content.decode()
    assert "<time" not in page
    assert page.count("Without a date") == 1


def test_the_merchants_words_are_text_and_no_markup(
    shopper: Client, alice: Merchant, parcel: Tracker, link_to: Link
) -> None:
    branding.change(alice.id, {"page_name": "<script>alert(1)</script>"})
    page = shopper.get(link_to(parcel)).content.decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_logo_is_shown_in_its_place_and_may_be_kept_for_good(
    shopper: Client, alice: Merchant, parcel: Tracker, link_to: Link
) -> None:
    branding.set_logo(alice.id, png(120, 40))
    page = shopper.get(link_to(parcel)).content.decode()
    found = re.search(r'<img class="logo" src="([^"]+)" width="120" height="40" alt="Alice">', page)
    assert found
    logo = shopper.get(found[1])
    assert (logo.content, logo["Content-Type"]) == (png(120, 40), "image/png")
    assert logo["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in logo["Cache-Control"]
    assert logo["Content-Security-Policy"] == "default-src 'none'; sandbox"
    branding.set_logo(alice.id, png(60, 20))
    assert shopper.get(found[1]).status_code == 404
    other = re.search(r'src="(/track/logo/[^"]+)"', shopper.get(link_to(parcel)).content.decode())
    assert other
    branding.change(alice.id, {"page_is_enabled": False})
    assert shopper.get(other[1]).status_code == 404


def test_one_address_may_call_so_often_in_a_minute(
    shopper: Client, parcel: Tracker, link_to: Link, settings: Settings
) -> None:
    settings.TRACKING_PAGE_RATE_LIMIT = 3
    link, address = link_to(parcel), "192.0.2.7"
    for _ in range(3):
        assert shopper.get(link, REMOTE_ADDR=address).status_code == 200
    refused = shopper.get(link, REMOTE_ADDR=address)
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert "There were too many calls" in seen(refused)
    assert shopper.get("/track/no-token", REMOTE_ADDR=address).status_code == 429
    assert shopper.get(f"/track/logo/{uuid7()}", REMOTE_ADDR=address).status_code == 429
    assert shopper.get(link, REMOTE_ADDR="192.0.2.8").status_code == 200
    settings.TRACKING_PAGE_RATE_LIMIT = 0
    assert shopper.get(link, REMOTE_ADDR=address).status_code == 200


def test_a_database_that_is_away_is_a_page_of_its_own(
    shopper: Client, parcel: Tracker, link_to: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_to(parcel)

    def away(*_: object) -> None:
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(finding, "ask", away)
    answer = shopper.get(link)
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "Your parcel cannot be shown right now." in seen(answer)


def test_only_reading_is_taken(shopper: Client, parcel: Tracker, link_to: Link) -> None:
    assert shopper.head(link_to(parcel)).status_code == 200
    assert shopper.post(link_to(parcel)).status_code == 405


def test_an_estimate_that_passed_says_so(shopper: Client, parcel: Tracker, link_to: Link) -> None:
    link = link_to(parcel)
    assert "Expected " in seen(shopper.get(link))
    with time_machine.travel(timezone.now() + timedelta(days=9), tick=False):
        assert "Was expected " in seen(shopper.get(link))


def test_a_house_accounts_parcel_has_a_page_too(
    shopper: Client,
    alice: Merchant,
    account: CarrierAccount,
    carrier: CarrierServer,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
    link_to: Link,
) -> None:
    CarrierAccount.objects.filter(id=account.id).update(merchant=None)
    carrier.replies["HSHOUSE01"] = order("HSHOUSE01", "050000", "100000")
    tracker = follow(alice, "HSHOUSE01")
    poll_all()
    assert "Handed over to the carrier Bangkok" in seen(shopper.get(link_to(tracker)))
