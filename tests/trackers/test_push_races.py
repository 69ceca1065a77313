"""Pushes that come late, twice or in the middle of a poll: the newest word stands, and nothing is stuck."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount
from events.models import Event
from tests.ship24_server import Ship24Server, event, in_the_middle, push, tracking
from tests.together import at_once
from tests.trackers.test_push import NUMBER, account_of, call, keys
from trackers.models import Tracker, Watch
from trackers.rebuilding import check

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
Poll = Callable[[], int]


@pytest.fixture
def there(there: Ship24Server) -> Ship24Server:
    there.finds = [event("a")]
    return there


@pytest.fixture
def own(alice: Merchant, there: Ship24Server) -> CarrierAccount:
    return account_of(alice, there)


@pytest.fixture
def tracker(alice: Merchant, own: CarrierAccount, follow: Follow, poll_all: Poll) -> Tracker:
    """Polled once: one scan is known."""
    made = follow(alice, NUMBER, courierCode="ship24")
    poll_all()
    return made


def poll_again(poll_all: Poll) -> None:
    Watch.objects.update(next_poll_at=Now())
    poll_all()


def written(at: str, *events: Any, tracker: Tracker, **fields: Any) -> dict[str, Any]:
    """A push that Ship24 wrote at that moment."""
    metadata = {"generatedAt": at, "messageId": "x", "topic": "tracking/events"}
    return push(tracking(tracker.id, *events, metadata=metadata, **fields))


def estimated(day: str) -> dict[str, Any]:
    return {"delivery": {"estimatedDeliveryDate": day}}


def estimate_of(tracker: Tracker) -> str:
    tracker.refresh_from_db()
    return str(tracker.state["shipments"]["ship24"]["estimatedTo"])


def test_a_pushed_scan_that_the_next_poll_leaves_out_is_noted(
    tracker: Tracker, own: CarrierAccount, poll_all: Poll
) -> None:
    call(own, push(tracking(tracker.id, event("z"))))
    poll_again(poll_all)
    assert list(Watch.objects.get().absent) == ["ship24|z"]


@pytest.mark.parametrize("first", [True, False])
def test_a_scan_that_was_pushed_while_a_poll_was_under_way_is_noted_by_the_poll_after_it(
    alice: Merchant, own: CarrierAccount, there: Ship24Server, follow: Follow, poll_all: Poll, first: bool
) -> None:
    made = follow(alice, NUMBER, courierCode="ship24")
    if not first:
        poll_all()
    in_the_middle(there, "GET", lambda: call(own, push(tracking(made.id, event("z")))))
    poll_again(poll_all)
    poll_again(poll_all)
    assert list(Watch.objects.get().absent) == ["ship24|z"]


def test_what_a_push_changed_back_is_put_right_by_the_next_poll(
    tracker: Tracker, own: CarrierAccount, poll_all: Poll
) -> None:
    call(own, push(tracking(tracker.id, event("a", status="Wrong"))))
    poll_again(poll_all)
    tracker.refresh_from_db()
    assert [scan["status"] for scan in tracker.state["scans"]] == ["Event a"]


@pytest.mark.parametrize("at", ["2026-03-02T09:00:01Z", None])
def test_a_poll_that_was_asked_before_a_push_takes_nothing_back(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server, poll_all: Poll, at: str | None
) -> None:
    there.trackers[str(tracker.id)].events.append(event("b", at="2026-03-02T09:00:00Z"))
    amended = written(at, event("a", "delivered"), tracker=tracker, shipment=estimated("2026-03-05"))
    Watch.objects.update(told_at=None)
    in_the_middle(there, "GET", lambda: call(own, amended))
    poll_again(poll_all)
    assert keys(tracker) == ["a", "b"]
    assert tracker.state["scans"][0]["statusMilestone"] == "delivered"
    assert estimate_of(tracker) == "2026-03-05"
    assert not list(check())


def test_an_older_push_that_comes_late_takes_nothing_back(
    alice: Merchant, own: CarrierAccount, follow: Follow
) -> None:
    tracker = follow(alice, NUMBER, courierCode="ship24")
    call(own, written("2026-03-02T10:00:00Z", event("b"), tracker=tracker, shipment=estimated("2026-03-05")))
    before = Event.objects.filter(type="tracking.shipment").count()
    call(
        own,
        written(
            "2026-03-01T10:00:00Z",
            event("c"),
            event("b", "delivered"),
            tracker=tracker,
            shipment=estimated("2026-03-09"),
        ),
    )
    assert keys(tracker) == ["b", "c"]
    assert tracker.state["scans"][0]["statusMilestone"] == "in_transit"
    assert estimate_of(tracker) == "2026-03-05"
    assert Event.objects.filter(type="tracking.shipment").count() == before


def test_a_push_that_ship24_wrote_before_the_last_poll_takes_nothing_back(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server, poll_all: Poll
) -> None:
    there.trackers[str(tracker.id)].shipment = estimated("2026-03-05")
    poll_again(poll_all)
    call(own, written("2026-03-02T10:00:00Z", event("b"), tracker=tracker, shipment=estimated("2026-03-09")))
    assert keys(tracker) == ["a", "b"]
    assert estimate_of(tracker) == "2026-03-05"


@pytest.mark.parametrize("at", [None, "", "soon", 7, "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z"])
def test_a_push_that_does_not_say_when_it_was_written_was_written_now(
    tracker: Tracker, own: CarrierAccount, poll_all: Poll, at: Any
) -> None:
    for day in ("2026-03-05", "2026-03-09"):
        call(own, written(at, event("b"), tracker=tracker, shipment=estimated(day)))
        assert estimate_of(tracker) == day
    poll_again(poll_all)
    assert list(Watch.objects.get().absent) == ["ship24|b"]


def test_a_push_of_more_events_than_any_parcel_has_is_left_out(tracker: Tracker, own: CarrierAccount) -> None:
    parts = [tracking(tracker.id, *({"status": f"{nth}.{n}"} for n in range(300))) for nth in range(4)]
    assert call(own, push(*parts)).status_code == 200
    assert keys(tracker) == ["a"]


def test_an_unchanged_answer_still_costs_one_update_after_a_push_was_heard_of(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server, poll_all: Poll
) -> None:
    there.trackers[str(tracker.id)].events.append(event("b"))
    call(own, push(tracking(tracker.id, event("b"))))
    outcomes = []
    for _ in range(2):
        poll_again(poll_all)
        outcomes.append(Watch.objects.get().last_outcome)
    assert outcomes == ["ok", "unchanged"]


def test_pushes_polls_and_another_shipping_date_at_once_end_in_one_state(
    alice: Merchant,
    as_alice: APIClient,
    own: CarrierAccount,
    there: Ship24Server,
    follow: Follow,
    poll_all: Poll,
) -> None:
    there.finds = [event("a"), event("b", "delivered", "2026-03-02T09:00:00Z")]
    made = follow(alice, NUMBER, courierCode="ship24", shippingDate=f"{timezone.now():%Y-%m-%d}")
    url = f"/v1/trackers/{made.id}"
    at_once(
        poll_all,
        poll_all,
        *(lambda one=one: call(own, push(tracking(made.id, one))).status_code for one in there.finds),
        lambda: as_alice.patch(url, {"shippingDate": None}, format="json").status_code,
    )
    poll_again(poll_all)
    assert keys(made) == ["a", "b"]
    assert [scan["quarantined"] for scan in made.state["scans"]] == [False, False]
    assert (made.milestone, list(check())) == ("delivered", [])
