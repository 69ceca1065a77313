"""The pictures of the README, in docs/screens: `make showcase`. Not a test, and collected only by name.

What is seen is invented, and lived through: a carrier on loopback is polled, a subscriber on loopback told.
Debian's fonts-noto-core and fonts-thai-tlwg have the letters.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant
from carriers.models import CarrierAccount
from config import heartbeat
from tests.browser.conftest import PHONE
from tests.browser.test_dashboard import busy_day
from tests.carrier_server import CarrierServer, carrier_server
from tests.polled import poll_due
from tests.processes import ROOT
from tests.subscribers import subscriber
from trackers.models import Tracker
from webhooks import pump
from webhooks.models import Endpoint

__all__ = ["busy_day"]

FOLDER = ROOT / "docs" / "screens"
NUMBER = "HSKT48210937"
LOOPBACK = ["127.0.0.0/8"]
NARROW = {**PHONE, "viewport": {"width": 360, "height": 900}, "device_scale_factor": 2}
#: What the carrier tells, the oldest first: a code, its words, hours before now, and where.
TRAVEL = (
    ("050000", "Order created", 52, "", ""),
    ("100000", "Picked up from shop", 47, "Ari Pickup Point", "Bangkok"),
    ("200000", "Departed from sorting centre", 41, "Sorting Centre 2", "Bangkok"),
    ("200000", "In transit", 30, "Linehaul North", "Nakhon Sawan"),
    ("300000", "Arrived at delivery station", 4, "Station 14", "Chiang Mai"),
)
DESK = {"viewport": {"width": 1280, "height": 1000}}
TALL = {"viewport": {"width": 1280, "height": 1480}}


def answer(scans: int, now: datetime) -> bytes:
    """The carrier's whole answer once so many scans are made; `now` is the same for all of them."""
    history = [
        {
            "event_time": f"{now + timedelta(hours=7 - hours):%Y-%m-%d %H:%M:%S}",
            "event_name": words,
            "event_code": code,
            "location_ref": "",
            "location": {"location_name": name, "service_area": area, "postcode": ""},
        }
        for code, words, hours, name, area in TRAVEL[:scans]
    ]
    body = {
        "hs_order_ref": NUMBER,
        "order_ref_id": "",
        "origin_order_date": f"{now - timedelta(hours=53):%Y-%m-%dT%H:%M:%S}+07:00",
        "expected_completion": f"{now + timedelta(days=1):%Y-%m-%d}T18:00:00+07:00",
        "history": history[::-1],
    }
    return json.dumps({NUMBER: body, "response_code": 200, "error_codes": []}).encode()


def travel(merchant: Merchant, carrier: CarrierServer, hook: str) -> str:
    """Follow a parcel of the merchant until its last scan is told; its link for shoppers."""
    _, key = ApiKey.issue(merchant)
    api = APIClient(headers={"Authorization": f"Bearer {key}"})
    api.post("/v1/webhooks", {"url": hook}, format="json")
    wishes = {
        "trackingNumber": NUMBER,
        "courierCode": "all24",
        "clientTrackerId": "order-10427",
        "shipmentReference": "LHG-2026-4107",
        "destinationCountryCode": "TH",
    }
    made = api.post("/v1/trackers", wishes, format="json").json()["data"]["tracker"]
    now = timezone.now()
    for scans in (2, 4, len(TRAVEL)):
        carrier.replies[NUMBER] = (200, answer(scans, now))
        api.post(f"/v1/trackers/{made['trackerId']}/poll")
        poll_due()
        pump.run(1)
    Endpoint.objects.filter(url=hook).update(url="https://hooks.lotus-home.example/parcelwire")
    return str(made["trackingPageUrl"]).removeprefix("http://testserver")


def test_pictures(
    busy_day: list[CarrierAccount],
    superuser: User,
    settings: Settings,
    open_context: Callable[..., BrowserContext],
    signing_in: Callable[[Page, User], Page],
) -> None:
    """Four: at a desk the dashboard and a parcel; the dashboard on a phone by night; what a shopper sees."""
    settings.CARRIER_ALLOWED_NETWORKS = settings.WEBHOOK_ALLOWED_NETWORKS = LOOPBACK
    settings.POLL_NOW_MIN_INTERVAL = 0
    FOLDER.mkdir(exist_ok=True)
    merchant = busy_day[0].merchant
    assert merchant
    Merchant.objects.filter(id=merchant.id).update(page_colour="#0f766e")
    heartbeat.note(settings.REDIS_URL)

    def shoot(name: str, address: str, **options: object) -> None:
        page = signing_in(open_context(**options).new_page(), superuser)
        page.goto(address, wait_until="networkidle")
        page.screenshot(path=FOLDER / f"{name}.png")
        page.close()

    Endpoint.objects.update(couriers=["ship24"])  # those that want attention; they hear nothing of this
    with carrier_server() as carrier, subscriber() as shop:
        CarrierAccount.objects.filter(id=busy_day[0].id).update(base_url=carrier.url)
        link = travel(merchant, carrier, shop.url())
    shoot("dashboard", "/admin/", **TALL)
    shoot("dashboard-phone-dark", "/admin/", color_scheme="dark", **PHONE)
    tracker = Tracker.objects.get(tracking_number=NUMBER)
    shoot("tracker", f"/admin/trackers/tracker/{tracker.id}/change/", **DESK)
    shoot("shopper", f"{link}?lang=th", **NARROW)
