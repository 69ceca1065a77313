"""The tasks of polling: one run at a time of each process, and nobody who asks is forgotten."""

from unittest.mock import Mock

import pytest
from django.db import OperationalError

from tests.waiting import eventually
from trackers import tasks
from webhooks import nudging


def test_who_asks_while_a_run_goes_on_is_seen_to_by_the_task_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs: list[float] = []
    published: list[object] = []

    class Poller:
        def run(self, budget: float) -> int:
            runs.append(budget)
            tasks.poll_due()
            return 0

    monkeypatch.setattr(tasks, "Poller", Poller)
    monkeypatch.setattr(tasks, "publish", published.append)
    tasks.poll_due()
    assert (len(runs), published) == (1, [tasks.poll_due])


def test_however_many_ask_it_is_one_task_until_that_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[object] = []
    monkeypatch.setattr(nudging, "STALE", 600.0)
    monkeypatch.setattr(tasks.Poller, "run", Mock(return_value=0))
    monkeypatch.setattr(tasks, "publish", published.append)
    for _ in range(100):
        tasks.nudge()
    assert published == [tasks.poll_due]
    tasks.poll_due()
    tasks.nudge()
    assert published == [tasks.poll_due] * 2


def test_a_task_that_was_lost_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[object] = []
    monkeypatch.setattr(nudging, "STALE", 0.01)
    monkeypatch.setattr(tasks, "publish", published.append)
    tasks.nudge()
    eventually(lambda: tasks.nudge() or len(published) > 1)


def test_a_run_that_fails_leaves_the_next_one_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, budget: float) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(tasks.Poller, "run", fail)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            tasks.poll_due()


@pytest.mark.django_db
def test_a_sweep_polls_though_accounts_cannot_be_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "settle_accounts", Mock(side_effect=OperationalError("statement timeout")))
    run = Mock(return_value=0)
    monkeypatch.setattr(tasks.Poller, "run", run)
    tasks.sweep()
    run.assert_called_once()
