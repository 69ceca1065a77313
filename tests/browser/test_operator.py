"""An operator's day in the browser, while a real worker does what the pages ask for."""

from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import Model
from playwright.sync_api import Locator, Page, expect

from config import roles
from events.models import Event
from tests.browser.conftest import Axe
from tests.browser.room import OWN_NUMBER, Room
from tests.carrier_server import order
from tests.journeys.conftest import start_worker
from tests.waiting import eventually
from webhooks.models import Delivery, Endpoint

__all__ = ["start_worker"]

pytestmark = pytest.mark.journey

PASSWORD = "correct horse battery staple"
#: What the room's parcel has been through, and what its carrier tells next.
SCANNED, NEWS = ("050000", "100000", "200000", "777", "300000"), "500000"


@pytest.fixture
def member_of(transactional_db: None) -> Callable[[str], User]:
    """Somebody of the staff who has a role and is named after it."""

    def make(role: str) -> User:
        roles.grant(apps)  # what migrations made is flushed by other tests
        user = User.objects.create_user(role, password=PASSWORD, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        return user

    return make


def address(row: Model, page: str = "change") -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{page}/"


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def search(page: Page, words: str, axe: Axe) -> None:
    """By keyboard, from wherever one is."""
    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type(words)
    found = page.locator("#command-results-list").get_by_role("link", name=words)
    expect(found).to_be_visible()
    axe(page)
    found.click()


def look_for(page: Page, menu: str, words: str) -> None:
    """By the menu, and the search above the list."""
    page.get_by_role("navigation", name="Menu").get_by_role("link", name=menu, exact=True).click()
    page.get_by_role("main").get_by_role("textbox").fill(words)
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=*")


def act(page: Page, name: str, axe: Axe) -> None:
    """Press one of the row's buttons, and where that asks first, say yes."""
    buttons = page.get_by_role("group", name="Actions")
    asking = buttons.get_by_role("link", name=f"{name}…", exact=True)
    doing = buttons.get_by_role("button", name=name, exact=True)
    expect(asking.or_(doing)).to_be_visible()
    if asking.count():
        asking.click()
        yes = page.get_by_role("main").get_by_role("button", name=name, exact=True)
        expect(yes).to_be_visible()
        axe(page)
        yes.click()
    else:
        doing.click()
    expect(page.get_by_role("status").get_by_text(f"{name}, ")).to_be_visible()


def poll(page: Page, room: Room, axe: Axe) -> None:
    """And see the scan that the carrier has had since."""
    timeline = page.locator("#timeline")
    expect(timeline.get_by_text(f"Event {SCANNED[-1]}", exact=True)).to_be_visible()
    axe(page)
    room.carrier.replies[OWN_NUMBER] = order(OWN_NUMBER, *SCANNED, NEWS)
    act(page, "Poll now", axe)
    eventually(lambda: Event.objects.filter(stream=room.tracker.id, data__carrierEventCode=NEWS).exists())
    page.reload()
    expect(timeline.get_by_text(f"Event {NEWS}", exact=True)).to_be_visible()


def resend(page: Page, room: Room, axe: Axe) -> None:
    """What was delivered of the parcel, and see that the subscriber heard it again."""
    entries = page.locator("#timeline").get_by_role("listitem")
    delivered = entries.filter(has=page.get_by_text("delivered", exact=True))
    link = delivered.get_by_role("link", name="tracker.created to")
    link.click()
    page.wait_for_url("**/webhooks/delivery/*/change/")
    axe(page)
    act(page, "Resend", axe)
    body = bytes(first_delivery(room).message.body)
    eventually(lambda: [heard.body for heard in room.subscriber.heard()].count(body) == 2)
    eventually(lambda: first_delivery(room).attempts.count() == 2)
    page.reload()
    expect(page.get_by_role("group", name="Attempts").get_by_role("cell", name="Manual")).to_be_visible()


def first_delivery(room: Room) -> Delivery:
    """Of the parcel, to the endpoint that works."""
    return Delivery.objects.get(
        message__stream=room.tracker.id, message__type="tracker.created", endpoint=room.endpoint
    )


def pause_and_enable(page: Page, room: Room, axe: Axe) -> None:
    """Once its test has arrived it is active."""
    look_for(page, "Endpoints", str(room.endpoint.id))
    page.get_by_role("main").get_by_role("link", name=room.endpoint.url).click()
    page.wait_for_url(f"**{address(room.endpoint)}*")
    axe(page)
    act(page, "Pause", axe)
    expect(state(page)).to_have_text("paused")
    act(page, "Enable", axe)
    eventually(lambda: Endpoint.objects.get(id=room.endpoint.id).state == Endpoint.State.ACTIVE)
    page.reload()
    expect(state(page)).to_have_text("active")


def state(page: Page) -> Locator:
    """Of the endpoint whose page it is."""
    return page.get_by_role("main").get_by_role("definition").first


def test_an_operator_polls_a_parcel_resends_a_delivery_and_mends_an_endpoint(
    page: Page,
    room: Room,
    member_of: Callable[[str], User],
    start_worker: Callable[..., object],
    axe: Axe,
) -> None:
    start_worker()
    operator = member_of("operator")
    page.goto("/admin/")
    axe(page)
    sign_in(page, "operator")
    expect(page.get_by_role("heading", name="Needs attention")).to_be_visible()
    axe(page)
    search(page, OWN_NUMBER, axe)
    poll(page, room, axe)
    resend(page, room, axe)
    pause_and_enable(page, room, axe)
    entries = LogEntry.objects.filter(user=operator).order_by("id")
    told = [(entry.object_id, entry.change_message.partition(":")[0]) for entry in entries]
    assert told == [
        (str(room.tracker.id), "Poll now"),
        (str(first_delivery(room).id), "Resend"),
        (str(room.endpoint.id), "Pause"),
        (str(room.endpoint.id), "Enable"),
    ]
    assert not any("refused" in entry.change_message for entry in entries)


def test_a_viewer_reads_the_same_pages_and_finds_nothing_to_press(
    page: Page,
    room: Room,
    member_of: Callable[[str], User],
    signing_in: Callable[[Page, User], Page],
    axe: Axe,
) -> None:
    signing_in(page, member_of("viewer"))
    for row, act_ in ((room.tracker, "poll"), (room.delivery, "resend"), (room.endpoint, "pause")):
        page.goto(address(row))
        expect(page.get_by_role("main").get_by_role("link", name="Close")).to_be_visible()
        expect(page.get_by_role("group", name="Actions")).to_have_count(0)
        axe(page)
        assert posted(page, address(row, f"act/{act_}")) == (403, "You may not do this")
    assert not LogEntry.objects.filter(user__username="viewer").exists()


def posted(page: Page, path: str) -> tuple[int, str]:
    """The status of a POST that is in order but for who makes it, and the heading of its page."""
    token = page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    answer = page.request.post(path, form={"csrfmiddlewaretoken": token, "confirmed": "yes"})
    return answer.status, "You may not do this" if "You may not do this" in answer.text() else ""
