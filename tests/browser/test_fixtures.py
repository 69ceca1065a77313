"""The browser of these tests hears what is wrong with a page."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect

from tests.browser.complaints import Complaints
from tests.browser.conftest import Axe


def test_whoever_is_not_signed_in_is_asked_to(page: Page) -> None:
    page.goto("/admin/")
    assert "/admin/login/" in page.url


def test_staff_are_in_without_the_form(staff_page: Page) -> None:
    answer = staff_page.goto("/admin/")
    assert answer
    assert answer.status == 200
    assert staff_page.url.endswith("/admin/")


@pytest.mark.parametrize(
    ("script", "heard"),
    [
        ("console.error('a lost thought')", "a lost thought"),
        (
            "new Promise(done => { setTimeout(done, 9); setTimeout(() => { throw Error('a slip') }) })",
            "a slip",
        ),
        ("fetch('/static/nowhere.js')", "404 from"),
        ("fetch('http://elsewhere.example/').catch(() => null)", "asked another host"),
    ],
)
def test_what_goes_wrong_on_a_page_is_heard(
    page: Page, complaints: Complaints, script: str, heard: str
) -> None:
    page.goto("/healthz")
    page.evaluate(f"async () => {{ await {script} }}")
    page.reload()
    assert [line for line in complaints.heard if heard in line]
    complaints.heard.clear()


STRICT = "default-src 'none'; script-src 'self'; style-src 'self'"


def strict(route: Route) -> None:
    """A page of three faults under a content policy that lets nothing foreign run."""
    route.fulfill(
        headers={"Content-Security-Policy": STRICT, "Content-Type": "text/html"},
        body="<html lang=en><title>A</title><main><h1 style='top:0'>B</h1><img id=who src='data:,'></main>",
    )


def test_a_breach_of_the_content_policy_is_heard(page: Page, complaints: Complaints) -> None:
    page.route("**/strict", strict)
    page.goto("/strict")
    assert [line for line in complaints.heard if "content policy: style-src-attr" in line]
    complaints.heard.clear()


def test_axe_works_under_a_strict_policy_and_names_what_is_wrong(
    page: Page, complaints: Complaints, axe: Axe
) -> None:
    page.route("**/strict", strict)
    page.goto("/strict")
    complaints.heard.clear()
    with pytest.raises(AssertionError, match=r"image-alt(.|\n)*#who"):
        axe(page)
    assert not complaints.heard


def test_a_query_may_run_while_the_browser_is_open(
    page: Page, superuser: User, signing_in: Callable[[Page, User], Page]
) -> None:
    signing_in(page, superuser).goto("/admin/auth/user/")
    expect(page.get_by_role("link", name="root", exact=True).first).to_be_visible()
    assert User.objects.count() == 1
