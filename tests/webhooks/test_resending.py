"""Everything a merchant was told of one parcel, told again."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from tests.subscribers import Subscriber, status
from tests.webhooks.cast import EndpointFactory, attempts_of, due_now, ended, news, owe, tell
from tests.webhooks.test_claims import lose_leases
from trackers.leaving import leave
from webhooks import holding, pump
from webhooks.claims import FORGIVEN, take
from webhooks.exceptions import NoActiveEndpoint
from webhooks.extra import ask
from webhooks.models import Attempt, Delivery, Endpoint, ExtraTry, Message, Trigger
from webhooks.paces import Pace
from webhooks.resending import resend
from webhooks.settling import settle

pytestmark = pytest.mark.django_db

PARCEL = uuid7()


@pytest.fixture
def endpoint(alice: Merchant, server: Subscriber) -> Endpoint:
    return EndpointFactory(merchant=alice, url=server.url())


def told(merchant: Merchant, count: int = 1, kind: str = "tracking.updated") -> list[Delivery]:
    """This many messages about PARCEL, owed to whoever listens."""
    before = Message.objects.count()
    for n in range(count):
        one = news(kind)
        tell(merchant, type(one)(one.id, kind, PARCEL, before + n + 1, ("all24",), one.render))
    return list(Delivery.objects.order_by("message__sequence", "id"))


def end(code: int = 200) -> None:
    """Try everything that is due once."""
    settle([(each, ended(each.delivery_id, code)) for each in take(100)])


def row(delivery: Delivery, *names: str) -> tuple[Any, ...]:
    return tuple(Delivery.objects.filter(id=delivery.id).values_list(*names).get())


def again(merchant: Merchant) -> int:
    return resend(merchant.id, PARCEL, ["all24"])


def test_the_same_ids_and_bytes_arrive_again_the_oldest_first(
    alice: Merchant, endpoint: Endpoint, server: Subscriber
) -> None:
    Endpoint.objects.update(max_in_flight=1)
    told(alice, 4)
    pump.run(60)
    assert again(alice) == 4
    pump.run(60)
    heard = [(one.headers["webhook-id"], one.body) for one in server.heard()]
    assert heard[:4] == heard[4:]
    assert [id_ for id_, _ in heard[4:]] == [str(one.id) for one in Message.objects.order_by("sequence")]


def test_tries_are_kept_and_counted_on_and_say_that_somebody_asked(
    alice: Merchant, endpoint: Endpoint
) -> None:
    (delivery,) = told(alice)
    end()
    again(alice)
    assert row(delivery, "state", "delivered_at") == ("pending", None)
    end(500)
    due_now(delivery)
    end()
    assert [(one.number, one.trigger, one.status_code) for one in attempts_of(delivery)] == [
        (1, "schedule", 200),
        (2, "manual", 500),
        (3, "manual", 200),
    ]
    assert row(delivery, "state") == ("delivered",)


def test_an_exhausted_delivery_has_its_whole_schedule_again_and_may_be_exhausted_again(
    alice: Merchant, endpoint: Endpoint
) -> None:
    Endpoint.objects.update(retry_schedule=[5])
    (delivery,) = told(alice)
    for _ in range(2):
        for _ in range(2):
            due_now(delivery)
            end(500)
        assert row(delivery, "state", "step") == ("exhausted", 1)
        again(alice)
        assert row(delivery, "state", "step", "abandoned_count") == ("pending", 0, 0)
    assert [one.number for one in attempts_of(delivery)] == [1, 2, 3, 4]


def test_one_that_waits_is_only_brought_forward(alice: Merchant, endpoint: Endpoint) -> None:
    (delivery,) = told(alice)
    end(500)
    assert take(10) == []
    assert again(alice) == 1
    assert row(delivery, "step", "trigger") == (1, "schedule")
    assert len(take(10)) == 1


def test_one_that_is_due_keeps_its_place(alice: Merchant, endpoint: Endpoint) -> None:
    (delivery,) = told(alice)
    due_now(delivery)
    before = row(delivery, "next_attempt_at")
    again(alice)
    assert row(delivery, "next_attempt_at") == before


def test_one_under_way_is_left_alone(alice: Merchant, endpoint: Endpoint) -> None:
    (delivery,) = told(alice)
    (claimed,) = take(1)
    before = Delivery.objects.filter(id=delivery.id).values().get()
    assert again(alice) == 0
    assert Delivery.objects.filter(id=delivery.id).values().get() == before
    settle([(claimed, ended(delivery.id))])
    assert row(delivery, "state") == ("delivered",)


def test_a_try_by_hand_is_left_alone_when_it_is_under_way_and_when_it_waits(
    alice: Merchant, endpoint: Endpoint
) -> None:
    tried, waits = told(alice, 2)
    end()
    ask(tried.id, Trigger.MANUAL)
    (claimed,) = take(10)
    ask(waits.id, Trigger.MANUAL)
    assert again(alice) == 1
    assert row(tried, "state", "claim_id") == ("delivered", claimed.claim_id)
    assert ExtraTry.objects.filter(delivery__in=[tried, waits]).count() == 2
    settle([(claimed, ended(tried.id))])
    while taken := take(10):
        settle([(each, ended(each.delivery_id)) for each in taken])
    assert [one.trigger for one in attempts_of(tried)] == ["schedule", "manual"]
    assert not ExtraTry.objects.exists()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_a_cut_off_try_of_a_resend_is_recorded_as_one(alice: Merchant, endpoint: Endpoint) -> None:
    (delivery,) = told(alice)
    end()
    again(alice)
    take(1)
    lose_leases()
    assert again(alice) == 0
    take(1)
    assert [(one.number, one.trigger, one.error) for one in attempts_of(delivery)] == [
        (1, "schedule", ""),
        (2, "manual", "abandoned"),
    ]


def test_cut_off_tries_of_earlier_runs_are_forgiven(alice: Merchant, endpoint: Endpoint) -> None:
    told(alice)
    for _ in range(FORGIVEN):
        take(1)
        lose_leases()
    end()
    again(alice)
    take(1)
    lose_leases()
    assert [each.spent for each in take(1)] == [False]


def test_what_is_held_or_cancelled_stays_so(alice: Merchant, endpoint: Endpoint) -> None:
    gone = EndpointFactory(merchant=alice)
    paused = EndpointFactory(merchant=alice)
    told(alice)
    Endpoint.objects.filter(id=gone.id).update(deleted_at=Now())
    Endpoint.objects.filter(id=paused.id).update(state="paused")
    while holding.reconcile():
        pass
    assert again(alice) == 1
    states = dict(Delivery.objects.values_list("endpoint_id", "state"))
    assert states == {endpoint.id: "pending", gone.id: "cancelled", paused.id: "held"}


def test_what_a_disabled_endpoint_once_took_is_not_sent_again(alice: Merchant, endpoint: Endpoint) -> None:
    other = EndpointFactory(merchant=alice)
    told(alice)
    end()
    Endpoint.objects.filter(id=other.id).update(state="disabled")
    assert again(alice) == 1
    assert Delivery.objects.get(endpoint=other).state == "delivered"


def test_an_endpoint_registered_since_gets_what_its_filters_want(alice: Merchant, endpoint: Endpoint) -> None:
    told(alice, 2)
    told(alice, 1, "tracking.delivered")
    wanting = EndpointFactory(merchant=alice, types=["tracking.delivered"])
    EndpointFactory(merchant=alice, couriers=["247express"])
    EndpointFactory(merchant=alice, types=["tracker.*"])
    assert again(alice) == 4
    added = Delivery.objects.exclude(endpoint=endpoint)
    assert added.values_list("endpoint_id", "message__type", "trigger").get() == (
        wanting.id,
        "tracking.delivered",
        "manual",
    )
    assert again(alice) == 4
    assert added.count() == 1


def test_new_deliveries_are_listed_as_the_newest(alice: Merchant, endpoint: Endpoint) -> None:
    told(alice, 3)
    late = EndpointFactory(merchant=alice)
    again(alice)
    owe(endpoint)
    mine = Delivery.objects.filter(endpoint=late).order_by("id")
    assert list(mine.values_list("message__sequence", flat=True)) == [1, 2, 3]
    assert Delivery.objects.order_by("id").last() not in mine


def test_other_parcels_and_other_merchants_are_left_alone(
    alice: Merchant, bob: Merchant, endpoint: Endpoint
) -> None:
    EndpointFactory(merchant=bob)
    told(bob)
    told(alice)
    owe(endpoint)
    end()
    assert again(alice) == 1
    assert Delivery.objects.filter(state="pending").values_list("endpoint_id").get() == (endpoint.id,)


def test_without_an_active_endpoint_nothing_can_be_sent(alice: Merchant, endpoint: Endpoint) -> None:
    told(alice)
    Endpoint.objects.update(state="paused")
    with pytest.raises(NoActiveEndpoint):
        again(alice)


def test_it_takes_the_same_statements_however_many_messages_and_endpoints(
    alice: Merchant, endpoint: Endpoint, count_statements: Callable[..., int]
) -> None:
    told(alice)
    EndpointFactory(merchant=alice)
    few = count_statements(lambda: again(alice))
    told(alice, 20)
    for _ in range(5):
        EndpointFactory(merchant=alice)
    assert count_statements(lambda: again(alice)) == few <= 9  # with the savepoints' four
    assert Delivery.objects.filter(state="pending").count() == 21 * 7


def test_bringing_forward_keeps_the_endpoints_cap(alice: Merchant, endpoint: Endpoint) -> None:
    Endpoint.objects.update(max_in_flight=2)
    told(alice, 6)
    end()
    again(alice)
    assert len(take(100)) == 2
    again(alice)
    assert take(100) == []


def test_tries_of_a_resend_count_for_the_endpoints_health(alice: Merchant, endpoint: Endpoint) -> None:
    told(alice)
    end()
    Endpoint.objects.update(failing_since=Now() - timedelta(days=1), failing_tries=5)
    again(alice)
    end(500)
    endpoint.refresh_from_db()
    assert endpoint.failing_tries == 6
    Delivery.objects.update(next_attempt_at=Now())
    end()
    endpoint.refresh_from_db()
    assert (endpoint.failing_tries, endpoint.failing_since) == (0, None)


def test_over_rest_ship24s_count_is_a_string(
    alice: Merchant, as_alice: APIClient, as_bob: APIClient, endpoint: Endpoint, server: Subscriber
) -> None:
    server.answer("/hook", status(500), status(200))
    body = {"trackingNumber": "SHIP24_SAMPLE_PENDING_000", "clientTrackerId": "mine"}
    created = as_alice.post("/v1/trackers", body, format="json").json()["data"]["tracker"]
    pump.run(60)
    path = f"/v1/trackers/{created['trackerId']}/webhook-events/resend"
    answer = as_alice.post(path)
    assert (answer.status_code, answer.json()) == (201, {"data": {"summary": {"totalResent": "1"}}})
    assert as_alice.post("/public/v1/trackers/mine/webhook-events/resend?searchBy=clientTrackerId")
    assert as_bob.post(path).json()["errors"][0]["code"] == "tracker_not_found"
    Endpoint.objects.update(state="disabled")
    refused = as_alice.post(path)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "webhook_url_missing")


def test_a_resend_asks_a_worker_to_send_once_it_is_committed(
    alice: Merchant, endpoint: Endpoint, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    told(alice)
    with django_capture_on_commit_callbacks() as callbacks:
        again(alice)
    assert [(callback.func.__name__, callback.args) for callback in callbacks] == [("nudge", (Pace.LATE,))]
    Message.objects.update(stream=uuid7())
    with django_capture_on_commit_callbacks() as callbacks:
        assert again(alice) == 0
    assert callbacks == []


@pytest.mark.django_db(transaction=True)
def test_two_resends_at_once_owe_everything_once(alice: Merchant, endpoint: Endpoint) -> None:
    Endpoint.objects.update(max_in_flight=100)
    told(alice, 30)
    end()
    EndpointFactory(merchant=alice)
    barrier = threading.Barrier(4)

    def one(_: int) -> int:
        try:
            barrier.wait(60)
            return again(alice)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(one, range(4)))
    assert sum(counts) >= 60
    assert Delivery.objects.filter(state="pending", claim_id=None, trigger="manual", step=0).count() == 60


@pytest.mark.django_db(transaction=True)
def test_resends_beside_sending_lose_and_double_nothing(
    alice: Merchant, endpoint: Endpoint, server: Subscriber
) -> None:
    told(alice, 40)
    stop = threading.Event()

    def ask() -> None:
        try:
            while not stop.is_set():
                again(alice)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        pump.run(1)
        stop.set()
        assert [each.result(120) for each in asking] == [None, None]
    while pump.run(60):
        pass
    assert set(Delivery.objects.values_list("state", "claim_id")) == {("delivered", None)}
    tried = Attempt.objects.values_list("delivery_id", "number")
    assert len(tried) == len(set(tried)) == len(server.heard())
    assert sum(Delivery.objects.values_list("attempt_count", flat=True)) == len(tried)


def test_a_merchant_that_leaves_is_sent_nothing_again(alice: Merchant, endpoint: Endpoint) -> None:
    told(alice)
    end()
    Merchant.objects.update(deleted_at=Now())
    with pytest.raises(NoActiveEndpoint):
        again(alice)


@pytest.mark.django_db(transaction=True)
def test_a_merchant_that_leaves_while_it_resends_is_gone_whole(alice: Merchant, endpoint: Endpoint) -> None:
    told(alice, 60)
    end()
    for _ in range(5):
        EndpointFactory(merchant=alice)
    left = threading.Event()

    def ask(_: int) -> None:
        try:
            while not left.is_set():
                with suppress(NoActiveEndpoint):
                    again(alice)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        asking = pool.map(ask, range(4))
        try:
            assert dict(leave(alice.id))["endpoints"] == 6
        finally:
            left.set()
        list(asking)
    assert not Delivery.objects.exists()
    assert not Message.objects.exists()
