"""Pictures of the pages, to look at: `make screens`, or `make screens SCREENS=/tmp/looked`.

Not a test, and collected only by name. It uses the fixtures of the browser tests, so a page that complains
fails here too.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page
from rest_framework.test import APIClient

from carriers.models import CarrierAccount
from tests.browser.conftest import DESK, PHONE
from tests.browser.day import write_a_day
from tests.browser.dressing import dress
from tests.browser.room import Room

FOLDER = Path(os.environ.get("SCREENS") or "var/screens")
#: Pixels for each of the page, as phones have them.
SHARP = {"device_scale_factor": 2}
#: Pixels of height that a picture may have.
LONGEST = 2_400


class Screen(NamedTuple):
    """A picture: its file's name, the address of its page in the room, and who looks at it how."""

    name: str
    address: Callable[[Room], str]
    options: dict[str, object] = {}
    is_for_staff: bool = True


def change(model: str, of: Callable[[Room], object]) -> Callable[[Room], str]:
    return lambda room: f"/admin/{model}/{of(room).pk}/change/"


def shoppers(language: str) -> Callable[[Room], str]:
    def address(room: Room) -> str:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {room.key}")
        tracker = client.get(f"/v1/trackers/{room.tracker.id}").json()["data"]["tracker"]
        return f"{urlsplit(tracker['trackingPageUrl']).path}?lang={language}"

    return address


DARK = {"color_scheme": "dark"}
SCREENS = (
    Screen("sign-in", lambda _: "/admin/login/", is_for_staff=False),
    Screen("dashboard", lambda _: "/admin/"),
    Screen("dashboard-dark", lambda _: "/admin/", DARK),
    Screen("dashboard-phone", lambda _: "/admin/", PHONE),
    Screen("needs-attention", lambda _: "/admin/alerts/"),
    Screen("trackers", lambda _: "/admin/trackers/tracker/"),
    Screen("trackers-phone", lambda _: "/admin/trackers/tracker/", PHONE),
    Screen("tracker", change("trackers/tracker", lambda room: room.tracker)),
    Screen("tracker-dark", change("trackers/tracker", lambda room: room.tracker), DARK),
    Screen("tracker-phone", change("trackers/tracker", lambda room: room.tracker), PHONE),
    Screen("endpoint", change("webhooks/endpoint", lambda room: room.broken_endpoint)),
    Screen("carrier-account", change("carriers/carrieraccount", lambda room: room.account)),
    Screen("api-key", lambda _: "/admin/accounts/apikey/add/"),
    Screen("user", lambda _: "/admin/auth/user/add/"),
    Screen("delivery", change("webhooks/delivery", lambda room: room.delivery)),
    Screen("shoppers-en", shoppers("en"), PHONE | SHARP, is_for_staff=False),
    Screen("shoppers-vi", shoppers("vi"), PHONE | SHARP, is_for_staff=False),
    Screen("shoppers-th", shoppers("th"), PHONE | SHARP, is_for_staff=False),
    Screen("shoppers-desk-dark", shoppers("en"), DARK, is_for_staff=False),
)


def test_pictures(
    room: Room,
    superuser: User,
    open_context: Callable[..., BrowserContext],
    signing_in: Callable[[Page, User], Page],
) -> None:
    """Every picture, of one room."""
    room = room._replace(tracker=dress(room))
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_a_day(list(CarrierAccount.objects.order_by("merchant").values_list("id", flat=True)))
    wanted = os.environ.get("ONLY", "").split()
    for screen in SCREENS:
        if wanted and not any(screen.name.startswith(one) for one in wanted):
            continue
        context = open_context(**DESK | screen.options)
        page = context.new_page()
        if screen.is_for_staff:
            signing_in(page, superuser)
        answer = page.goto(screen.address(room), wait_until="networkidle")
        if answer is None or answer.status != 200:
            pytest.fail(f"{screen.name}: {answer and answer.status}")
        # Bars that stick to the window's foot would lie across a longer picture.
        height = page.evaluate("Math.max(innerHeight, document.documentElement.scrollHeight)")
        page.set_viewport_size({"width": page.viewport_size["width"], "height": min(height, LONGEST)})
        page.screenshot(path=FOLDER / f"{screen.name}.png")
        context.close()
