"""The tasks of polling: one run at a time of each process, and nobody who asks is forgotten."""

import pytest

from trackers import tasks


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


def test_a_run_that_fails_leaves_the_next_one_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, budget: float) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(tasks.Poller, "run", fail)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            tasks.poll_due()
