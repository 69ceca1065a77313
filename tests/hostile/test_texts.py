"""What carriers, merchants and strangers write is text on every page, and never markup."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount, Health, UnmappedCode
from tests.carrier_server import CarrierServer, order
from tests.webhooks.cast import EndpointFactory, ended
from trackers.models import OutcomeChange, RawAnswer, Tracker, Watch
from webhooks.claims import take
from webhooks.models import Attempt, Delivery, Endpoint, Message
from webhooks.settling import settle

pytestmark = pytest.mark.django_db

EVIL = "\"><img src=x onerror=alert(1)><script>alert(1)</script>{{ 7|add:1 }}'+x"
#: For columns that hold little.
SHORT = '"><script>alert(1)</script>'
#: What of it a page may not hold as it stands.
MARKUP = ("<img src=x", "<script>alert", "'+x")


def said(number: str) -> tuple[int, bytes]:
    """An answer that is hostile wherever a carrier may write."""
    status, body = order(number, "050000", "100000", "777")
    answer = json.loads(body)
    for scan in answer[number]["history"]:
        scan["event_name"] = EVIL
        scan["location"] = {"location_name": EVIL, "service_area": EVIL, "postcode": EVIL}
        if scan["event_code"] == "777":
            scan["event_code"] = EVIL[:40]
    return status, json.dumps(answer).encode()


@pytest.fixture
def parcel(
    alice: Merchant,
    account: CarrierAccount,
    carrier: CarrierServer,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
) -> Tracker:
    wishes = {"shipmentReference": EVIL, "clientTrackerId": EVIL, "title": EVIL, "orderNumber": EVIL}
    Merchant.objects.filter(id=alice.id).update(name=EVIL, page_name=EVIL)
    endpoint = EndpointFactory(merchant=alice, url=f"https://hooks.example/in?{EVIL}", description=EVIL)
    tracker = follow(alice, "PARCEL-1", **wishes)
    carrier.replies["PARCEL-1"] = said("PARCEL-1")
    poll_all()
    assert RawAnswer.objects.exists()
    Tracker.objects.filter(id=tracker.id).update(tracking_number=SHORT)
    settle((each, ended(each.delivery_id, 500)) for each in take(100))
    Attempt.objects.update(response_body=EVIL, error="http_status")
    OutcomeChange.objects.update(outcome="bad_response", error=SHORT)
    Watch.objects.update(last_outcome="bad_response", last_error=SHORT)
    CarrierAccount.objects.update(state="suspended", suspended_reason=SHORT)
    Health.objects.update(last_failure=SHORT)
    Endpoint.objects.filter(id=endpoint.id).update(state="disabled", disabled_reason="gone")
    tracker.refresh_from_db()
    return tracker


def addresses(tracker: Tracker) -> list[str]:
    """Every page for staff that shows something of it."""
    rows: list[Any] = [
        tracker,
        *(
            model.objects.first()
            for model in (Watch, RawAnswer, OutcomeChange, Endpoint, Message, Delivery, Attempt)
        ),
        *(model.objects.first() for model in (CarrierAccount, UnmappedCode, Merchant)),
    ]
    assert all(rows)
    lists = [f"/admin/{one._meta.app_label}/{one._meta.model_name}/" for one in rows]
    pages = [
        f"{place}{one.pk}/{page}/"
        for place, one in zip(lists, rows, strict=True)
        for page in ("change", "history")
    ]
    found = [
        "/admin/",
        "/admin/alerts/",
        "/admin/admin/logentry/",
        f"/admin/search/?s={tracker.id}",
        "/admin/search/?s=x",
    ]
    found += [f"/admin/search/?s={one.pk}" for one in rows]
    asked = [f"/admin/trackers/tracker/{tracker.id}/act/stop/", f"{lists[4]}{rows[4].pk}/act/recover/"]
    return [*lists, *pages, *found, *asked]


def test_pages_for_staff_show_it_as_text(client: Client, parcel: Tracker) -> None:
    client.force_login(User.objects.create_superuser("olga"))
    client.post(f"/admin/trackers/tracker/{parcel.id}/act/stop/", {"confirmed": "yes"})
    shown = 0
    for address in addresses(parcel):
        answer = client.get(address)
        assert answer.status_code == 200, address
        page = answer.content.decode()
        assert not [one for one in MARKUP if one in page], address
        shown += "&lt;script&gt;alert" in page
    assert shown > 20


def test_the_page_for_shoppers_shows_none_of_what_the_carrier_wrote(
    client: Client, parcel: Tracker, as_alice: APIClient
) -> None:
    address = as_alice.get(f"/v1/trackers/{parcel.id}").json()["trackingPageUrl"]
    for lang in ("en", "vi", "th", EVIL):
        answer = client.get(address, {"lang": lang})
        assert answer.status_code == 200
        page = answer.content.decode()
        assert not [one for one in MARKUP if one in page]
        assert "Depot" not in page
        # Its merchant's name, as title and beside the language links, and its number.
        assert page.count("&lt;script&gt;") == 3
