"""What carriers said goes after its days, a little at a time."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now
from pytest_django import Settings

from accounts.models import Merchant
from config.celery import app
from tests.together import at_once
from trackers import forgetting, tasks
from trackers.models import RawAnswer, Tracker, Watch

pytestmark = pytest.mark.django_db

Follow = Callable[..., Tracker]


@pytest.fixture
def watch(alice: Merchant, follow: Follow) -> Watch:
    return Watch.objects.get(tracker=follow(alice, "PARCEL-1"))


def said(watch: Watch, *days_ago: float) -> None:
    """Answers of so many days ago."""
    RawAnswer.objects.bulk_create(
        RawAnswer(
            watch=watch,
            digest=f"{days}",
            body=b"",
            asked_at=Now() - timedelta(days=days),
            created_at=Now() - timedelta(days=days),
        )
        for days in days_ago
    )


def left() -> list[str]:
    return list(RawAnswer.objects.order_by("created_at").values_list("digest", flat=True))


def test_an_answer_is_kept_for_ninety_days(watch: Watch) -> None:
    said(watch, 91, 90.001, 89.999, 1)
    tasks.forget()
    assert left() == ["89.999", "1"]


def test_the_days_are_a_setting(watch: Watch, settings: Settings) -> None:
    settings.RAW_ANSWERS_KEPT_DAYS = 7
    said(watch, 8, 6)
    tasks.forget()
    assert left() == ["6"]


def test_the_oldest_go_first_and_no_more_at_a_time_than_a_batch(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 2)
    said(watch, 95, 94, 93)
    assert forgetting.forget() == 2
    assert left() == ["93"]
    assert forgetting.forget() == 1
    assert forgetting.forget() == 0


def test_a_task_goes_on_until_nothing_is_left_or_its_batches_are_made(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 1)
    monkeypatch.setattr(tasks, "BATCH", 1)
    monkeypatch.setattr(tasks, "BATCHES", 2)
    said(watch, 95, 94, 93, 1)
    tasks.forget()
    assert left() == ["93", "1"]
    tasks.forget()
    assert left() == ["1"]


@pytest.mark.django_db(transaction=True)
def test_one_that_somebody_holds_is_left_and_not_waited_for(watch: Watch) -> None:
    said(watch, 95, 94)
    with transaction.atomic():
        RawAnswer.objects.select_for_update().get(digest="95")
        assert at_once(forgetting.forget) == [1]
    assert left() == ["95"]


def test_beat_asks_for_it_every_minute() -> None:
    entry = app.conf.beat_schedule["what carriers said long ago"]
    assert (entry["task"], entry["schedule"]) == ("trackers.forget", 60.0)


@pytest.mark.django_db(transaction=True)
def test_where_beat_is_dead_each_sweep_forgets_a_little(watch: Watch) -> None:
    said(watch, 95, 1)
    tasks.sweep()
    assert left() == ["1"]
