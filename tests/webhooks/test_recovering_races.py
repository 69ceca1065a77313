"""Recoveries beside each other, beside sending, and after a kill: everything once."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models.functions import Now

from accounts.models import Merchant
from tests.processes import ROOT
from tests.subscribers import Subscriber, status
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory, ended, owe
from tests.webhooks.test_claims import side_by_side
from tests.webhooks.test_recovering import LONG_AGO, ended_as, recovery, row, to_its_end, told
from webhooks import holding, pump, recovering
from webhooks.claims import take
from webhooks.models import Attempt, Delivery, Endpoint, Recovery
from webhooks.recoveries import Wanted, begin, cancel
from webhooks.recovering import advance
from webhooks.settling import settle

pytestmark = pytest.mark.django_db(transaction=True)

#: Makes a batch, says so, and waits in the transaction for its end.
DIES_IN_MID_BATCH = """
import django
django.setup()
from django.db import transaction
from webhooks import recovering
recovering.BATCH = 50
with transaction.atomic():
    assert recovering.advance()
    print("in it", flush=True)
    input()
"""


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice, max_in_flight=50)


@pytest.fixture(autouse=True)
def _batches(monkeypatch) -> None:
    monkeypatch.setattr(recovering, "BATCH", 50)
    monkeypatch.setattr(recovering, "WAIT", 0.01)


def until_all_are_done() -> None:
    while Recovery.objects.filter(state="running").exists():
        advance()


def every_one_was_recovered_once(endpoint: Endpoint, count: int) -> bool:
    fresh = endpoint.deliveries.filter(state="pending", trigger="recovery", step=0)
    return fresh.count() == count == sum(Recovery.objects.values_list("recovered", flat=True))


def test_recoveries_of_the_same_deliveries_at_once_recover_each_once(endpoint: Endpoint) -> None:
    ended_as(endpoint, "exhausted", 1_200)
    made = [recovery(endpoint, "exhausted") for _ in range(3)]
    side_by_side(*[until_all_are_done] * 4)
    assert {told(one)[:2] for one in made} == {("done", 1_200)}
    assert every_one_was_recovered_once(endpoint, 1_200)


def test_their_order_is_kept_however_many_workers_make_the_batches(endpoint: Endpoint) -> None:
    rows = ended_as(endpoint, "exhausted", 600)
    recovery(endpoint)
    side_by_side(*[until_all_are_done] * 3)
    order = endpoint.deliveries.order_by("next_attempt_at").values_list("id", flat=True)
    assert list(order) == [each.id for each in rows]


def test_after_a_kill_in_mid_batch_another_goes_on_and_misses_and_doubles_nothing(endpoint: Endpoint) -> None:
    ended_as(endpoint, "exhausted", 220)
    made = recovery(endpoint)
    advance()
    dying = subprocess.Popen(
        [sys.executable, "-c", DIES_IN_MID_BATCH],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": _database_url(), "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert dying.stdout is not None
    assert dying.stdout.readline() == b"in it\n"
    assert not advance()
    dying.send_signal(signal.SIGKILL)
    dying.communicate()
    eventually(advance)
    until_all_are_done()
    assert told(made) == ("done", 220, 220)
    assert every_one_was_recovered_once(endpoint, 220)


def _database_url() -> str:
    its = connection.settings_dict
    return f"postgres://{its['USER']}:{its['PASSWORD']}@{its['HOST']}:{its['PORT']}/{its['NAME']}"


def test_a_connection_lost_after_it_was_begun_begins_no_second_one(
    alice: Merchant, endpoint: Endpoint
) -> None:
    fails = FailsOnce('SELECT "webhooks_recovery"."id"')
    with connection.execute_wrapper(fails):
        begin(alice.id, endpoint.id, Wanted(LONG_AGO, None, ["exhausted"]))
    assert (fails.failed, Recovery.objects.count()) == (True, 1)


class FailsOnce:
    """The first statement that begins so meets a lost connection."""

    def __init__(self, beginning: str) -> None:
        self.beginning = beginning
        self.failed = False

    def __call__(self, execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith(self.beginning) and not self.failed:
            self.failed = True
            raise OperationalError("lost")
        return execute(sql, *args)


def test_a_cancel_in_mid_way_ends_it_between_two_batches(alice: Merchant, endpoint: Endpoint) -> None:
    ended_as(endpoint, "exhausted", 1_000)
    made = recovery(endpoint)

    def stop_it() -> None:
        eventually(lambda: told(made)[1] >= 100)
        cancel(alice.id, made.id)

    side_by_side(until_all_are_done, until_all_are_done, stop_it)
    state, examined, recovered = told(made)
    assert state in {"cancelled", "done"}
    assert examined == recovered == endpoint.deliveries.filter(state="pending").count()
    assert not advance()


def test_an_ended_one_that_somebody_holds_is_waited_for_and_not_left_out(endpoint: Endpoint) -> None:
    rows = ended_as(endpoint, "exhausted", 6)
    made = recovery(endpoint)
    with Held(rows[2]):
        to_its_end_while_it_waits()
        assert told(made) == ("running", 2, 2)
        assert [row(each, "state")[0] for each in rows[:4]] == [
            "pending",
            "pending",
            "exhausted",
            "exhausted",
        ]
    until_all_are_done()
    assert told(made) == ("done", 6, 6)


def to_its_end_while_it_waits() -> None:
    for _ in range(5):
        Recovery.objects.update(next_batch_at=Now())
        assert advance()


class Held:
    """Somebody's transaction that holds a delivery's row."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery, self.taken, self.over = delivery, threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        try:
            with transaction.atomic():
                Delivery.objects.select_for_update(no_key=True).get(id=self.delivery.id)
                self.taken.set()
                self.over.wait(60)
        finally:
            connections.close_all()

    def __enter__(self) -> None:
        self.thread.start()
        assert self.taken.wait(60)

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


def test_beside_sending_that_fails_and_succeeds_nothing_is_lost_or_doubled(
    alice: Merchant, server: Subscriber
) -> None:
    endpoint = EndpointFactory(merchant=alice, url=server.url(), max_in_flight=20, retry_schedule=[1, 1])
    server.answer("/hook", *[status(500), status(200), status(503)] * 10, status(200))
    owe(endpoint, 40)
    ended_as(endpoint, "exhausted", 80)
    made = [recovery(endpoint, "pending", "exhausted") for _ in range(2)]
    side_by_side(until_all_are_done, until_all_are_done, lambda: pump.run(2), lambda: pump.run(2))
    while Delivery.objects.filter(state="pending").exists():
        Delivery.objects.filter(state="pending", claim_id=None).update(next_attempt_at=Now())
        pump.run(60)
    assert {told(one)[0] for one in made} == {"done"}
    tried = Attempt.objects.values_list("delivery_id", "number")
    assert len(tried) == len(set(tried)) == len(server.heard())
    assert sum(Delivery.objects.values_list("attempt_count", flat=True)) == len(tried)
    assert set(Delivery.objects.values_list("claim_id", flat=True)) == {None}


def test_settling_and_claiming_beside_it_stand_in_no_circle(endpoint: Endpoint) -> None:
    owe(endpoint, 100)
    ended_as(endpoint, "delivered", 400)
    recoveries = [recovery(endpoint, "pending", "delivered") for _ in range(2)]
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            settle([(each, ended(each.delivery_id, 500)) for each in take(30)])

    def recover() -> None:
        try:
            until_all_are_done()
        finally:
            over.set()

    side_by_side(send, send, recover)
    assert {told(one)[:2] for one in recoveries} == {("done", 500)}
    tried = Attempt.objects.values_list("delivery_id", "number")
    assert len(tried) == len(set(tried))


@pytest.mark.parametrize("over", [False, True])
def test_beside_pauses_and_a_deletion_nothing_is_stranded(
    alice: Merchant, endpoint: Endpoint, over: bool
) -> None:
    ended_as(endpoint, "exhausted", 400)
    made = recovery(endpoint)
    side_by_side(until_all_are_done_or_deleted, pauses_and_ends(alice, endpoint, over=over), reconciles)
    while to_its_end() or holding.reconcile():
        Recovery.objects.filter(state="running").update(next_batch_at=Now())
    state, _, recovered = told(made)
    assert state == ("cancelled" if over and recovered < 400 else "done")
    states = endpoint.deliveries.values_list("state", flat=True)
    assert set(states) <= ({"cancelled", "exhausted"} if over else {"pending"})
    assert len([one for one in states if one != "exhausted"]) == recovered


def until_all_are_done_or_deleted() -> None:
    while Recovery.objects.filter(state="running", endpoint__deleted_at=None).exists():
        advance()


def pauses_and_ends(alice: Merchant, endpoint: Endpoint, *, over: bool) -> Callable[[], None]:
    def work() -> None:
        mine = Endpoint.objects.filter(id=endpoint.id)
        for state in ("paused", "active") * 5:
            mine.update(state=state)
        if over:
            holding.delete(alice.id, endpoint.id)

    return work


def reconciles() -> None:
    for _ in range(20):
        holding.reconcile()
