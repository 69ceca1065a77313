"""Ship24's own Python client, unchanged but for the server's URL, against the whole stack."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from ship24 import Ship24, errors, models
from standardwebhooks.webhooks import Webhook

from tests.conformance.conftest import Stack
from tests.subscribers import Subscriber, subscriber
from tests.waiting import eventually

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("up")]

DELIVERED = "SHIP24_SAMPLE_DELIVERED_000"


@pytest.fixture
def key(stack: Stack) -> str:
    return stack.merchant()


@pytest.fixture
def client(stack: Stack, key: str) -> Iterator[Ship24]:
    with Ship24(authorization=f"Bearer {key}", server_url=stack.up.url, timeout_ms=120_000) as made:
        yield made


@pytest.fixture
def own(stack: Stack, key: str) -> Iterator[httpx.Client]:
    """What Ship24's client has no word for."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=stack.up.url, headers=headers, timeout=120) as made:
        yield made


def create(client: Ship24, number: str = DELIVERED, **more: Any) -> models.Tracker:
    made = client.trackers.create_tracker(request={"tracking_number": number, **more})
    assert made.result.data is not None
    assert made.result.data.tracker is not None
    return made.result.data.tracker


def tracking_of(client: Ship24, tracker: models.Tracker) -> Any:
    found = client.trackers.get_tracking_results_of_tracker_by_tracker_id(tracker_id=tracker.tracker_id)
    (tracking,) = found.result.data.trackings
    return tracking


def test_create(client: Ship24) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    tracker = create(
        client,
        client_tracker_id="order-1",
        shipment_reference="ref",
        origin_country_code="THA",
        courier_code=["sandbox"],
        shipping_date=datetime.now(UTC),
        recipient={"name": "N", "email": "n@shop.example"},
        settings={"restrict_tracking_to_courier_code": True},
    )
    assert isinstance(tracker, models.Tracker)
    assert (tracker.tracking_number, tracker.client_tracker_id) == (DELIVERED, "order-1")
    assert (tracker.shipment_reference, tracker.courier_code) == ("ref", ["sandbox"])
    assert (tracker.is_subscribed, tracker.is_tracked) == (True, True)
    assert before < tracker.created_at < datetime.now(UTC) + timedelta(minutes=1)


def test_the_same_create_again_is_the_same_tracker(client: Ship24) -> None:
    assert create(client).tracker_id == create(client).tracker_id


def test_bulk(client: Ship24) -> None:
    create(client)
    items = [{"tracking_number": DELIVERED}, {"tracking_number": "SHIP24_SAMPLE_PENDING_000"}]
    made = client.trackers.bulk_create_trackers(request={"trackers": items}).result
    assert made.status is models.Status.SUCCESS
    assert made.summary == models.Summary(totalInputs=2, totalCreated=1, totalExisting=1, totalErrors=0)
    first, second = made.data
    assert (first.item_status, second.item_status) == (models.ItemStatus.EXISTING, models.ItemStatus.CREATED)
    assert second.tracker.tracking_number == second.input_data.tracking_number == items[1]["tracking_number"]


def test_bulk_where_some_fail(client: Ship24) -> None:
    items = [{"tracking_number": DELIVERED}, {"tracking_number": "no"}]
    made = client.trackers.bulk_create_trackers(request={"trackers": items}).result
    assert (made.status, made.summary.total_errors) == (models.Status.PARTIAL, 1)
    assert made.data[1].tracker is None
    assert made.data[1].errors[0].code == "validation_error"


@pytest.mark.parametrize(
    ("items", "status", "code"),
    [(["no"], 400, "processing_error"), ([DELIVERED] * 101, 403, "bulk_create_limit_exceeded")],
)
def test_bulk_that_is_refused(client: Ship24, items: list[str], status: int, code: str) -> None:
    request = {"trackers": [{"tracking_number": one} for one in items]}
    with pytest.raises(errors.BulkCreateTrackersResponseError) as refused:
        client.trackers.bulk_create_trackers(request=request)
    assert (refused.value.status_code, refused.value.data.error.code) == (status, code)


def test_list_in_pages(client: Ship24) -> None:
    made = [create(client, f"SHIP24_SAMPLE_PENDING_{n:03}").tracker_id for n in range(5)]

    def page(**query: Any) -> list[str]:
        found = client.trackers.list_trackers(**query).result
        assert isinstance(found, models.ListTrackersResponseBody)
        return [one.tracker_id for one in found.data.trackers]

    assert page(page=1, limit=500) == made
    assert page(page=2, limit=2) == made[2:4]
    assert page(page=1, limit=2, sort=models.Sort.MINUS_1) == made[:2:-1]
    assert page(page=9, limit=2) == []


def test_read_by_either_id(client: Ship24) -> None:
    tracker = create(client, client_tracker_id="order-1")
    by = models.GetTrackerByTrackerIDSearchBy.CLIENT_TRACKER_ID
    for query in ({"tracker_id": tracker.tracker_id}, {"tracker_id": "order-1", "search_by": by}):
        found = client.trackers.get_tracker_by_tracker_id(**query).result
        assert (found.tracker_id, found.created_at) == (tracker.tracker_id, tracker.created_at)


def test_update(client: Ship24) -> None:
    tracker = create(client, "SHIP24_SAMPLE_PENDING_000")
    update = client.trackers.update_tracker_by_tracker_id
    changed = update(tracker_id=tracker.tracker_id, destination_country_code="FR").result
    assert (changed.tracker_id, changed.is_subscribed) == (tracker.tracker_id, True)
    stopped = update(tracker_id=tracker.tracker_id, is_subscribed=False).result
    assert (stopped.is_subscribed, stopped.is_tracked) == (False, False)


def test_an_update_of_what_is_frozen_is_refused(client: Ship24) -> None:
    tracker = create(client)
    eventually(lambda: tracking_of(client, tracker).events)
    with pytest.raises(errors.ErrorResponseFormat) as refused:
        client.trackers.update_tracker_by_tracker_id(tracker_id=tracker.tracker_id, origin_country_code="FR")
    assert refused.value.status_code == 400
    assert [one.code for one in refused.value.data.errors] == ["tracker_not_updatable"]


def test_track(client: Ship24) -> None:
    found = client.trackers.create_tracker_and_get_tracking_results(request={"tracking_number": DELIVERED})
    (tracking,) = found.result.data.trackings
    assert tracking.tracker.tracking_number == DELIVERED
    assert tracking.shipment.status_milestone == "delivered"
    assert tracking.events[0].status_code == "delivery_delivered"
    assert tracking.statistics.timestamps.delivered_datetime == tracking.events[0].occurrence_datetime


def test_results(client: Ship24) -> None:
    tracker = create(client)
    eventually(lambda: tracking_of(client, tracker).events)
    tracking = tracking_of(client, tracker)
    assert tracking.tracker.tracker_id == tracker.tracker_id
    assert [one.status_milestone for one in tracking.events][::5] == ["delivered", "info_received"]
    assert [one.order for one in tracking.events] == [6, 5, 4, 3, 2, 1]
    assert tracking.shipment.delivery.estimated_delivery_date > tracker.created_at
    assert [one.tn for one in tracking.shipment.tracking_numbers] == [DELIVERED]


def test_search_by_number(client: Ship24) -> None:
    made = {create(client).tracker_id, create(client, shipment_reference="another").tracker_id}
    search = client.trackers.get_tracking_results_of_trackers_by_tracking_number
    found = search(tracking_number=DELIVERED).result.data.trackings
    assert {one.tracker.tracker_id for one in found} == made
    assert search(tracking_number="UNKNOWN1").result.data.trackings == []


def test_couriers(client: Ship24) -> None:
    couriers = client.couriers.get_couriers().result.data.couriers
    codes = {one.courier_code: one for one in couriers}
    assert {"all24", "247express", "ship24", "sandbox"} <= set(codes)
    assert codes["sandbox"].is_deprecated is False


def test_a_call_without_a_tracker(client: Ship24) -> None:
    found = client.api_for_per_call_plans.get_tracking(request={"tracking_number": DELIVERED})
    (tracking,) = found.result.data.trackings
    assert tracking.shipment.status_milestone == "delivered"
    assert len(tracking.events) == 6
    assert client.trackers.list_trackers(page=1, limit=1).result.data.trackers == []


def test_resend(client: Ship24, own: httpx.Client) -> None:
    with subscriber() as server:
        webhook = _subscribed(own, server)
        tracker = create(client)
        first = server.wait_for(2)
        eventually(lambda: _delivered(own, webhook["webhookId"]) == 2)
        resent = client.trackers.resend_webhooks(tracker_id=tracker.tracker_id).result
        assert resent.data.summary.total_resent == "2"
        again = server.wait_for(4)[2:]
    assert {one.body for one in again} == {one.body for one in first}
    for one in again:
        Webhook(webhook["secret"]).verify(one.body, dict(one.headers))


def test_resend_without_an_endpoint(client: Ship24) -> None:
    with pytest.raises(errors.APIError) as refused:
        client.trackers.resend_webhooks(tracker_id=create(client).tracker_id)
    assert refused.value.status_code == 400
    assert "webhook_url_missing" in refused.value.body


def test_a_refused_create_is_the_clients_error(client: Ship24) -> None:
    with pytest.raises(errors.ErrorResponseFormat) as refused:
        create(client, "no")
    (told,) = refused.value.data.errors
    assert (refused.value.status_code, told.code) == (400, "validation_error")
    assert "trackingNumber" in told.message


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.trackers.get_tracker_by_tracker_id(tracker_id="unknown"),
        lambda client: client.trackers.get_tracking_results_of_tracker_by_tracker_id(tracker_id="unknown"),
    ],
)
def test_an_unknown_tracker_is_the_clients_error(client: Ship24, call: Callable[[Ship24], object]) -> None:
    with pytest.raises(errors.ErrorResponseFormat) as refused:
        call(client)
    assert refused.value.status_code == 404
    assert [one.code for one in refused.value.data.errors] == ["tracker_not_found"]


def test_a_wrong_key_is_the_clients_error(stack: Stack) -> None:
    with (
        Ship24(authorization="Bearer apik_wrong", server_url=stack.up.url, timeout_ms=120_000) as stranger,
        pytest.raises(errors.ErrorResponseFormat) as refused,
    ):
        stranger.trackers.create_tracker(request={"tracking_number": DELIVERED})
    assert refused.value.status_code == 401
    assert [one.code for one in refused.value.data.errors] == ["auth_invalid_api_key"]


def _subscribed(own: httpx.Client, server: Subscriber) -> dict[str, Any]:
    made = own.post("/v1/webhooks", json={"url": server.url(), "types": ["tracker.*", "tracking.*"]})
    found: dict[str, Any] = made.json()["data"]["webhook"]
    return found


def _delivered(own: httpx.Client, webhook_id: str) -> int:
    found = own.get(f"/v1/webhooks/{webhook_id}/deliveries", params={"state": "delivered"}).json()
    return len(found["data"]["deliveries"])
