"""A real browser on the real pages. What a test opens must not complain: no test needs to ask for that.

    def test_a_list_opens(staff_page: Page, axe: Axe) -> None:
        staff_page.goto("/admin/trackers/tracker/")
        axe(staff_page)

`page` is a visitor with a screen of 1280 x 900, `phone` one of 360 x 740; `staff_page` and `staff_phone` are
signed in as a superuser; `signing_in(page, user)` lets in anybody else.
"""

import os
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests import chromium
from tests.browser.complaints import Complaints, accessibility
from tests.browser.room import Room, furnished

#: Milliseconds that an element may take to be there; two busy cores can take long.
PATIENCE = 60_000
DESK = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
#: Debian's Chromium would look for news of itself; nothing but this machine has a name here.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]

Axe = Callable[..., None]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for the files of this folder that a worker runs in a row.

    Playwright leaves its event loop standing in this thread, so Django takes every query for one of a
    coroutine: it is told otherwise for as long.
    """
    path = chromium.program()
    if path is None:
        pytest.fail(chromium.LEFT_OUT)
    with pytest.MonkeyPatch.context() as patched, sync_playwright() as playwright:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(
            executable_path=path,
            chromium_sandbox=os.geteuid() != 0,
            args=ARGUMENTS,
            timeout=3 * PATIENCE,
        )
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def complaints(live_server: LiveServer) -> Iterator[Complaints]:
    """Everything that is wrong with what the test opens; it fails the test when that has ended."""
    complaints = Complaints(urlsplit(live_server.url).netloc)
    yield complaints
    assert not complaints.heard, "\n".join(complaints.heard)


@pytest.fixture
def open_context(
    browser: Browser, complaints: Complaints, live_server: LiveServer
) -> Iterator[Callable[..., BrowserContext]]:
    """Make a visitor of their own: with cookies of nobody, and options of Playwright's `new_context`."""
    opened: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        known = {"base_url": live_server.url, "reduced_motion": "reduce", "locale": "en-GB", **DESK}
        context = browser.new_context(**{**known, **options})
        context.set_default_timeout(PATIENCE)
        complaints.listen(context)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def page(open_context: Callable[..., BrowserContext]) -> Page:
    return open_context().new_page()


@pytest.fixture
def phone(open_context: Callable[..., BrowserContext]) -> Page:
    return open_context(**PHONE).new_page()


@pytest.fixture
def signing_in(live_server: LiveServer) -> Callable[[Page, User], Page]:
    """Let the page's visitor in as the user, without the form."""

    def sign_in(page: Page, user: User) -> Page:
        client = Client()
        client.force_login(user)
        name = django_settings.SESSION_COOKIE_NAME
        page.context.add_cookies(
            [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]
        )
        return page

    return sign_in


@pytest.fixture
def superuser(transactional_db: None) -> User:
    return User.objects.create_superuser("root", "root@example.org", "correct horse battery staple")


@pytest.fixture
def staff_page(page: Page, superuser: User, signing_in: Callable[[Page, User], Page]) -> Page:
    return signing_in(page, superuser)


@pytest.fixture
def staff_phone(phone: Page, superuser: User, signing_in: Callable[[Page, User], Page]) -> Page:
    return signing_in(phone, superuser)


@pytest.fixture(scope="session")
def axe() -> Axe:
    """Fail, with what is wrong and where, if axe-core finds anything on the page as it stands.

    Rules of axe-core may be switched off by name where a test says why: `axe(page, without=("region",))`.
    """

    def check(page: Page, without: tuple[str, ...] = ()) -> None:
        found = accessibility(page, AXE_SCRIPT, {rule: {"enabled": False} for rule in without})
        assert not found, f"{page.url}\n{found}"

    return check


@pytest.fixture
def room(transactional_db: None) -> Iterator[Room]:
    """Two merchants whose parcels travel, and a row of every model."""
    with furnished() as room:
        yield room
