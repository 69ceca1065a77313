"""What goes wrong around polling: locks, broken accounts, requests that meet."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from django.db import connection, transaction
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount
from events.log import _LOCK_CLASS
from events.models import Event
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from trackers import comparing, concluding
from trackers.learned import Polled
from trackers.models import Tracker, Watch
from trackers.recording import record

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
Poll = Callable[[], int]


@contextmanager
def held_elsewhere(statement: str, *values: Any) -> Iterator[None]:
    """Another session holds what the statement locks, while the block runs."""
    locked, over = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, values)
                locked.set()
                over.wait(180)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert locked.wait(60)
    try:
        yield
    finally:
        over.set()
        thread.join()


def lock_timeout(milliseconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {milliseconds}")


def test_an_account_whose_key_no_key_opens_hurts_nobody_else(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> None:
    broken = CarrierAccountFactory(merchant=None, courier="247express", base_url=carrier.url)
    with connection.cursor() as cursor:
        token = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
        cursor.execute("UPDATE carriers_carrieraccount SET key = %s WHERE id = %s", [token, broken.id])
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    follow(alice, "HSAAAA00", courierCode=["all24", "247express"])
    poll_all()
    state = CarrierAccount.objects.filter(id=broken.id).values_list("state", "suspended_reason").get()
    assert state[0] == "suspended"
    assert "FIELD_ENCRYPTION_KEYS" in state[1]
    assert Watch.objects.get(courier="all24").last_outcome == "ok"
    assert Watch.objects.get(courier="247express").claim_id is None


def test_an_account_of_a_courier_that_is_gone_hurts_nobody_else(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> None:
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    gone = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    follow(alice, "HSAAAA01")
    CarrierAccount.objects.filter(id=gone.id).update(courier="pigeon")
    follow(alice, "HSAAAA00")
    poll_all()
    assert CarrierAccount.objects.get(id=gone.id).state == "suspended"
    assert Watch.objects.get(tracker__tracking_number="HSAAAA00").last_outcome == "ok"


def test_an_answer_that_our_own_fault_keeps_from_the_log_hurts_nobody_else(
    alice: Merchant,
    account: CarrierAccount,
    carrier: CarrierServer,
    follow: Follow,
    poll_all: Poll,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = [f"HSAAAA{nth:02}" for nth in range(4)]
    for number in numbers:
        carrier.replies[number] = order(number, "050000")
        follow(alice, number)

    def failing(merchant: UUID, group: Sequence[Polled]) -> int:
        if any(one.settled.claim.number == numbers[0] for one in group):
            raise ZeroDivisionError
        return record(merchant, group)

    monkeypatch.setattr(concluding, "record", failing)
    assert poll_all() == 4
    found = dict(Watch.objects.values_list("tracker__tracking_number", "last_outcome"))
    assert found == dict.fromkeys(numbers, "ok") | {numbers[0]: "bad_response"}


def test_a_key_that_was_replaced_in_mid_poll_is_used_without_haste(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> None:
    """A late 401 for the old key neither suspends the new one, nor makes the watch spin."""

    def replaced() -> tuple[int, bytes]:
        try:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE carriers_carrieraccount SET changed_at = clock_timestamp()")
        finally:
            connection.close()
        carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
        return 401, b"{}"

    carrier.replies["HSAAAA00"] = replaced
    follow(alice, "HSAAAA00")
    assert poll_all() <= 3
    assert CarrierAccount.objects.get(id=account.id).state == "active"


def test_one_merchants_locked_rows_hold_up_nobody_else(
    alice: Merchant, bob: Merchant, carrier: CarrierServer, follow: Follow, poll_all: Poll, settings: Settings
) -> None:
    CarrierAccountFactory(merchant=None, courier="all24", base_url=carrier.url)
    mine, other = follow(alice, "HSAAAA00"), follow(bob, "HSBBBB00")
    for tracker in (mine, other):
        carrier.replies[tracker.tracking_number] = order(tracker.tracking_number, "050000")
    lock_timeout(100)
    with held_elsewhere("SELECT FROM trackers_tracker WHERE id = %s FOR UPDATE", mine.id):
        poll_all()
    assert Watch.objects.get(tracker=other).last_outcome == "ok"
    assert Watch.objects.get(tracker=mine).last_outcome is None
    assert Watch.objects.get(tracker=mine).claim_id is not None


def test_a_create_that_waits_too_long_is_a_conflict_to_try_again(
    alice: Merchant, as_alice: APIClient
) -> None:
    lock_timeout(100)
    statement = "SELECT pg_advisory_xact_lock(%s, hashtext(%s))"
    with held_elsewhere(statement, _LOCK_CLASS, str(alice.id)):
        answer = as_alice.post("/v1/trackers", {"trackingNumber": "12345"}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "request_conflict")
    assert answer["Retry-After"]
    assert not Event.objects.exists()
    assert not Tracker.objects.exists()


def test_asking_for_a_poll_while_it_is_recorded_neither_deadlocks_nor_gets_lost(
    alice: Merchant,
    client_of: Callable[[Merchant], APIClient],
    account: CarrierAccount,
    carrier: CarrierServer,
    follow: Follow,
    poll_all: Poll,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The request comes while the recording transaction is open, by the API and in a thread of its own."""
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    tracker = follow(alice, "HSAAAA00")
    client, statuses, threads = client_of(alice), [], []
    plainly = comparing.changes

    def ask() -> None:
        try:
            statuses.append(client.post(f"/v1/trackers/{tracker.id}/poll").status_code)
        finally:
            connection.close()

    def with_a_request_in_between(*args: Any, **options: Any) -> Any:
        if not threads:
            threads.append(threading.Thread(target=ask))
            threads[0].start()
        return plainly(*args, **options)

    monkeypatch.setattr(comparing, "changes", with_a_request_in_between)
    poll_all()
    threads[0].join()
    poll_all()
    assert statuses == [202]
    assert len(carrier.asked) == 2
