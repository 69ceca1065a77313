"""Sessions of PostgreSQL that end in the middle of everything."""

import pytest
from django.db import connection

from accounts.models import Merchant
from tests.faults.stage import Stage
from tests.faults.truth import check, drained, sends
from tests.faults.witness import slowly
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def end_their_sessions() -> int:
    """End every session of this database but our own. How many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_sessions_that_end_lose_nothing_and_repeat_nothing(alice: Merchant, on: Stage) -> None:
    """Who lives keeps its claims: a try that ended is recorded on a new session, and sent no second time."""
    on.seen.answer("/hook", slowly(0.05))
    EndpointFactory(merchant=alice, url=on.seen.url(), max_in_flight=20)
    on.announcer().announce(alice.id, 300)
    on.worker()
    for nth in range(1, 6):
        on.seen.wait_for_posts(50 * nth)
        eventually(end_their_sessions)
    drained()
    check(on.seen)
    assert set(sends(on.seen.posts()).values()) == {1}
