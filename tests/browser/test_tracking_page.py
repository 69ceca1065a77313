"""A shopper opens the page of a parcel: on a phone, in three languages, with whatever eyes and hands."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import branding
from accounts.models import ApiKey, Merchant
from tests.browser.conftest import PHONE, Axe
from tests.carrier_server import carrier_server
from tests.factories import CarrierAccountFactory, MerchantFactory
from tests.polled import poll_due
from tests.trackers.page.pictures import png

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


@pytest.fixture(autouse=True)
def _any_number_of_calls(settings: Settings) -> None:
    settings.TRACKING_PAGE_RATE_LIMIT = 0


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
    poll_due()
    url: str = made.json()["data"]["tracker"]["trackingPageUrl"]
    return url.removeprefix("http://testserver")


def shot(page: Page, name: str) -> None:
    """A picture for whoever wants to look: PARCELWIRE_PICTURES names a folder."""
    if folder := os.environ.get("PARCELWIRE_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.fixture
def parcel_at(shop: Merchant) -> Callable[[str], str]:
    """The page of a sandbox parcel that stands at a milestone."""
    return lambda milestone: link_of(shop, f"SHIP24_SAMPLE_{milestone}_001")


@pytest.mark.parametrize("language", ["en", "vi", "th"])
def test_a_shopper_reads_it_on_a_phone(phone: Page, axe: Axe, link: str, language: str) -> None:
    phone.goto(f"{link}?lang={language}")
    expect(phone.get_by_role("heading", level=1)).to_have_text(HEADLINES[language])
    assert phone.locator("html").get_attribute("lang") == language
    town = "เชียงใหม่" if language == "th" else "Chiang Mai"
    assert phone.get_by_role("listitem").filter(has_text=town).count() == 1
    assert "Somchai" not in phone.content()
    assert fits(phone)
    shot(phone, f"phone-{language}")
    axe(phone)


def test_the_language_is_the_browsers_own_and_can_be_changed_by_hand_and_by_keyboard(
    open_context: Callable[..., BrowserContext], link: str
) -> None:
    page = open_context(locale="vi-VN", **PHONE).new_page()
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text(HEADLINES["vi"])
    for language in ("English", "Tiếng Việt", "ไทย"):
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text(language)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(HEADLINES["th"])
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HEADLINES["en"])
    assert page.context.cookies() == []


def test_without_javascript_by_night_and_on_a_desk_it_is_all_there(
    open_context: Callable[..., BrowserContext], link: str
) -> None:
    page = open_context(java_script_enabled=False, color_scheme="dark").new_page()
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text(HEADLINES["en"])
    expect(page.get_by_role("listitem").filter(has_text="Handed over to the carrier")).to_be_visible()
    shot(page, "desk-dark")


@pytest.mark.parametrize("colour", ["#ffee00", "#0b1020"])
def test_whatever_the_shops_colour_all_is_readable_by_day_and_by_night(
    phone: Page, axe: Axe, shop: Merchant, parcel_at: Callable[[str], str], colour: str
) -> None:
    branding.change(shop.id, {"page_colour": colour})
    branding.set_logo(shop.id, png(240, 80))
    phone.goto(parcel_at("DELIVERED"))
    logo = phone.get_by_role("img", name="Lotus Home Goods")
    assert logo.evaluate("image => image.naturalWidth") == 240
    for scheme in ("light", "dark"):
        phone.emulate_media(color_scheme=scheme)
        shot(phone, f"delivered-{scheme}-{colour[1:]}")
        axe(phone)


@pytest.mark.parametrize("milestone", ["FAILED_ATTEMPT", "EXCEPTION"])
def test_bad_news_is_readable_too(
    phone: Page, axe: Axe, parcel_at: Callable[[str], str], milestone: str
) -> None:
    phone.goto(parcel_at(milestone))
    for scheme in ("light", "dark"):
        phone.emulate_media(color_scheme=scheme)
        shot(phone, f"{milestone.lower()}-{scheme}")
        axe(phone)


def test_a_long_name_and_a_long_number_fit_onto_the_smallest_phone(
    open_context: Callable[..., BrowserContext], shop: Merchant, link: str
) -> None:
    branding.change(shop.id, {"page_name": "Donaudampfschifffahrtsgesellschaftskapitaensmuetzen" + "x" * 29})
    page = open_context(**{**PHONE, "viewport": {"width": 320, "height": 568}}).new_page()
    for language in HEADLINES:
        page.goto(f"{link}?lang={language}")
        assert fits(page)


def test_it_prints_in_black_on_white(page: Page, link: str) -> None:
    page.goto(link)
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.get_by_role("navigation")).to_be_hidden()
    colours = "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    assert page.evaluate(colours) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    shot(page, "print")


def test_a_link_that_leads_nowhere_says_so(phone: Page, axe: Axe, live_server: object) -> None:
    answer = phone.goto("/track/no-token")
    assert answer
    assert answer.status == 404
    expect(phone.get_by_role("heading", level=1)).to_have_text("Nothing to see here")
    assert fits(phone)
    axe(phone)


def test_staff_change_how_it_looks(staff_page: Page, axe: Axe, shop: Merchant) -> None:
    staff_page.goto(f"/admin/accounts/merchant/{shop.id}/change/")
    staff_page.get_by_label("Colour on them").fill("#aa3300")
    staff_page.locator("input[type=file][name=logo]").set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": png(240, 80)}
    )
    staff_page.get_by_role("button", name="Save and continue editing").click()
    expect(staff_page.get_by_text("image/png, 240 by 80")).to_be_visible()
    axe(staff_page)
    shop.refresh_from_db()
    assert shop.page_colour == "#aa3300"
