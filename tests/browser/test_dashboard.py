"""The dashboard and the list of alerts, as staff see them at a desk and on a phone."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from carriers.models import CarrierAccount, Health, UnmappedCode
from tests.browser.conftest import Axe
from tests.browser.day import write_a_day
from tests.factories import CarrierAccountFactory, MerchantFactory
from tests.webhooks.cast import EndpointFactory


@pytest.fixture
def busy_day(transactional_db: None) -> list[CarrierAccount]:
    """A day's figures, as workers count them, and something of each kind that needs a person."""
    merchant = MerchantFactory(name="Lotus Home Goods")
    accounts = [
        CarrierAccountFactory(merchant=merchant, courier="all24", daily_quota=50_000),
        CarrierAccountFactory(merchant=merchant, courier="247express"),
        CarrierAccountFactory(merchant=None, courier="ship24"),
        CarrierAccountFactory(
            merchant=merchant, courier="all24", state="suspended", suspended_at=timezone.now(),
            suspended_reason="The carrier does not accept the key.",
        ),
    ]  # fmt: skip
    Health.objects.filter(account=accounts[1]).update(
        circuit="open", last_failure="Timed out.", open_until=timezone.now() + timedelta(minutes=4)
    )
    for nth in range(2):
        EndpointFactory(
            merchant=merchant, url=f"https://shop-{nth}.example/hook", state="disabled",
            disabled_reason="failing", disabled_at=timezone.now() - timedelta(hours=nth + 1),
        )  # fmt: skip
    UnmappedCode.objects.create(courier="all24", code="777", text="Event 777", count=12)
    write_a_day([account.id for account in accounts[:3]])
    return accounts


def test_a_new_installation_says_what_to_do_first(staff_page: Page, axe: Axe) -> None:
    staff_page.goto("/admin/")
    expect(staff_page.get_by_role("heading", name="First steps")).to_be_visible()
    expect(staff_page.get_by_role("link", name="A merchant")).to_be_visible()
    axe(staff_page)


def test_the_dashboard_tells_a_busy_day(staff_page: Page, busy_day: list[CarrierAccount], axe: Axe) -> None:
    staff_page.goto("/admin/")
    expect(staff_page.get_by_text("Carrier account suspended")).to_be_visible()
    expect(staff_page.get_by_text("82,085")).to_be_visible()
    expect(staff_page.get_by_role("img", name="New scans in the last 24 hours")).to_be_visible()
    staff_page.get_by_text("The figures, hour by hour").first.click()
    expect(staff_page.get_by_role("columnheader", name="Hour (UTC)").first).to_be_visible()
    axe(staff_page)
    staff_page.get_by_role("link", name="247express of Lotus Home Goods").first.click()
    staff_page.wait_for_url(f"**/admin/carriers/carrieraccount/{busy_day[1].id}/change/")


def test_the_dashboard_fits_a_phone_in_the_dark(
    staff_phone: Page, busy_day: list[CarrierAccount], axe: Axe
) -> None:
    staff_phone.emulate_media(color_scheme="dark")
    staff_phone.goto("/admin/")
    expect(staff_phone.get_by_text("Carrier account suspended")).to_be_visible()
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert staff_phone.evaluate(wider) == 0
    axe(staff_phone)


def test_the_list_of_alerts_opens_by_keyboard_and_leads_to_what_is_wrong(
    staff_page: Page, busy_day: list[CarrierAccount], axe: Axe
) -> None:
    staff_page.goto("/admin/alerts/")
    axe(staff_page)
    link = staff_page.get_by_role("link", name="all24: 777")
    link.focus()
    staff_page.keyboard.press("Enter")
    staff_page.wait_for_url("**/admin/carriers/unmappedcode/**")
