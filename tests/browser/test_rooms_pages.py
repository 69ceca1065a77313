"""The pages on which staff look into one parcel, one endpoint and one carrier account, and the search box."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from playwright.sync_api import Page, expect

from carriers.tallying import count
from tests.browser.conftest import Axe
from tests.browser.room import OWN_NUMBER, Room
from tests.browser.test_every_page import WIDE
from tests.carrier_server import order
from tests.polled import poll_due
from trackers.models import OutcomeChange, Watch
from webhooks import pump


@pytest.fixture
def lived_in(room: Room) -> Room:
    """The room after its own parcel could not be read once, and then went on."""
    for answer in (
        (200, b"<html>busy</html>"),
        order(OWN_NUMBER, "050000", "100000", "200000", "777", "700000"),
    ):
        room.carrier.replies[OWN_NUMBER] = answer
        Watch.objects.filter(tracker=room.tracker).update(next_poll_at=Now() - timedelta(seconds=1))
        poll_due()
    pump.run(1)
    count()
    return room


def pages(room: Room) -> Iterator[str]:
    yield f"/admin/trackers/tracker/{room.tracker.id}/change/"
    yield f"/admin/webhooks/endpoint/{room.broken_endpoint.id}/change/"
    yield f"/admin/carriers/carrieraccount/{room.account.id}/change/"


def test_they_open_without_a_complaint_in_the_light_and_in_the_dark(
    staff_page: Page, lived_in: Room, axe: Axe
) -> None:
    assert OutcomeChange.objects.filter(outcome="bad_response").exists()
    for address in pages(lived_in):
        for scheme in ("light", "dark"):
            staff_page.emulate_media(color_scheme=scheme)
            staff_page.goto(address)
            axe(staff_page)


def test_on_a_phone_they_are_no_wider_than_the_screen(staff_phone: Page, lived_in: Room, axe: Axe) -> None:
    for address in pages(lived_in):
        staff_phone.goto(address)
        wide = staff_phone.evaluate(WIDE)
        assert not wide, wide
        axe(staff_phone)


def test_what_the_carrier_said_unfolds_beside_the_scan_by_keyboard(staff_page: Page, lived_in: Room) -> None:
    staff_page.goto(f"/admin/trackers/tracker/{lived_in.tracker.id}/change/")
    said = staff_page.locator(".pw-entry details").first
    expect(said.locator("pre")).not_to_be_visible()
    said.locator("summary").focus()
    staff_page.keyboard.press("Enter")
    expect(said.locator("pre")).to_contain_text("event_code")
    said.get_by_role("link", name="The whole answer").click()
    expect(staff_page.get_by_text("hs_order_ref")).to_be_visible()


def test_deliveries_are_narrowed_to_a_state(staff_page: Page, lived_in: Room) -> None:
    staff_page.goto(f"/admin/webhooks/endpoint/{lived_in.broken_endpoint.id}/change/")
    filters = staff_page.get_by_role("navigation", name="Deliveries: filter")
    filters.get_by_role("link", name="delivered").click()
    expect(filters.get_by_role("link", name="delivered")).to_have_attribute("aria-current", "true")
    expect(staff_page.get_by_text("No delivery is delivered.")).to_be_visible()


@pytest.mark.parametrize("term", [OWN_NUMBER, "order-10427", "lotus"])
def test_the_search_box_leads_to_the_parcel_by_keyboard(
    staff_page: Page, room: Room, axe: Axe, term: str
) -> None:
    staff_page.goto("/admin/")
    staff_page.keyboard.press("Control+k")
    staff_page.get_by_placeholder("Type to search").fill(term)
    staff_page.keyboard.press("Shift")
    found = staff_page.locator("#command-results-list a").filter(has_text=OWN_NUMBER)
    expect(found).to_be_visible()
    axe(staff_page)
    found.click()
    expect(staff_page).to_have_url(re.compile(f"/admin/trackers/tracker/{room.tracker.id}/change/"))
