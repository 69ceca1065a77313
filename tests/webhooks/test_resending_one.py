"""One delivery, sent once more by hand."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.db.models.functions import Now
from rest_framework.test import APIClient
from uuid_utils.compat import uuid4

from accounts.errors import ApiError
from accounts.models import Merchant
from tests.subscribers import Subscriber, status
from tests.webhooks.aging import id_of
from tests.webhooks.cast import EndpointFactory, attempts_of, owe
from trackers.leaving import leave
from webhooks import pump
from webhooks.models import Delivery, Endpoint, ExtraTry
from webhooks.resending_one import resend_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant, server: Subscriber) -> Endpoint:
    return EndpointFactory(merchant=alice, url=server.url(), retry_schedule=[3600])


def resend(client: APIClient, delivery_id: object) -> Any:
    return client.post(f"/v1/deliveries/{delivery_id}/resend")


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def row(delivery: Delivery, *names: str) -> tuple[Any, ...]:
    return tuple(Delivery.objects.filter(id=delivery.id).values_list(*names).get())


def test_the_same_id_and_bytes_are_sent_once_more(
    as_alice: APIClient, endpoint: Endpoint, server: Subscriber
) -> None:
    (delivery,) = owe(endpoint)
    pump.run(60)
    answer = resend(as_alice, delivery.id)
    assert (answer.status_code, answer.json()["data"]["delivery"]["state"]) == (202, "delivered")
    pump.run(60)
    first, second = server.heard()
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert [(one.number, one.trigger) for one in attempts_of(delivery)] == [(1, "schedule"), (2, "manual")]
    assert not ExtraTry.objects.exists()


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_it_is_sent_whatever_the_endpoints_state_and_its_health_is_not_concerned(
    as_alice: APIClient, endpoint: Endpoint, server: Subscriber, state: str
) -> None:
    server.answer("/hook", status(410), status(200))
    (delivery,) = owe(endpoint)
    Delivery.objects.update(state="held", next_attempt_at=None)
    Endpoint.objects.update(state=state)
    resend(as_alice, delivery.id)
    pump.run(60)
    assert row(delivery, "state", "attempt_count") == ("held", 1)
    resend(as_alice, delivery.id)
    pump.run(60)
    assert row(delivery, "state", "attempt_count") == ("delivered", 2)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.failing_tries) == (state, 0)


def test_a_failure_leaves_the_delivery_and_its_schedule_as_they_were(
    as_alice: APIClient, endpoint: Endpoint, server: Subscriber
) -> None:
    server.answer("/hook", status(500))
    (delivery,) = owe(endpoint)
    pump.run(60)
    before = row(delivery, "state", "step", "next_attempt_at")
    resend(as_alice, delivery.id)
    pump.run(60)
    assert row(delivery, "state", "step", "next_attempt_at") == before
    assert [one.trigger for one in attempts_of(delivery)] == ["schedule", "manual"]


def test_asking_twice_asks_once(as_alice: APIClient, endpoint: Endpoint, server: Subscriber) -> None:
    (delivery,) = owe(endpoint)
    pump.run(60)
    for _ in range(3):
        assert resend(as_alice, delivery.id).status_code == 202
    pump.run(60)
    assert len(server.heard()) == 2


def test_a_worker_is_asked_once_it_is_committed(
    as_alice: APIClient, endpoint: Endpoint, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    (delivery,) = owe(endpoint)
    with django_capture_on_commit_callbacks() as callbacks:
        resend(as_alice, delivery.id)
    assert [callback.__name__ for callback in callbacks] == ["nudge"]


def test_nobody_elses_and_no_deleted_endpoints_is_sent(
    as_alice: APIClient, as_bob: APIClient, endpoint: Endpoint
) -> None:
    (delivery,) = owe(endpoint)
    assert error_of(resend(as_bob, delivery.id)) == (404, "delivery_not_found")
    Endpoint.objects.update(deleted_at=Now())
    assert error_of(resend(as_alice, delivery.id)) == (404, "delivery_not_found")
    assert not ExtraTry.objects.exists()


@pytest.mark.parametrize(
    ("id_", "status_code", "code"),
    [
        (id_of(timedelta(days=31)), 410, "delivery_gone"),
        (id_of(timedelta(days=29)), 404, "delivery_not_found"),
        (id_of(timedelta(days=-1)), 404, "delivery_not_found"),
        (uuid4(), 404, "delivery_not_found"),
        (UUID(int=0), 404, "delivery_not_found"),
        (UUID("00000000-0000-7000-8000-000000000000"), 410, "delivery_gone"),
        (UUID("ffffffff-ffff-7fff-bfff-ffffffffffff"), 404, "delivery_not_found"),
    ],
)
def test_one_that_retention_has_removed_is_gone_and_any_other_was_never_there(
    as_alice: APIClient, id_: UUID, status_code: int, code: str
) -> None:
    assert error_of(resend(as_alice, id_)) == (status_code, code)


def test_an_old_one_that_is_still_there_is_sent(as_alice: APIClient, endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    old = id_of(timedelta(days=40))
    Delivery.objects.filter(id=delivery.id).update(id=old)
    assert resend(as_alice, old).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_a_merchant_that_leaves_while_it_asks_is_gone_whole(alice: Merchant, endpoint: Endpoint) -> None:
    owed = owe(endpoint, 30)
    left = threading.Event()
    told: set[str | None] = set()

    def asks() -> None:
        try:
            while not left.is_set():
                told.update(refusal_of(alice, delivery) for delivery in owed)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=asks) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert dict(leave(alice.id))["endpoints"] == 1
    finally:
        left.set()
        for thread in threads:
            thread.join(30)
    assert told <= {None, "delivery_not_found"}
    assert not ExtraTry.objects.exists()
    assert not Delivery.objects.exists()


def refusal_of(alice: Merchant, delivery: Delivery) -> str | None:
    try:
        resend_one(alice.id, delivery.id)
    except ApiError as refused:
        return refused.code
    return None
