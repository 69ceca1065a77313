"""How far behind each sweep is, as a worker's own process notes it."""

from datetime import timedelta
from typing import Any

import pytest
from celery import Task
from celery.app.trace import build_tracer
from django.utils import timezone

from accounts.models import Sweep
from accounts.tasks import forget_sign_ins
from config import lags, sweeping
from config.attending import Attendance
from config.celery import app
from config.tasks import beat_seen
from webhooks import tasks as webhook_tasks

pytestmark = pytest.mark.django_db


def run(task: Task[..., Any]) -> None:
    """As a worker runs what came from the broker."""
    tracer = build_tracer(task.name, task, app=app, eager=True)
    tracer("an-id", [], {}, {})


def ended(name: str) -> bool:
    (lag,) = (one for one in lags.lags() if one.name == name)
    return lag.ended_at is not None


def test_every_sweep_of_beats_schedule_has_a_lag_though_it_never_ended() -> None:
    found = {one.name: one for one in lags.lags()}
    assert (
        found.keys()
        == lags.periods().keys()
        >= {"trackers.sweep", "webhooks.forget", "accounts.forget_sign_ins"}
    )
    assert "config.tasks.beat_seen" not in found
    assert {one.seconds(timezone.now()) for one in found.values()} == {None}
    assert found["webhooks.forget"].every == 60.0


def test_a_lag_is_how_long_ago_it_ended() -> None:
    Sweep.objects.create(name="trackers.forget", ended_at=timezone.now() - timedelta(hours=1), seconds=1)
    (lag,) = (one for one in lags.lags() if one.name == "trackers.forget")
    assert 3600 <= (lag.seconds(timezone.now()) or 0) < 3700


def test_a_note_of_the_future_hides_nothing_once_the_servers_clock_is_set_back() -> None:
    Sweep.objects.create(
        name="accounts.forget_sign_ins", ended_at=timezone.now() + timedelta(days=1), seconds=1
    )
    run(forget_sign_ins)
    assert Sweep.objects.get().ended_at < timezone.now() + timedelta(hours=1)


def test_what_came_from_beat_is_noted() -> None:
    run(forget_sign_ins)
    assert ended("accounts.forget_sign_ins")


def test_what_fails_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.signing_in.forget", lambda: 1 / 0)
    run(forget_sign_ins)
    assert not ended("accounts.forget_sign_ins")


def test_beats_own_proof_is_not_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.heartbeat.note", lambda *_: None)
    run(beat_seen)
    assert not Sweep.objects.exists()


def test_a_processs_own_sweeps_are_noted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = iter([False, True])
    monkeypatch.setattr(sweeping._over, "wait", lambda _seconds: next(rounds))
    monkeypatch.setattr(sweeping, "close_old_connections", lambda: None)  # the test's own
    sweeping._run([webhook_tasks.count], Attendance("of a test"))
    assert ended("webhooks.count")


def test_one_statement_reads_them_all(django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        lags.lags()
