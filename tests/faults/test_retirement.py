"""A worker that is told to end, and a process of the pool that is replaced after so many tasks."""

import threading

import pytest

from accounts.models import Merchant
from tests.faults.stage import Stage
from tests.faults.truth import check, claimed, drained
from tests.faults.witness import once
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_one_that_has_done_its_tasks_keeps_nobody_waiting(alice: Merchant, on: Stage) -> None:
    EndpointFactory(merchant=alice, url=on.seen.url())
    worker = on.worker(WORKER_TASKS="1", SWEEP_INTERVAL="3600")
    announcer = on.announcer()
    for nth in range(3):
        before = set(worker.pool())
        announcer.until_heard(alice.id, seen=lambda last=nth: len(on.seen.posts()) > last)
        # The pump listens for a while before its task is done.
        eventually(lambda old=before: not old & set(worker.children()))
    check(on.seen)


def test_one_that_is_told_to_end_sees_its_tries_to_their_end_and_leaves_the_rest(
    alice: Merchant, on: Stage
) -> None:
    gate = threading.Event()
    on.seen.answer("/hook", once(gate))
    EndpointFactory(merchant=alice, url=on.seen.url(), max_in_flight=10)
    worker = on.worker()
    on.announcer().announce(alice.id, 200)
    on.seen.wait_for_posts(10)
    worker.process.terminate()
    eventually(lambda: "shutdown" in worker.log())
    gate.set()
    assert worker.process.wait(60) == 0
    assert claimed() == 0
    assert len(on.seen.posts()) < 200
    on.worker()
    drained()
    check(on.seen)
    assert len(on.seen.posts()) == 200
