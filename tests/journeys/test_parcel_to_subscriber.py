"""From a carrier's scan to the subscriber's door: REST, real worker processes, real HTTP."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from accounts.models import Merchant
from carriers.models import CarrierAccount
from events.models import Event
from tests.carrier_server import DATA, CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.subscribers import Subscriber, after, status
from tests.waiting import eventually
from tests.webhooks.test_claims import lose_leases
from trackers.models import Tracker, Watch
from trackers.rebuilding import check
from webhooks.models import Attempt, Delivery

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

StartWorker = Callable[..., Any]


def create(client: APIClient, number: str) -> str:
    body = {"trackingNumber": number, "courierCode": "all24"}
    answer = client.post("/v1/trackers", body, format="json")
    return str(answer.json()["data"]["tracker"]["trackerId"])


def subscribe(client: APIClient, hook: Subscriber, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/webhooks", {"url": hook.url(), **more}, format="json")
    webhook: dict[str, Any] = answer.json()["data"]["webhook"]
    return webhook


def scans() -> int:
    return Event.objects.filter(type="tracking.scanned").count()


@pytest.mark.usefixtures("account")
def test_a_scan_reaches_the_subscriber_signed(
    as_alice: APIClient, carrier: CarrierServer, hook: Subscriber, start_worker: StartWorker
) -> None:
    carrier.replies["HSBY37H7"] = (200, (DATA / "all24" / "delivered.json").read_bytes())
    secret = subscribe(as_alice, hook)["secret"]
    start_worker()
    tracker_id = create(as_alice, "HSBY37H7")
    (heard,) = hook.wait_for(1)
    message = Webhook(secret).verify(heard.body, dict(heard.headers))
    (tracking,) = message["trackings"]
    assert message["type"] == "tracking.delivered"
    assert tracking["tracker"]["trackerId"] == tracker_id
    assert tracking["metadata"]["messageId"] == heard.headers["webhook-id"]
    assert tracking["metadata"]["previousMilestone"] == "pending"
    assert (tracking["metadata"]["sequence"], tracking["metadata"]["previousSequence"]) == (7, 1)
    assert len(tracking["events"]) == 5
    results = as_alice.get(f"/v1/trackers/{tracker_id}/results").json()["data"]["trackings"][0]
    assert tracking["events"] == results["events"]


@pytest.mark.usefixtures("account")
def test_a_failing_subscriber_gets_the_same_id_and_bytes_until_it_recovers(
    as_alice: APIClient, carrier: CarrierServer, hook: Subscriber, start_worker: StartWorker
) -> None:
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    hook.answer("/hook", status(503), status(500), status(200))
    secret = subscribe(as_alice, hook, retrySchedule=[1, 1, 1])["secret"]
    start_worker()
    create(as_alice, "HSAAAA00")
    heard = hook.wait_for(3)
    assert len({one.headers["webhook-id"] for one in heard}) == 1
    assert len({one.body for one in heard}) == 1
    for one in heard:
        Webhook(secret).verify(one.body, dict(one.headers))
    eventually(lambda: Delivery.objects.get().state == "delivered")
    assert list(Attempt.objects.order_by("number").values_list("status_code", flat=True)) == [503, 500, 200]


@pytest.mark.usefixtures("account")
def test_without_a_nudge_and_without_beat_the_workers_own_sweep_does_the_work(
    alice: Merchant, as_alice: APIClient, carrier: CarrierServer, hook: Subscriber, start_worker: StartWorker
) -> None:
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    subscribe(as_alice, hook)
    create(as_alice, "HSAAAA00")
    with connection.cursor() as cursor:  # what the nudge that was sent would find is due only now
        cursor.execute("UPDATE trackers_watch SET next_poll_at = clock_timestamp() + interval '1 second'")
    start_worker()
    hook.wait_for(1)


def test_a_tracker_waits_for_an_account_and_is_polled_when_one_appears(
    alice: Merchant, as_alice: APIClient, carrier: CarrierServer, start_worker: StartWorker
) -> None:
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    start_worker()
    named = create(as_alice, "HSAAAA00")
    unnamed = as_alice.post("/v1/trackers", {"trackingNumber": "HSAAAA00"}, format="json").json()
    assert as_alice.get(f"/v1/trackers/{named}").json()["lastPollOutcome"] == "no_carrier_account"
    CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    for tracker_id in (named, unnamed["data"]["tracker"]["trackerId"]):
        eventually(
            lambda one=tracker_id: as_alice.get(f"/v1/trackers/{one}").json()["lastPollOutcome"] == "ok"
        )


@pytest.mark.usefixtures("account")
def test_a_worker_killed_in_mid_poll_loses_nothing(
    as_alice: APIClient, carrier: CarrierServer, start_worker: StartWorker
) -> None:
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000", "100000")
    carrier.gate.clear()
    worker = start_worker()
    create(as_alice, "HSAAAA00")
    eventually(lambda: carrier.asked)
    worker.kill()
    carrier.gate.set()
    assert scans() == 0
    Watch.objects.update(claimed_until=Now() - timedelta(seconds=1))  # as if its lease had run out
    start_worker()
    eventually(lambda: scans() == 2)
    assert len(carrier.asked) == 2
    assert list(check()) == []


@pytest.mark.usefixtures("account")
def test_a_worker_killed_in_mid_delivery_loses_nothing(
    as_alice: APIClient, carrier: CarrierServer, hook: Subscriber, start_worker: StartWorker
) -> None:
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    gate = threading.Event()
    hook.answer("/hook", after(gate, status(200)), status(200))
    subscribe(as_alice, hook)
    worker = start_worker()
    create(as_alice, "HSAAAA00")
    hook.wait_for(1)
    worker.kill()
    lose_leases()
    start_worker()
    first, second = hook.wait_for(2)
    eventually(lambda: Delivery.objects.get().state == "delivered")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    told = Attempt.objects.order_by("number").values_list("number", "error", "status_code")
    assert [(number, error or "", code) for number, error, code in told] == [
        (1, "abandoned", None),
        (2, "", 200),
    ]


@pytest.mark.usefixtures("account")
def test_two_workers_never_poll_one_tracker_nor_send_one_delivery_at_the_same_time(
    as_alice: APIClient, carrier: CarrierServer, hook: Subscriber, start_worker: StartWorker
) -> None:
    numbers = [f"HSAAAA{n:02}" for n in range(40)]
    for number in numbers:
        carrier.replies[number] = order(number, "050000", "100000")
    subscribe(as_alice, hook)
    start_worker()
    start_worker()
    for number in numbers:
        create(as_alice, number)
    heard = hook.wait_for(len(numbers))
    eventually(lambda: not Delivery.objects.exclude(state="delivered").exists())
    assert set(carrier.most_at_once.values()) == {1}
    assert Counter(carrier.asked) == Counter(numbers)
    assert len({one.headers["webhook-id"] for one in heard}) == len(hook.heard()) == len(numbers)
    assert scans() == 2 * len(numbers)


def test_two_creates_of_one_payload_at_once_make_one_tracker_twenty_times_over(
    alice: Merchant, client_of: Callable[[Merchant], APIClient]
) -> None:
    clients = [client_of(alice), client_of(alice)]
    barrier = threading.Barrier(2)

    def post(client: APIClient, number: str) -> str:
        try:
            barrier.wait(60)
            body = {"trackingNumber": number, "clientTrackerId": number}
            answer = client.post("/v1/trackers", json.dumps(body), content_type="application/json")
            assert answer.status_code == 201, answer.content
            return str(answer.json()["data"]["tracker"]["trackerId"])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for n in range(20):
            first, second = pool.map(post, clients, [f"SHIP24_SAMPLE_PENDING_{n:03}"] * 2)
            assert first == second
    assert Tracker.objects.count() == Watch.objects.count() == 20
    assert Event.objects.filter(type="tracker.created").count() == 20


def test_a_merchant_hears_nothing_of_anothers_parcels(
    alice: Merchant,
    as_alice: APIClient,
    as_bob: APIClient,
    account: CarrierAccount,
    carrier: CarrierServer,
    hook: Subscriber,
    start_worker: StartWorker,
) -> None:
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    as_bob.post("/v1/webhooks", {"url": hook.url("/bob"), "types": ["*"]}, format="json")
    subscribe(as_alice, hook)
    start_worker()
    create(as_alice, "HSAAAA00")
    hook.wait_for(1)
    eventually(lambda: not Delivery.objects.exclude(state="delivered").exists())
    assert hook.heard("/bob") == []
    assert as_bob.get("/v1/events").json()["data"]["events"] == []
