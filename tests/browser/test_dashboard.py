"""The dashboard and the list of alerts, as staff see them at a desk and on a phone."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db.models import F
from django.utils import timezone
from playwright.sync_api import Page, expect

from carriers import tallying as polls
from carriers.models import CarrierAccount, Health, UnmappedCode
from carriers.tallies import PollTally
from tests.browser.conftest import Axe
from tests.factories import CarrierAccountFactory, MerchantFactory
from tests.webhooks.cast import EndpointFactory
from trackers import tallying as parcels
from trackers.tallies import MilestoneTally, ScanTally
from webhooks import summing
from webhooks.models import HourTally

PARCELS = {
    "pending": 1_204, "info_received": 8_930, "in_transit": 41_877, "out_for_delivery": 3_310,
    "failed_attempt": 412, "available_for_pickup": 2_045, "delivered": 23_618, "exception": 689,
}  # fmt: skip


@pytest.fixture
def busy_day(transactional_db: None) -> list[CarrierAccount]:
    """A day's figures, as workers count them, and something of each kind that needs a person."""
    merchant = MerchantFactory(name="Lotus Home Goods")
    accounts = [
        CarrierAccountFactory(merchant=merchant, courier="all24", daily_quota=50_000),
        CarrierAccountFactory(merchant=merchant, courier="express247"),
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
    parcels.count()
    summing.count()
    polls.count()
    now = timezone.now()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    for milestone, number in PARCELS.items():
        MilestoneTally.objects.filter(milestone=milestone).update(parcels=number)
    MilestoneTally.objects.bulk_create(
        MilestoneTally(
            since=this_hour - timedelta(hours=23), milestone=milestone, parcels=number - 40, counted_at=now
        )
        for milestone, number in PARCELS.items()
    )
    ScanTally.objects.all().delete()
    HourTally.objects.all().delete()
    for back in range(24):
        since = this_hour - timedelta(hours=back)
        share = 1 + (12 - abs(12 - back)) / 6
        ScanTally.objects.create(since=since, scans=int(900 * share), through=1, counted_at=now)
        HourTally.objects.bulk_create(
            HourTally(
                since=since,
                error=error,
                tries=int(tries * share),
                duration_ms=1,
                slowest_ms=1,
                counted_at=now,
            )
            for error, tries in (("", 700), ("timeout", 12))
        )
        for account, outcomes in _outcomes(accounts, back):
            for outcome, count in outcomes.items():
                number = int(count * share)
                _add(account, since, outcome, number)
                _add(None, since, outcome, number)
    return accounts


def _outcomes(accounts: list[CarrierAccount], back: int) -> list[tuple[UUID, dict[str, int]]]:
    return [
        (accounts[0].id, {"unchanged": 2_000, "ok": 300, "not_found": 40}),
        (accounts[1].id, {"unchanged": 500, "unreachable": 400 if back < 3 else 2}),
        (accounts[2].id, {"unchanged": 800, "throttled": 60 if back % 7 == 0 else 0}),
    ]


def _add(account: UUID | None, since: object, outcome: str, number: int) -> None:
    added = {"polls": F("polls") + number, "duration_ms": F("duration_ms") + number * 240}
    known = PollTally.objects.filter(account_id=account, since=since, outcome=outcome)
    if not known.update(**added):
        PollTally.objects.create(
            account_id=account, since=since, outcome=outcome, polls=number, duration_ms=number * 240,
            slowest_ms=1_830, counted_at=timezone.now(),
        )  # fmt: skip


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
    staff_page.get_by_role("link", name="express247 of Lotus Home Goods").first.click()
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
