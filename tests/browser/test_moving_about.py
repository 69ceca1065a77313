"""Staff get about with a mouse, with a keyboard alone, and on a phone."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.conftest import Axe
from tests.browser.room import Room


def test_the_first_tab_stop_leads_past_the_menu(staff_page: Page) -> None:
    staff_page.goto("/admin/")
    staff_page.keyboard.press("Tab")
    expect(staff_page.get_by_role("link", name="Skip to main content")).to_be_focused()
    staff_page.keyboard.press("Enter")
    expect(staff_page.get_by_role("main")).to_be_focused()


def test_the_menu_can_be_put_away_by_keyboard_and_stays_away(staff_page: Page) -> None:
    staff_page.goto("/admin/")
    menu = staff_page.get_by_role("navigation", name="Menu")
    expect(menu).to_be_visible()
    toggle = staff_page.get_by_role("button", name="Show or hide the menu")
    expect(toggle).to_have_attribute("aria-expanded", "true")
    toggle.focus()
    staff_page.keyboard.press("Enter")
    expect(menu).to_be_hidden()
    staff_page.reload()
    expect(menu).to_be_hidden()
    toggle.click()
    expect(menu).to_be_visible()


def test_on_a_phone_the_menu_opens_closes_and_leads_on(staff_phone: Page, axe: Axe) -> None:
    staff_phone.goto("/admin/")
    menu = staff_phone.get_by_role("navigation", name="Menu")
    expect(menu).to_be_hidden()
    staff_phone.get_by_role("button", name="Show or hide the menu").tap()
    expect(menu).to_be_visible()
    axe(staff_phone)
    staff_phone.get_by_role("button", name="Close the menu").tap()
    expect(menu).to_be_hidden()
    staff_phone.get_by_role("button", name="Show or hide the menu").tap()
    menu.get_by_role("link", name="Endpoints").tap()
    expect(staff_phone).to_have_url("/admin/webhooks/endpoint/")


def test_the_menu_says_where_one_is(staff_page: Page) -> None:
    staff_page.goto("/admin/webhooks/endpoint/")
    expect(staff_page.locator("a[aria-current=page]")).to_contain_text("Endpoints")


def test_the_theme_is_chosen_by_keyboard_and_kept(staff_page: Page, axe: Axe) -> None:
    staff_page.goto("/admin/")
    staff_page.get_by_role("button", name="root").focus()
    staff_page.keyboard.press("Enter")
    staff_page.get_by_role("button", name="Dark").focus()
    staff_page.keyboard.press("Space")
    expect(staff_page.locator("html.dark")).to_be_attached()
    axe(staff_page)
    staff_page.reload()
    expect(staff_page.locator("html.dark")).to_be_attached()


def test_the_search_box_finds_a_page_by_keyboard(staff_page: Page, axe: Axe) -> None:
    staff_page.goto("/admin/")
    staff_page.keyboard.press("Control+k")
    box = staff_page.locator("#search-input-command")
    expect(box).to_be_focused()
    staff_page.keyboard.type("endpoint")
    expect(staff_page.locator("#command-results-list li").first).to_be_visible()
    axe(staff_page)
    staff_page.keyboard.press("ArrowDown")
    staff_page.keyboard.press("Enter")
    expect(staff_page).to_have_url("/admin/webhooks/endpoint/")


def test_the_search_box_opens_with_a_click_and_closes_with_escape(staff_page: Page) -> None:
    staff_page.goto("/admin/")
    staff_page.get_by_role("button", name="Search").first.click()
    expect(staff_page.locator("#search-input-command")).to_be_focused()
    staff_page.keyboard.press("Escape")
    expect(staff_page.locator("#search-input-command")).to_be_hidden()


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_filters_open_and_close_by_keyboard(staff_page: Page, room: Room, key: str) -> None:
    staff_page.goto("/admin/trackers/tracker/")
    staff_page.get_by_role("button", name="Filters").focus()
    staff_page.keyboard.press(key)
    choice = staff_page.locator("#changelist-filter").get_by_role("link", name="delivered", exact=True)
    expect(choice).to_be_visible()
    staff_page.keyboard.press("Escape")
    expect(choice).to_be_hidden()


def test_an_action_for_many_rows_appears_with_the_first_choice(
    staff_page: Page, room: Room, axe: Axe
) -> None:
    staff_page.goto("/admin/carriers/carrieraccount/")
    staff_page.locator("input.action-select").first.check()
    choose = staff_page.get_by_label("Select action to run")
    choose.select_option(index=1)
    expect(staff_page.get_by_role("button", name="Run")).to_be_visible()
    axe(staff_page)


def test_a_merchant_is_chosen_by_typing_its_name(staff_page: Page, room: Room) -> None:
    staff_page.goto("/admin/accounts/apikey/add/")
    staff_page.locator(".select2-selection").first.click()
    staff_page.keyboard.type("Lotus")
    staff_page.locator(".select2-results__option", has_text="Lotus Home Goods").click()
    expect(staff_page.locator(".select2-selection__rendered")).to_contain_text("Lotus Home Goods")


def test_staff_change_their_own_password(staff_page: Page, superuser: User) -> None:
    staff_page.goto("/admin/password_change/")
    staff_page.locator("#id_old_password").fill("correct horse battery staple")
    for field in ("#id_new_password1", "#id_new_password2"):
        staff_page.locator(field).fill("staple battery horse correct")
    staff_page.get_by_role("button", name="Change password").click()
    expect(staff_page.get_by_text("Your password was changed.")).to_be_visible()
