"""Commits tell pumps of themselves through Redis: with few tasks, and none of them is forgotten."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from functools import cache

import pytest
import redis
from django.conf import settings as django_settings
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from webhooks import nudging
from webhooks.nudging import Ear, keys, nudge
from webhooks.paces import Pace
from webhooks.stopping import stop

#: What runs, in steps: between two of them anything else may happen.
Steps = Iterator[None]


@pytest.fixture
def valkey() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        yield client


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear(Pace.FIRST)
    made.begin()
    yield made
    made.end()


def asked_anew(ear: Ear) -> bool:
    ear.ask_at = 0.0
    return ear.heard()


def test_the_first_commit_asks_for_a_task_and_the_next_ones_do_not() -> None:
    assert [nudge() for _ in range(1000)] == [True] + [False] * 999


def test_each_pace_is_nudged_for_itself() -> None:
    assert (nudge(Pace.FIRST), nudge(Pace.LATE), nudge(Pace.FIRST)) == (True, True, False)


def test_while_a_pump_runs_no_task_is_asked_for_and_it_hears_of_it_once(ear: Ear) -> None:
    assert not nudge()
    assert (asked_anew(ear), asked_anew(ear)) == (True, False)


def test_what_was_committed_before_it_began_is_no_news(valkey: redis.Redis) -> None:
    nudge()
    ear = Ear(Pace.FIRST)
    ear.begin()
    assert not asked_anew(ear)
    assert not ear.end()


def test_a_pump_that_ends_is_told_what_it_has_not_heard_of(ear: Ear) -> None:
    nudge()
    assert ear.end()
    assert ear.end(), "however often it ends"
    assert nudge()


def test_a_pump_of_both_paces_hears_of_both(valkey: redis.Redis) -> None:
    ear = Ear(*Pace)
    ear.begin()
    for pace in Pace:
        assert not nudge(pace)
        assert asked_anew(ear)
    assert not ear.end()
    assert (nudge(Pace.FIRST), nudge(Pace.LATE)) == (True, True)


def test_a_pump_that_has_just_asked_does_not_ask_again(ear: Ear, valkey: redis.Redis, monkeypatch) -> None:
    monkeypatch.setattr(nudging, "ASK_EVERY", 60.0)
    asked_anew(ear)
    nudge()
    assert not ear.heard()
    assert valkey.exists(keys(Pace.FIRST)[0])


def test_who_waits_is_woken_by_a_commit(ear: Ear) -> None:
    later = threading.Timer(0.3, nudge)
    later.start()
    assert ear.wait(60)
    later.join()


def test_who_waits_for_nothing_leaves_in_time(ear: Ear) -> None:
    began = time.monotonic()
    assert not ear.wait(0.05)
    assert time.monotonic() - began >= 0.05


def test_the_word_to_stop_ends_a_wait(ear: Ear) -> None:
    later = threading.Timer(0.1, stop.set)
    later.start()
    began = time.monotonic()
    try:
        assert not ear.wait(300)
        assert time.monotonic() - began < 150
    finally:
        later.join()
        stop.clear()


def test_a_pump_that_waits_still_counts_as_one(ear: Ear, valkey: redis.Redis) -> None:
    valkey.persist(keys(Pace.FIRST)[1])
    assert not ear.wait(0.3)
    assert 0 < valkey.pttl(keys(Pace.FIRST)[1]) <= nudging.STALE * 1000


def test_without_redis_nobody_is_told_and_it_is_left_alone_after_the_first_failure(settings, caplog) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/7"
    ear = Ear(Pace.FIRST)
    with caplog.at_level(logging.WARNING):
        ear.begin()
        assert not any([nudge(), asked_anew(ear), ear.wait(60), ear.end()])
    assert len([each for each in caplog.records if "Redis failed" in each.getMessage()]) == 1


def test_an_answer_that_got_lost_may_have_been_news(settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/8"
    ear = Ear(Pace.FIRST)
    assert asked_anew(ear)
    assert not asked_anew(ear)


def test_a_redis_that_was_emptied_and_knows_no_script_is_asked_all_the_same(
    ear: Ear, valkey: redis.Redis
) -> None:
    valkey.flushdb()
    valkey.script_flush()
    assert nudge()
    assert asked_anew(ear)


class Stage:
    """Pumps and commits whose steps come in any order: `due` are rows, `tasks` what was published."""

    def __init__(self) -> None:
        self.due: set[int] = set()
        self.tasks = 0
        self.forget()

    def commit(self, row: int) -> Steps:
        self.due.add(row)
        yield
        if nudge():
            yield
            self.tasks += 1

    def pump(self) -> Steps:
        ear = Ear(Pace.FIRST)
        ear.begin()
        yield
        self.due.clear()
        yield
        while asked_anew(ear):
            yield
            self.due.clear()
            yield
        yield
        if ear.end():
            yield
            self.tasks += 1

    def play(self, runs: Sequence[Steps], order: Sequence[int]) -> None:
        """Let them take their steps in this order, and then what is left of each."""
        for who in order:
            next(runs[who], None)
        for run in runs:
            for _ in run:
                pass

    def work(self) -> None:
        """Run the tasks that were published, and those that they publish."""
        while self.tasks:
            self.tasks -= 1
            for _ in self.pump():
                pass

    def forget(self) -> None:
        """As if STALE seconds had passed."""
        _connected().delete(*keys(*Pace))

    def left(self) -> list[int]:
        """For how many milliseconds each key that is there stays; -1: for ever."""
        return [stays for key in keys(*Pace) if (stays := _connected().pttl(key)) != -2]


@cache
def _connected() -> redis.Redis:
    """To connect anew for each example would take longer than what it does."""
    return redis.Redis.from_url(django_settings.REDIS_URL)


def _orders(*steps: int) -> Iterator[tuple[int, ...]]:
    """Every order of so many steps of each."""
    if not any(steps):
        yield ()
    for who, left in enumerate(steps):
        if left:
            for rest in _orders(*steps[:who], left - 1, *steps[who + 1 :]):
                yield (who, *rest)


@pytest.mark.parametrize("is_asked_for", [False, True], ids=["by a sweep", "by an earlier commit"])
def test_wherever_a_commit_comes_in_a_pumps_life_its_row_is_sent(*, is_asked_for: bool) -> None:
    for order in _orders(6, 3):
        stage = Stage()
        if is_asked_for:
            stage.play([stage.commit(0)], ())
            stage.tasks -= 1
        stage.play([stage.pump(), stage.commit(1)], order)
        assert not stage.due or stage.tasks, order
        stage.work()
        assert not stage.due, order


@effort(deadline=None, max_examples=300)
@given(order=st.lists(st.integers(0, 4), max_size=40))
def test_several_pumps_and_commits_side_by_side_leave_nothing_behind(order: list[int]) -> None:
    stage = Stage()
    runs = [stage.pump(), stage.pump(), *(stage.commit(row) for row in range(3))]
    stage.play(runs, order)
    assert not stage.due or stage.tasks
    stage.work()
    assert not stage.due


@effort(deadline=None, max_examples=200)
@given(order=st.lists(st.integers(0, 3), max_size=30), killed=st.sampled_from([0, 1]))
def test_wherever_a_pump_is_killed_what_it_leaves_in_redis_ends_by_itself(
    order: list[int], killed: int
) -> None:
    stage = Stage()
    runs: list[Steps] = [stage.pump(), stage.pump(), stage.commit(1), stage.commit(2)]
    for who in order:
        next(runs[who], None)
    runs[killed] = iter(())
    stage.play(runs, ())
    assert all(0 <= stays <= nudging.STALE * 1000 for stays in stage.left())
    stage.forget()
    stage.play([stage.commit(3)], ())
    assert stage.tasks
    stage.work()
    assert not stage.due
