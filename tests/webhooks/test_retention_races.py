"""What is removed meets whoever wants it once more, in real transactions: never a half, and nothing owed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from rest_framework.test import APIClient

from accounts.errors import ApiError
from accounts.models import Merchant
from tests.subscribers import Subscriber, status, subscriber
from tests.together import at_once
from tests.waiting import eventually
from tests.webhooks.aging import ended_as
from tests.webhooks.cast import EndpointFactory, news, owe, tell
from tests.webhooks.test_life_races import somebody_waits_for_a_lock
from tests.webhooks.test_recovering import recovery
from webhooks import holding, pump, recoveries, recovering, resending, retention
from webhooks.exceptions import NoActiveEndpoint
from webhooks.models import Attempt, Delivery, Endpoint, ExtraTry, Message, Recovery
from webhooks.resending_one import resend_one

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings) -> Iterator[Subscriber]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with subscriber() as running:
        yield running


@pytest.fixture(autouse=True)
def _from_the_beginning() -> Iterator[None]:
    yield
    retention._Walk.reached.clear()


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice)


def forget() -> None:
    retention.forget(0)


class Other:
    """What somebody else does from now on, on a connection of their own."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._told: list[object] = []
        self._thread = threading.Thread(target=lambda: self._told.extend(at_once(work)))
        self._thread.start()

    def told(self) -> object:
        self._thread.join(120)
        (told,) = self._told
        return told


def code_of(work: Callable[[], object]) -> str | None:
    """The code with which it was refused; None: it was not."""
    try:
        work()
    except ApiError as refused:
        return refused.code
    return None


def test_a_resend_that_meets_the_removal_of_its_delivery_is_told_that_it_is_gone(
    alice: Merchant, endpoint: Endpoint
) -> None:
    (delivery,) = ended_as("delivered", endpoint)
    with transaction.atomic():
        forget()
        other = Other(partial(code_of, partial(resend_one, alice.id, delivery.id)))
        eventually(somebody_waits_for_a_lock)
    assert other.told() == "delivery_gone"
    assert not ExtraTry.objects.exists()


def test_what_is_asked_for_at_this_moment_is_not_removed(alice: Merchant, endpoint: Endpoint) -> None:
    (delivery,) = ended_as("delivered", endpoint)
    with transaction.atomic():
        resend_one(alice.id, delivery.id)
        at_once(forget)
    forget()
    assert ExtraTry.objects.get().delivery == delivery
    assert Attempt.objects.count() == 1


def test_what_was_asked_for_between_looking_and_locking_is_not_removed(
    alice: Merchant, endpoint: Endpoint, monkeypatch
) -> None:
    (delivery,) = ended_as("delivered", endpoint)
    rows = retention._rows

    def slowly(statement: str, values: dict) -> list:
        found = rows(statement, values)
        if "FOR UPDATE" not in statement and "webhooks_delivery t" in statement:
            at_once(partial(resend_one, alice.id, delivery.id))
        return found

    monkeypatch.setattr(retention, "_rows", slowly)
    forget()
    assert ExtraTry.objects.get().delivery == delivery
    assert Attempt.objects.count() == 1


def test_who_looks_at_a_delivery_while_it_is_removed_sees_no_half(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    (delivery,) = ended_as("delivered", endpoint)

    def removed_before(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        if "webhooks_attempt" in sql:
            at_once(forget)
        return execute(sql, *more)

    with connection.execute_wrapper(removed_before):
        answer = as_alice.get(f"/v1/deliveries/{delivery.id}")
    assert (answer.status_code, Delivery.objects.count()) == (404, 0)


def test_a_parcels_resend_that_meets_the_removal_of_a_message_leaves_it_out(
    alice: Merchant, endpoint: Endpoint
) -> None:
    (delivery,) = ended_as("delivered", endpoint)
    EndpointFactory(merchant=alice)
    stream = delivery.message.stream
    with transaction.atomic():
        forget()
        other = Other(partial(resending.resend, alice.id, stream, ()))
        eventually(somebody_waits_for_a_lock)
    assert other.told() == 0
    assert (Delivery.objects.count(), Message.objects.count()) == (0, 0)


def test_a_message_that_a_parcels_resend_adds_to_stays(alice: Merchant, endpoint: Endpoint) -> None:
    (delivery,) = ended_as("cancelled", endpoint)
    EndpointFactory(merchant=alice)
    with transaction.atomic():
        assert resending.resend(alice.id, delivery.message.stream, ()) == 1
        at_once(forget)
    forget()
    assert Delivery.objects.get().message_id == Message.objects.get().id


def test_a_recovery_that_meets_a_removal_stops_before_it_and_goes_on_after_it(endpoint: Endpoint) -> None:
    ended_as("delivered", endpoint)
    (kept,) = owe(endpoint)
    Delivery.objects.filter(id=kept.id).update(state="delivered", next_attempt_at=None)
    recovery(endpoint, "delivered")
    with transaction.atomic():
        forget()
        assert at_once(recovering.advance) == [True]
        assert Recovery.objects.get().examined == 0
    Recovery.objects.update(next_batch_at=Now())
    recovering.advance()
    assert (Recovery.objects.get().state, Recovery.objects.get().recovered) == ("done", 1)
    assert Delivery.objects.get().state == "pending"


def test_two_at_once_wait_for_nobody_and_remove_everything_once(endpoint: Endpoint, monkeypatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    ended_as("delivered", endpoint, 10)
    with transaction.atomic():
        forget()
        at_once(partial(retention.forget, 30), partial(retention.forget, 30))
    retention.forget(30)
    assert (Delivery.objects.count(), Attempt.objects.count(), Message.objects.count()) == (0, 0, 0)


def to_the_end() -> None:
    """Until nothing is left to do: everything is due, and removed once it has ended."""
    for _ in range(100):
        Delivery.objects.filter(state="pending", claim_id=None).update(next_attempt_at=Now())
        Recovery.objects.update(next_batch_at=Now())
        holding.reconcile()
        recovering.advance()
        pump.run(60)
        retention.forget(30)
        running = Recovery.objects.filter(state="running").exists()
        if not (running or Delivery.objects.exists() or Message.objects.exists()):
            return
    raise AssertionError(list(Delivery.objects.values()))


class Crowd:
    """Who asks for alice's deliveries once more, in threads of their own, until `over`."""

    def __init__(self, alice: Merchant, endpoint: Endpoint) -> None:
        self.alice, self.endpoint = alice, endpoint
        self.told = [news() for _ in range(60)]
        self.refusals: set[str | None] = set()
        self.over = threading.Event()

    def record(self) -> None:
        for one in self.told:
            tell(self.alice, one)

    def by_hand(self) -> None:
        while not self.over.is_set():
            for id_ in Delivery.objects.values_list("id", flat=True)[:20]:
                self.refusals.add(code_of(partial(resend_one, self.alice.id, id_)))

    def by_parcel(self) -> None:
        while not self.over.is_set():
            for one in self.told:
                with suppress(NoActiveEndpoint):
                    resending.resend(self.alice.id, one.stream, ())

    def by_recovery(self) -> None:
        wanted = recoveries.Wanted(datetime.now(UTC) - timedelta(days=1), None, list(recovering.RECOVERABLE))
        for _ in range(8):
            recoveries.begin(self.alice.id, self.endpoint.id, wanted)
            recovering.run(5)

    def remove(self) -> None:
        while not self.over.is_set():
            retention.forget(0)

    def send_and_delete(self, endpoint: Endpoint) -> None:
        try:
            pump.run(0.5)
            holding.delete(self.alice.id, endpoint.id)
            pump.run(1.5)
        finally:
            self.over.set()


def test_beside_sending_resending_recovering_and_deleting_nothing_owed_is_lost(
    alice: Merchant, server: Subscriber, settings, monkeypatch
) -> None:
    """What has ended is old at once. Endpoints' rows stay: a recording may be under way, as after no day."""
    batches = [each for each in retention._BATCHES if each != retention._endpoints]
    monkeypatch.setattr(retention, "_BATCHES", batches)
    settings.DELIVERIES_KEPT_DAYS = 0.0
    server.answer("/stays", *[status(500), status(200)] * 30)
    shape = {"merchant": alice, "max_in_flight": 20, "retry_schedule": [1] * 20}
    stays = EndpointFactory(**shape, url=server.url("/stays"))
    goes = EndpointFactory(**shape, url=server.url("/goes"))
    crowd = Crowd(alice, stays)
    asking = (crowd.record, crowd.by_hand, crowd.by_parcel, crowd.by_recovery)
    at_once(*asking, crowd.remove, crowd.remove, partial(crowd.send_and_delete, goes), partial(pump.run, 2))
    to_the_end()
    heard = {each.headers["webhook-id"] for each in server.heard("/stays")}
    assert heard == {str(one.id) for one in crowd.told}
    assert crowd.refusals <= {None, "delivery_gone"}
    assert not Attempt.objects.exists()
    assert not ExtraTry.objects.exists()
