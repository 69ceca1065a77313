"""The documentation's site: it asks nothing of any other host, finds words, and can be read by everybody."""

from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from tests.browser.complaints import Complaints, accessibility
from tests.browser.conftest import DESK, PHONE
from tests.docs.site import built
from tests.serving import serving

Open = Callable[..., Page]
#: How the theme builds its search and the buttons that copy a block.
THEME = {"aria-dialog-name": {"enabled": False}, "landmark-unique": {"enabled": False}}
PAGES = ["concepts", "webhooks"]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """Where the site is served; the host without a scheme."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))) as server:
        yield f"127.0.0.1:{server.server_port}"


@pytest.fixture
def open_page(browser: Browser, served: str) -> Iterator[Open]:
    """Open a page of the site by its name, with options of Playwright's `new_context`."""
    complaints, opened = Complaints(served), []

    def open_(name: str, **options: Any) -> Page:
        context = browser.new_context(**(DESK | options))
        opened.append(context)
        complaints.listen(context)
        page = context.new_page()
        page.goto(f"http://{served}/{name}.html")
        return page

    yield open_
    for context in opened:
        context.close()
    assert not complaints.heard, "\n".join(complaints.heard)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_good_to_read(open_page: Open, name: str, scheme: str) -> None:
    page = open_page(name, color_scheme=scheme)
    expect(page.locator("article h1")).to_be_visible()
    found = accessibility(page, AXE_SCRIPT, THEME)
    assert not found, found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(open_page: Open, name: str) -> None:
    page = open_page(name, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_picture_is_shown(open_page: Open) -> None:
    picture = open_page("concepts").locator("article img").first
    assert picture.evaluate("picture => picture.complete && picture.naturalWidth") > 0


def test_opened_as_a_file_it_finds_a_word_and_asks_no_host(browser: Browser, site: Path) -> None:
    complaints = Complaints("")
    context = browser.new_context(**DESK)
    complaints.listen(context)
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    page.get_by_placeholder("Search").fill("previousSequence")
    found = page.locator(".md-search-result__link", has_text="Order and gaps")
    expect(found.first).to_be_attached()
    context.close()
    assert not complaints.heard, "\n".join(complaints.heard)
