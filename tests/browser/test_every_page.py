"""Every page for operations staff opens, and neither the browser nor axe-core complains of it."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from playwright.sync_api import Page, expect

from config.sidebar import INNER, SIDEBAR
from tests.browser.complaints import Complaints
from tests.browser.conftest import Axe
from tests.browser.room import Room

SINGLE = (
    "/admin/",
    "/admin/password_change/",
    "/admin/password_change/done/",
    "/admin/accounts/merchant/add/",
    "/admin/accounts/apikey/add/",
    "/admin/carriers/carrieraccount/add/",
    "/admin/auth/user/add/",
)
#: What of the page reaches over the edge of the screen, if it can be scrolled to.
WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.body.querySelectorAll("*")]
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
        .map((one) => one.outerHTML.slice(0, 200))"""


def pages_of(model: type[Model]) -> list[str]:
    """The model's list, and the page of its newest row."""
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    row = model._default_manager.order_by("pk").last()
    return [base, f"{base}{row.pk}/change/"] if row else [base]


def named() -> set[str]:
    """The models that staff work with; the others' pages are made alike."""
    return {page.target for pages in SIDEBAR.values() for page in pages}


def test_every_page_for_staff_opens_without_a_complaint(
    staff_page: Page, room: Room, axe: Axe, complaints: Complaints
) -> None:
    wrong = []
    addresses = dict.fromkeys(SINGLE, True)
    for model in admin.site._registry:
        addresses |= {address: model._meta.label_lower in named() for address in pages_of(model)}
    for address, is_for_axe in addresses.items():
        answer = staff_page.goto(address)
        if answer is None or answer.status != 200:
            wrong.append(f"{address} answered {answer and answer.status}")
        try:
            if is_for_axe:
                axe(staff_page)
        except AssertionError as findings:
            wrong.append(str(findings))
    assert not wrong, "\n".join(wrong)


def test_every_table_with_pages_is_in_the_menu(staff_page: Page) -> None:
    staff_page.goto("/admin/")
    inner = staff_page.get_by_role("button", name=INNER)
    expect(inner).to_have_attribute("aria-expanded", "false")
    inner.press("Enter")
    expect(inner).to_have_attribute("aria-expanded", "true")
    expect(staff_page.get_by_role("link", name="Lanes")).to_be_visible()
    menu = staff_page.get_by_role("navigation", name="Menu")
    links = {link.get_attribute("href") for link in menu.get_by_role("link").all()}
    lists = {pages_of(model)[0] for model in admin.site._registry}
    assert lists <= links


@pytest.mark.parametrize("address", ["/admin/", "/admin/trackers/tracker/", "/admin/accounts/apikey/add/"])
def test_in_the_dark_too(staff_page: Page, room: Room, axe: Axe, address: str) -> None:
    staff_page.emulate_media(color_scheme="dark")
    staff_page.goto(address)
    expect(staff_page.locator("html.dark")).to_be_attached()
    axe(staff_page)


@pytest.mark.parametrize(
    "address",
    ["/admin/", "/admin/trackers/tracker/", "/admin/webhooks/endpoint/", "/admin/accounts/apikey/add/"],
)
def test_on_a_phone_nothing_is_wider_than_the_screen(
    staff_phone: Page, room: Room, axe: Axe, address: str
) -> None:
    staff_phone.goto(address)
    wide = staff_phone.evaluate(WIDE)
    assert not wide, wide
    axe(staff_phone)


def test_who_signs_in_is_told_what_was_wrong_and_then_let_in(page: Page, superuser: User, axe: Axe) -> None:
    page.goto("/admin/")
    axe(page)
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").first.fill("a guess")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Please enter the correct username and password")).to_be_visible()
    axe(page)
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").first.fill("correct horse battery staple")
    page.keyboard.press("Enter")
    expect(page).to_have_url("/admin/")


def test_who_may_not_is_told_so_in_words(
    page: Page, signing_in: Callable[[Page, User], Page], transactional_db: None, axe: Axe
) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    signing_in(page, clerk).goto("/admin/")
    axe(page)
    answer = page.goto("/admin/accounts/merchant/")
    assert answer
    assert answer.status == 403
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    axe(page)


def test_who_signs_out_sees_that_they_did(staff_page: Page, axe: Axe) -> None:
    staff_page.goto("/admin/")
    staff_page.get_by_text("root@example.org").click()
    staff_page.get_by_role("button", name="Log out").click()
    expect(staff_page.get_by_text("successfully logged out")).to_be_visible()
    axe(staff_page)


def test_what_is_deleted_is_asked_for_first(staff_page: Page, superuser: User, axe: Axe) -> None:
    clerk = User.objects.create_user("clerk")
    staff_page.goto(f"/admin/auth/user/{clerk.pk}/delete/")
    axe(staff_page)
    staff_page.goto(f"/admin/auth/user/{clerk.pk}/history/")
    axe(staff_page)
    staff_page.goto(f"/admin/auth/user/{clerk.pk}/password/")
    axe(staff_page)
