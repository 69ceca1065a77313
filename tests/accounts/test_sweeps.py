"""When each sweep last ended."""

from datetime import timedelta

import pytest
from django.db import Error, OperationalError
from django.utils import timezone

from accounts import sweeps
from accounts.models import Sweep
from events.retrying import apart

pytestmark = pytest.mark.django_db


def refuse() -> None:
    raise OperationalError("canceling statement due to lock timeout")


def test_a_sweep_is_noted_as_it_ends() -> None:
    with sweeps.sweeping("webhooks.sweep"):
        assert sweeps.last() == {}
    (ended,) = sweeps.last().values()
    assert timezone.now() - ended < timedelta(minutes=1)
    assert 0 <= Sweep.objects.get(name="webhooks.sweep").seconds < 60


def test_one_that_fails_is_not() -> None:
    with pytest.raises(Error), sweeps.sweeping("webhooks.sweep"):
        refuse()
    assert sweeps.last() == {}


def test_nor_is_one_that_the_database_refused_a_part_of_until_the_next_is_whole() -> None:
    with sweeps.sweeping("webhooks.sweep"):
        apart(refuse)
    assert sweeps.last() == {}
    with sweeps.sweeping("webhooks.sweep"):
        pass
    assert list(sweeps.last()) == ["webhooks.sweep"]


def test_a_later_end_replaces_the_earlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Sweep.objects.create(name="webhooks.sweep", ended_at=long_ago, seconds=1)
    sweeps.note("webhooks.sweep")
    assert sweeps.last()["webhooks.sweep"] > long_ago


def test_ends_within_a_moment_cost_one_statement(django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        for _ in range(100):
            sweeps.note("webhooks.pump")


def test_many_processes_write_a_row_once_in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps.note("webhooks.pump")
    first = sweeps.last()
    monkeypatch.setattr(sweeps, "_noted", {})  # another process
    sweeps.note("webhooks.pump")
    assert sweeps.last() == first
