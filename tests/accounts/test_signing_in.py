"""What is kept of staff signing in goes when its time is over, a little at a time."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.utils import timezone

from accounts import signing_in, tasks
from tests.plans import reads_by_index
from tests.together import at_once

pytestmark = pytest.mark.django_db


def failed(name: str, days_ago: float) -> None:
    """A sign-in that failed so many days ago."""
    row = AccessAttempt.objects.create(username=name, ip_address="192.0.2.1", failures_since_start=1)
    AccessAttempt.objects.filter(id=row.id).update(attempt_time=timezone.now() - timedelta(days=days_ago))


def came(name: str, days_ago: float) -> None:
    row = AccessLog.objects.create(username=name)
    AccessLog.objects.filter(id=row.id).update(attempt_time=timezone.now() - timedelta(days=days_ago))


def session(key: str, ends_in: timedelta) -> None:
    Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + ends_in)


def names(kind: type[Model], column: str = "username") -> set[str]:
    return set(kind._default_manager.values_list(column, flat=True))


def test_failed_and_good_sign_ins_are_kept_for_ninety_days() -> None:
    for note in (failed, came):
        note("old", 90.001)
        note("young", 89.999)
    tasks.forget_sign_ins()
    assert names(AccessAttempt) == names(AccessLog) == {"young"}


def test_a_session_is_kept_until_it_has_ended() -> None:
    session("over", timedelta(seconds=-1))
    session("good", timedelta(minutes=1))
    tasks.forget_sign_ins()
    assert names(Session, "session_key") == {"good"}


def test_a_run_takes_batches_until_none_is_left(
    monkeypatch: pytest.MonkeyPatch, count_statements: Callable[[Callable[[], object]], int]
) -> None:
    monkeypatch.setattr(signing_in, "BATCH", 2)
    for nth in range(5):
        session(f"{nth}", timedelta(days=-nth - 1))
    assert signing_in.forget()
    assert names(Session, "session_key") == {"0", "1", "2"}  # the oldest went
    tasks.forget_sign_ins()
    assert not Session.objects.exists()
    assert not signing_in.forget()


def test_a_run_ends_though_more_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_in, "BATCH", 1)
    monkeypatch.setattr(tasks, "BATCHES", 3)
    for nth in range(5):
        session(f"{nth}", timedelta(days=-1))
    tasks.forget_sign_ins()
    assert Session.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_at_once_hinder_nobody() -> None:
    for nth in range(50):
        session(f"{nth}", timedelta(days=-1))
        failed(f"{nth}", 91)
    at_once(*[tasks.forget_sign_ins] * 3)
    assert not Session.objects.exists()
    assert not AccessAttempt.objects.exists()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("django_session", "expire_date"),
        ("axes_accessattempt", "attempt_time"),
        ("axes_accesslog", "attempt_time"),
        ("axes_accessfailurelog", "attempt_time"),
    ],
)
def test_an_index_finds_the_oldest(table: str, column: str) -> None:
    statement = f"SELECT * FROM {table} WHERE {column} < now() ORDER BY {column} LIMIT 1000"
    assert reads_by_index(statement)
