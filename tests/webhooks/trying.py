"""One delivery, tried once by the pump, and what follows from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from tests.webhooks.cast import attempts_of, owe
from tests.webhooks.deadlines import with_time_enough
from webhooks import pump
from webhooks.backoff import DEFAULT_SCHEDULE, JITTER
from webhooks.models import Attempt, Delivery, Endpoint


@dataclass(frozen=True)
class Tried:
    """One delivery after a run of the pump, between two moments of the database's clock."""

    delivery: Delivery
    attempt: Attempt
    began: datetime
    ended: datetime

    def waits(self, seconds: float) -> bool:
        """Whether the next try is in so many seconds, chance included."""
        due = self.delivery.next_attempt_at
        earliest = self.began + timedelta(seconds=seconds)
        # A second more: dates are cut to whole ones.
        latest = self.ended + timedelta(seconds=(seconds + 1) * (1 + JITTER))
        return self.delivery.state == "pending" and due is not None and earliest <= due <= latest


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def try_once(endpoint: Endpoint) -> Tried:
    (delivery,) = owe(endpoint)
    began = database_now()
    assert pump.run(0.01) == 1
    ended = database_now()
    delivery.refresh_from_db()
    (attempt,) = attempts_of(delivery)
    endpoint.refresh_from_db()
    return Tried(delivery, attempt, began, ended)


def try_with_time_enough(endpoint: Endpoint, error: str) -> Tried:
    """A try that ends when its deadline is over; others before it are forgotten."""

    def once() -> Tried:
        Attempt.objects.all().delete()
        Delivery.objects.all().delete()
        Endpoint.objects.update(failing_tries=0, failing_since=None, timeouts=0)
        return try_once(endpoint)

    return with_time_enough(once, lambda tried: tried.attempt.error == error)


def check_what_follows(endpoint: Endpoint, tried: Tried, error: str) -> None:
    """The delivery's state, when the next try is, and what the endpoint's health makes of it."""
    assert (tried.delivery.attempt_count, tried.delivery.claim_id) == (1, None)
    if error:
        assert tried.waits(DEFAULT_SCHEDULE[0])
        assert tried.delivery.step == 1
        assert (endpoint.failing_tries, endpoint.failing_since) == (1, tried.attempt.started_at)
    else:
        assert (tried.delivery.state, tried.delivery.next_attempt_at) == ("delivered", None)
        assert (endpoint.failing_tries, endpoint.failing_since) == (0, None)
    assert endpoint.state == "active"
