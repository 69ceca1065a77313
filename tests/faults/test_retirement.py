"""A process of the pool that is replaced after so many tasks: its successor works at once."""

import pytest

from accounts.models import Merchant
from tests.faults.stage import Stage
from tests.faults.truth import check
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_one_that_has_done_its_tasks_keeps_nobody_waiting(alice: Merchant, on: Stage) -> None:
    EndpointFactory(merchant=alice, url=on.seen.url())
    worker = on.worker(options="--max-tasks-per-child 1", SWEEP_INTERVAL="3600")
    announcer = on.announcer()
    before = set(worker.pool())
    for nth in range(3):
        announcer.announce(alice.id)
        on.seen.wait_for_posts(nth + 1, within=15)
        # The pump listens for a while before its task is done.
        eventually(lambda done=nth: worker.log().count("succeeded") > done)
    check(on.seen)
    assert not before & set(worker.pool())
