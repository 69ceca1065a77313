"""Tries over all endpoints, added up by hour from the endpoints' tallies."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from tests.webhooks.cast import EndpointFactory
from webhooks import figures, summing
from webhooks.models import HourTally, Tally

pytestmark = pytest.mark.django_db


def tried(tries: int, error: str = "", *, hours_ago: int = 0) -> None:
    """At an endpoint of its own."""
    since = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    Tally.objects.create(
        endpoint=EndpointFactory(), since=since, error=error, tries=tries, duration_ms=tries, slowest_ms=tries
    )


def sum_now() -> None:
    HourTally.objects.update(counted_at=F("counted_at") - timedelta(minutes=1))
    assert summing.count()


def test_tries_of_all_endpoints_are_added_up_by_hour() -> None:
    tried(5)
    tried(7)
    tried(2, "timeout")
    tried(3, hours_ago=2)
    sum_now()
    assert [(one.tries, one.failed) for one in figures.hours()] == [(3, 0), (14, 2)]


def test_adding_up_anew_counts_nothing_twice_and_takes_in_what_came_later() -> None:
    tried(5)
    sum_now()
    tried(1)
    sum_now()
    assert [one.tries for one in figures.hours()] == [6]


def test_the_hour_that_was_counted_last_is_completed() -> None:
    tried(5, hours_ago=3)
    HourTally.objects.create(
        since=timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3),
        error="", tries=1, duration_ms=1, slowest_ms=1, counted_at=timezone.now() - timedelta(hours=3),
    )  # fmt: skip
    sum_now()
    assert [one.tries for one in figures.hours()] == [5, 0]


def test_it_is_counted_once_a_minute_and_says_when() -> None:
    assert figures.counted_at() is None
    assert summing.count()
    assert not summing.count()
    assert figures.counted_at() is not None


def test_sums_are_kept_for_thirty_days() -> None:
    summing.count()
    assert summing.forget() == 0
    HourTally.objects.update(since=F("since") - timedelta(days=31))
    assert summing.forget() == 1
