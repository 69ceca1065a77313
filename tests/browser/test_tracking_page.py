"""A shopper opens the page of a parcel: on a phone, in three languages, with whatever eyes and hands."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant
from tests.browser.conftest import Axe
from tests.carrier_server import carrier_server
from tests.factories import CarrierAccountFactory, MerchantFactory
from trackers.polling import Poller

#: What the carrier tells, the newest first: a code, hours before now, and where.
TRAVEL = (
    ("300000", 3, "Hub Chiang Mai", "Chiang Mai"),
    ("200000", 14, "Linehaul 7", "Nakhon Sawan"),
    ("200000", 20, "Sorting Center", "Bangkok"),
    ("100000", 26, "Somchai Jaidee", "Bangkok"),
    ("050000", 31, "", ""),
)
HEADLINES = {"en": "On its way", "vi": "Đang vận chuyển", "th": "กำลังขนส่ง"}


def travelling(number: str) -> bytes:
    now = timezone.now()
    history = [
        {
            "event_time": f"{now - timedelta(hours=hours):%Y-%m-%d %H:%M:%S}",
            "event_name": "Somchai Jaidee has it",
            "event_code": code,
            "location_ref": "",
            "location": {"location_name": name, "service_area": area, "postcode": "50000"},
        }
        for code, hours, name, area in TRAVEL
    ]
    body = {
        "hs_order_ref": number,
        "order_ref_id": "",
        "origin_order_date": f"{now - timedelta(hours=31):%Y-%m-%dT%H:%M:%S}+07:00",
        "expected_completion": f"{now + timedelta(days=1):%Y-%m-%d}T18:00:00+07:00",
        "history": history,
    }
    return json.dumps({number: body, "response_code": 200, "error_codes": []}).encode()


@pytest.fixture
def shop(transactional_db: None) -> Merchant:
    made: Merchant = MerchantFactory(name="Lotus Home Goods", page_colour="#0f766e")
    return made


@pytest.fixture
def link(shop: Merchant, settings: Settings) -> Iterator[str]:
    """To a parcel on its way through Thailand."""
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with carrier_server() as carrier:
        carrier.replies["HSSHOPPER"] = (200, travelling("HSSHOPPER"))
        CarrierAccountFactory(merchant=shop, base_url=carrier.url)
        yield link_of(shop, "HSSHOPPER", courierCode="all24", destinationCountryCode="TH")


def link_of(merchant: Merchant, number: str, **wishes: str) -> str:
    _, key = ApiKey.issue(merchant)
    api = APIClient(headers={"Authorization": f"Bearer {key}"})
    made = api.post("/v1/trackers", {"trackingNumber": number, **wishes}, format="json")
    Poller().run(1)
    url: str = made.json()["data"]["tracker"]["trackingPageUrl"]
    return url.removeprefix("http://testserver")


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("language", ["en", "vi", "th"])
def test_a_shopper_reads_it_on_a_phone(phone: Page, axe: Axe, link: str, language: str) -> None:
    phone.goto(f"{link}?lang={language}")
    import os

    if os.environ.get("SHOTS"):
        phone.screenshot(path=f"{os.environ['SHOTS']}/{language}.png", full_page=True)
    expect(phone.get_by_role("heading", level=1)).to_have_text(HEADLINES[language])
    assert phone.locator("html").get_attribute("lang") == language
    assert fits(phone)
    axe(phone)
