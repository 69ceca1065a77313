"""The answers of Ship24's twelve operations have Ship24's published shapes, whatever state a parcel is in."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Merchant
from events.statuses import Milestone
from tests.carrier_server import CarrierServer
from tests.carriers.payloads import Payload, payloads
from tests.conformance.shapes import faults
from tests.polled import poll_due
from tests.subscribers import Subscriber, status
from tests.webhooks.cast import due_now
from trackers import waiting
from webhooks import pump
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db

Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def _rules(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.TRACK_WAIT = 60
    monkeypatch.setattr(waiting, "until", lambda condition, _ends: condition())  # nobody polls here


def follow(call: Call, number: str, **more: Any) -> dict[str, Any]:
    """Create, and poll what is due."""
    body = {"trackingNumber": number, **more}
    tracker: dict[str, Any] = call("POST", "trackers", body, shape="create", status=201)["data"]["tracker"]
    poll_due()
    return tracker


def reads(call: Call, tracker: dict[str, Any]) -> dict[str, Any]:
    """Every operation that reads; the tracking that results tell."""
    path = f"trackers/{tracker['trackerId']}"
    call("GET", path, shape="tracker")
    call("GET", "trackers?page=1&limit=10&sort=-1", shape="list")
    call("GET", f"trackers/search/{tracker['trackingNumber']}/results", shape="number_results")
    call("GET", f"{path}/webhook-history/download", shape="history")
    tracking: dict[str, Any] = call("GET", f"{path}/results", shape="results")["data"]["trackings"][0]
    return tracking


@pytest.mark.parametrize("milestone", list(Milestone))
def test_a_parcel_at_each_milestone(call: Call, milestone: Milestone) -> None:
    tracker = follow(call, f"SHIP24_SAMPLE_{milestone.upper()}_000")
    tracking = reads(call, tracker)
    assert tracking["shipment"]["statusMilestone"] == milestone
    assert bool(tracking["events"]) == (milestone != "pending")


ALL24 = {one.situation: one for one in payloads() if one.courier == "all24"}
NO_DATE = ALL24.pop("no_date")


def follow_at_all24(call: Call, carrier: CarrierServer, payload: Payload) -> dict[str, Any]:
    number = payload.expected["number"]
    carrier.replies[number] = (payload.expected.get("status", 200), payload.body)
    return follow(call, number, courierCode=["all24"])


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("situation", ALL24)
def test_a_parcel_of_a_real_carrier(call: Call, carrier: CarrierServer, situation: str) -> None:
    tracking = reads(call, follow_at_all24(call, carrier, ALL24[situation]))
    assert bool(tracking["events"]) == bool(ALL24[situation].expected.get("scans"))


@pytest.mark.usefixtures("account")
def test_only_a_scan_without_any_date_goes_beyond_the_schema(
    call: Call, as_alice: APIClient, carrier: CarrierServer
) -> None:
    tracker = follow_at_all24(call, carrier, NO_DATE)
    found = faults(as_alice.get(f"/v1/trackers/{tracker['trackerId']}/results").json(), "results")
    assert {one.partition(": ")[0].rpartition(".")[2] for one in found} == {"occurrenceDatetime", "datetime"}
    assert all("None is not of type 'string'" in one for one in found)


def test_every_wish_of_a_merchant_comes_back(call: Call) -> None:
    wishes = {
        "shipmentReference": "c6e4fef4",
        "clientTrackerId": "order/1 ü",
        "originCountryCode": "THA",
        "destinationCountryCode": "FR",
        "destinationPostCode": "75001",
        "courierCode": "sandbox",
        "courierName": "Express",
        "trackingUrl": "https://courier.example/1",
        "orderNumber": "1002",
        "title": "Shoes",
        "recipient": {"name": "Reci Pient", "email": "r@shop.example"},
        "settings": {"restrictTrackingToCourierCode": True},
    }
    tracker = follow(call, "SHIP24_SAMPLE_DELIVERED_001", **wishes)
    assert tracker["clientTrackerId"] == "order/1 ü"
    tracking = reads(call, tracker)
    assert tracking["shipment"]["originCountryCode"] == "TH"
    assert tracking["shipment"]["recipient"]["name"] == "Reci Pient"


def test_one_that_is_unsubscribed(call: Call) -> None:
    tracker = follow(call, "SHIP24_SAMPLE_IN_TRANSIT_000", clientTrackerId="mine")
    patched = call(
        "PATCH", "trackers/mine?searchBy=clientTrackerId", {"isSubscribed": False}, shape="tracker"
    )
    assert (patched["isSubscribed"], patched["isTracked"]) == (False, False)
    assert reads(call, tracker)["tracker"]["isSubscribed"] is False


def test_a_number_without_a_courier(call: Call) -> None:
    tracker = follow(call, "12345")
    assert tracker["courierCode"] == []
    assert reads(call, tracker)["events"] == []


def test_track_answers_with_what_is_known(call: Call) -> None:
    body = {"trackingNumber": "SHIP24_SAMPLE_DELIVERED_002"}
    call("POST", "trackers/track", body, shape="results")
    poll_due()
    (tracking,) = call("POST", "trackers/track", body, shape="results")["data"]["trackings"]
    assert tracking["events"]


@pytest.mark.parametrize("milestone", ["DELIVERED", "EXCEPTION", "OUT_FOR_DELIVERY"])
def test_a_search_without_a_tracker(call: Call, milestone: str) -> None:
    body = {"trackingNumber": f"SHIP24_SAMPLE_{milestone}_000"}
    (tracking,) = call("POST", "tracking/search", body, shape="call", status=201)["data"]["trackings"]
    assert tracking["shipment"]["statusMilestone"] == milestone.lower()
    assert call("GET", "trackers", shape="list")["data"]["trackers"] == []


def test_an_unknown_number_has_no_results(call: Call) -> None:
    assert call("GET", "trackers/search/UNKNOWN1/results", shape="number_results")["data"]["trackings"] == []


def test_the_couriers(call: Call) -> None:
    couriers = call("GET", "couriers", shape="couriers")["data"]["couriers"]
    assert {"all24", "247express", "ship24", "sandbox"} <= {one["courierCode"] for one in couriers}


SAMPLE = {"trackingNumber": "SHIP24_SAMPLE_DELIVERED_000"}
BAD = {"trackingNumber": "no"}


@pytest.mark.parametrize("wrapped", [False, True])
def test_bulk_of_new_and_known_ones(call: Call, wrapped: bool) -> None:
    items = [SAMPLE, SAMPLE | {"title": "again"}, {"trackingNumber": "12345", "clientTrackerId": "b"}]
    told = call("POST", "trackers/bulk", {"trackers": items} if wrapped else items, shape="bulk", status=201)
    assert told["status"] == "success"
    assert sorted(one["itemStatus"] for one in told["data"]) == ["created", "created", "existing"]


def test_bulk_where_some_fail(call: Call) -> None:
    told = call("POST", "trackers/bulk", [SAMPLE, BAD, SAMPLE | {"courierCode": 5}], shape="bulk", status=207)
    assert [one["itemStatus"] for one in told["data"]] == ["created", "error", "error"]


def test_bulk_where_all_fail(call: Call) -> None:
    told = call("POST", "trackers/bulk", [BAD, BAD], shape="bulk", status=400)
    assert (told["status"], told["error"]["code"], len(told["data"])) == ("error", "processing_error", 2)


def test_bulk_of_too_many(call: Call) -> None:
    told = call("POST", "trackers/bulk", [SAMPLE] * 101, shape="bulk", status=403)
    assert (told["error"]["code"], told["data"]) == ("bulk_create_limit_exceeded", None)


def test_bulk_over_the_quota(call: Call, alice: Merchant) -> None:
    Merchant.objects.filter(id=alice.id).update(tracker_limit=0)
    told = call("POST", "trackers/bulk", [SAMPLE], shape="bulk", status=403)
    assert told["error"]["code"] == "quota_limit_reached"


def test_webhooks_sent_again_and_their_history(call: Call, as_alice: APIClient, hook: Subscriber) -> None:
    hook.answer("/hook", status(503, body=b"no"), status(200, body=b'{"ok": true}'))
    as_alice.post("/v1/webhooks", {"url": hook.url(), "types": ["*"]}, format="json")
    tracker = follow(call, "SHIP24_SAMPLE_DELIVERED_000", clientTrackerId="mine")
    path = f"trackers/{tracker['trackerId']}"
    pump.run(60)
    due_now(*Delivery.objects.all())
    pump.run(60)
    assert call("POST", f"{path}/webhook-events/resend", shape="resend", status=201) == {
        "data": {"summary": {"totalResent": "2"}}
    }
    pump.run(60)
    history = call("GET", f"{path}/webhook-history/download", shape="history")
    assert [push["status"] for push in history["webhooks"]].count("failed") == 1
    for push in history["webhooks"]:
        (tracking,) = push["requestBody"]["trackings"]
        assert faults({"data": {"trackings": [tracking]}}, "results") == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "trackers", BAD, 400),
        ("POST", "trackers", [], 400),
        ("POST", "trackers/track", BAD, 400),
        ("POST", "tracking/search", BAD, 400),
        ("GET", "trackers?page=0", None, 400),
        ("GET", "trackers/unknown", None, 404),
        ("PATCH", "trackers/unknown", {"isSubscribed": False}, 404),
        ("GET", "trackers/unknown/results", None, 404),
        ("POST", "trackers/unknown/webhook-events/resend", None, 404),
        ("GET", "trackers/unknown/webhook-history/download", None, 404),
        ("GET", "trackers/x/results?searchBy=title", None, 400),
        ("DELETE", "couriers", None, 405),
        ("GET", "nowhere", None, 404),
    ],
)
def test_errors(call: Call, method: str, path: str, body: Any, status: int) -> None:
    call(method, path, body, shape="error", status=status)
