"""Track: create and know at once. What it waits for is tested with real workers in tests/journeys."""

import json
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from trackers import tracking, waiting
from trackers.models import Tracker, Watch

pytestmark = pytest.mark.django_db
NUMBER = "HSAAAA00"


def track(client: APIClient, number: str = NUMBER, **body: Any) -> Response:
    answer: Response = client.post("/v1/trackers/track", {"trackingNumber": number, **body}, format="json")
    return answer


def tracker_id(answer: Response) -> str:
    assert answer.status_code == 200, answer.content
    return str(answer.json()["data"]["trackings"][0]["tracker"]["trackerId"])


def error(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


@pytest.fixture
def never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that has something to wait for fails the test."""

    def until(condition: Callable[[], bool], ends: float) -> bool:
        assert condition()
        return True

    monkeypatch.setattr(waiting, "until", until)


@pytest.mark.usefixtures("never_waits")
def test_without_a_courier_or_an_account_there_is_nothing_to_wait_for(as_alice: APIClient) -> None:
    answer = track(as_alice)
    (told,) = answer.json()["data"]["trackings"]
    assert answer.status_code == 200
    assert set(told) == {"tracker", "shipment", "events", "statistics"}
    assert (told["shipment"]["statusMilestone"], told["events"]) == ("pending", [])
    assert track(as_alice, courierCode="all24").status_code == 200


@pytest.mark.usefixtures("never_waits")
@pytest.mark.parametrize("fields", [{"state": "suspended"}, {"resting_until": "2099-01-01T00:00:00Z"}])
def test_an_account_that_will_not_ask_soon_is_not_waited_for(
    alice: Merchant, as_alice: APIClient, fields: dict[str, str]
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24", **fields)
    assert track(as_alice, courierCode="all24").status_code == 200


@pytest.mark.usefixtures("account")
def test_a_watch_is_waited_for_until_it_was_asked_or_has_scans(
    alice: Merchant, follow: Callable[..., Tracker], poll_all: Callable[[], int], carrier: CarrierServer
) -> None:
    carrier.replies[NUMBER] = order(NUMBER, "050000")
    tracker = follow(alice, NUMBER)
    assert tracking._awaited(tracker.id)
    poll_all()
    assert not tracking._awaited(tracker.id)
    Watch.objects.update(last_polled_at=None)  # as if the scans had come by a push
    assert not tracking._awaited(tracker.id)
    Watch.objects.update(courier="247express")
    assert tracking._awaited(tracker.id)


@pytest.mark.usefixtures("account")
def test_a_tracker_that_is_deleted_meanwhile_is_waited_for_no_longer(
    alice: Merchant, follow: Callable[..., Tracker]
) -> None:
    tracker = follow(alice, NUMBER)
    tracker.delete()
    assert not tracking._awaited(tracker.id)


@pytest.mark.usefixtures("account")
def test_one_look_is_one_statement(
    alice: Merchant, follow: Callable[..., Tracker], count_statements: Callable[[Callable[[], object]], int]
) -> None:
    tracker = follow(alice, NUMBER)
    assert count_statements(lambda: tracking._awaited(tracker.id)) == 1


def test_looks_come_ever_slower_and_end_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    class Clocked:
        def wait(self, seconds: float) -> None:
            pauses.append(seconds)
            assert len(pauses) < 1000

    now = monotonic()
    monkeypatch.setattr(waiting, "monotonic", lambda: now + sum(pauses))
    monkeypatch.setattr(waiting, "Event", Clocked)
    assert not waiting.until(lambda: False, now + 10)
    assert pauses[0] == pytest.approx(0.02)
    assert pauses[:-1] == sorted(pauses[:-1])
    assert max(pauses) == pytest.approx(0.25)
    assert sum(pauses) == pytest.approx(10)
    assert 40 < len(pauses) < 50


@pytest.mark.usefixtures("account")
def test_a_carrier_that_is_not_asked_in_time_is_not_waited_for_longer(
    as_alice: APIClient, settings: Settings
) -> None:
    settings.TRACK_WAIT = 0.1  # nobody polls here
    (told,) = track(as_alice, courierCode="all24").json()["data"]["trackings"]
    assert told["events"] == []
    assert Watch.objects.get().next_poll_at is not None


@pytest.mark.usefixtures("account", "never_waits")
def test_beyond_a_quarter_of_the_threads_it_answers_at_once(as_alice: APIClient, settings: Settings) -> None:
    settings.WEB_THREADS = 8
    with waiting.room.place(), waiting.room.place():
        assert track(as_alice, courierCode="all24").status_code == 200


@pytest.mark.usefixtures("account")
def test_a_later_equal_call_answers_from_what_is_known_at_once(
    as_alice: APIClient,
    alice: Merchant,
    carrier: CarrierServer,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carrier.replies[NUMBER] = order(NUMBER, "050000", "500000")
    tracker = follow(alice, NUMBER)
    monkeypatch.setattr(waiting, "until", lambda *_: pytest.fail("it waits"))
    assert tracker_id(track(as_alice, courierCode="all24")) == str(tracker.id)
    poll_all()
    answer = track(as_alice, courierCode="all24")
    results = as_alice.get(f"/v1/trackers/{tracker.id}/results")
    assert answer.json() == results.json()
    assert len(carrier.asked) == 1


def test_any_change_of_the_payload_makes_a_new_tracker(as_alice: APIClient) -> None:
    bodies: list[dict[str, Any]] = [
        {},
        {"shipmentReference": "r"},
        {"shipmentReference": "s"},
        {"destinationCountryCode": "TH"},
        {"courierCode": ["all24"]},
        {"courierCode": ["247express"]},
        {"settings": {"restrictTrackingToCourierCode": True}},
    ]
    assert len({tracker_id(track(as_alice, **body)) for body in bodies * 2}) == len(bodies)


def test_a_client_tracker_id_of_another_payload_is_a_conflict(as_alice: APIClient) -> None:
    first = tracker_id(track(as_alice, clientTrackerId="order-1"))
    assert error(track(as_alice, clientTrackerId="order-1", shipmentReference="r")) == (
        400,
        "tracker_conflict",
    )
    assert tracker_id(track(as_alice, clientTrackerId="order-1", title="No matter")) == first


@pytest.mark.parametrize(
    ("first", "then", "conflict"),
    [
        (["all24"], ["all24", "247express"], True),
        (["all24", "247express"], "all24", True),
        (["all24", "247express"], ["247express", "ship24"], True),
        (["all24", "247express"], ["247express", "all24"], False),
        (["all24"], ["247express"], False),
        (["all24"], None, False),
        (None, ["all24"], False),
    ],
)
def test_couriers_that_overlap_with_those_of_an_otherwise_equal_tracker_are_a_conflict(
    as_alice: APIClient, first: Any, then: Any, conflict: bool
) -> None:
    track(as_alice, courierCode=first)
    answer = track(as_alice, courierCode=then)
    assert (answer.status_code == 400) is conflict
    if conflict:
        assert error(answer) == (400, "tracker_conflict")
        assert Tracker.objects.count() == 1


def test_couriers_overlap_with_those_of_an_equal_payload_only(as_alice: APIClient, as_bob: APIClient) -> None:
    first = tracker_id(track(as_alice, courierCode=["all24"]))
    both = {"courierCode": ["all24", "247express"]}
    tracker_id(track(as_alice, shipmentReference="r", **both))
    tracker_id(track(as_bob, **both))
    created = as_alice.post("/v1/trackers", {"trackingNumber": NUMBER, **both}, format="json")
    assert created.status_code == 201  # a rule of track alone
    assert tracker_id(track(as_alice, **both)) == created.json()["data"]["tracker"]["trackerId"] != first


def test_a_stopped_tracker_is_no_conflict(as_alice: APIClient) -> None:
    first = tracker_id(track(as_alice, courierCode=["all24"]))
    Tracker.objects.update(is_subscribed=False)
    assert tracker_id(track(as_alice, courierCode=["all24", "247express"])) != first


def test_an_impossible_courier_is_refused_before_anything_is_made(as_alice: APIClient) -> None:
    assert error(track(as_alice, courierCode="sandbox")) == (400, "validation_error")
    assert error(track(as_alice, "abc")) == (400, "validation_error")
    assert Tracker.objects.count() == 0


@pytest.mark.parametrize("body", [[], [{"trackingNumber": NUMBER}], "x", 1, None])
def test_a_body_that_is_no_object_is_refused(as_alice: APIClient, body: object) -> None:
    answer = as_alice.post("/v1/trackers/track", json.dumps(body), content_type="application/json")
    assert error(answer)[0] == 400


def test_anothers_personal_data_is_not_shown(
    as_alice: APIClient, as_bob: APIClient, account: CarrierAccount
) -> None:
    mine = track(as_alice, recipient={"name": "Alice"}, courierCode="247express")
    assert mine.json()["data"]["trackings"][0]["shipment"]["recipient"]["name"] == "Alice"
    theirs = track(as_bob, courierCode="247express")
    assert theirs.json()["data"]["trackings"][0]["shipment"]["recipient"] is None


@pytest.mark.django_db(transaction=True)
def test_an_idempotency_key_gives_the_first_answer_again(
    as_alice: APIClient, account: CarrierAccount, carrier: CarrierServer, settings: Settings
) -> None:
    settings.TRACK_WAIT = 0.1
    body = {"trackingNumber": NUMBER, "courierCode": "all24"}
    first, again = (
        as_alice.post("/v1/trackers/track", body, format="json", HTTP_IDEMPOTENCY_KEY="k") for _ in "12"
    )
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Tracker.objects.count() == 1
