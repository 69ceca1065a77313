"""A session of the database that ends while answers are recorded: they are recorded all the same, once."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from events.models import Event
from tests.carrier_server import CarrierServer, order
from trackers import recording
from trackers.models import Tracker, Watch
from trackers.rebuilding import check
from webhooks.models import Delivery, Message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("account")]

NUMBERS = ("HSAAAA00", "HSAAAA01", "HSAAAA02")


def end_session() -> None:
    """Wait until the server has ended the session of this process."""
    pid = connection.connection.info.backend_pid
    names = connection.get_connection_params()
    names = {name: names[name] for name in ("host", "port", "user", "password", "dbname") if name in names}
    with psycopg.connect(**names, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])


@pytest.mark.parametrize(
    ("phase", "nth"), [("fold", 2), ("announcement", 2), ("owe", 1), ("keep", 1), ("settle", 1)]
)
def test_a_session_that_ends_in_the_middle_loses_nothing_and_doubles_nothing(
    alice: Merchant,
    as_alice: APIClient,
    carrier: CarrierServer,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
    nth: int,
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    hook = {"url": "http://127.0.0.1:9/hook", "types": ["tracking.*"]}
    assert as_alice.post("/v1/webhooks", hook, format="json").status_code == 201
    for number in NUMBERS:
        carrier.replies[number] = order(number, "100000", "250000")
        follow(alice, number)
    work, calls = getattr(recording, phase), []

    def cut(*args: Any, **options: Any) -> Any:
        calls.append(phase)
        if len(calls) == nth:
            end_session()
        return work(*args, **options)

    monkeypatch.setattr(recording, phase, cut)
    poll_all()
    assert len(calls) > nth
    assert Event.objects.filter(type="tracking.scanned").count() == 2 * len(NUMBERS)
    assert Message.objects.count() == Delivery.objects.count() == len(NUMBERS)
    assert not Watch.objects.exclude(claim_id=None).exists()
    assert list(check()) == []
