"""Beat where the clock of its machine is set back: what it sends goes on."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.beat import ScheduleEntry

from config import heartbeat
from config.beating import Scheduler
from config.celery import app


class Recording(Scheduler):
    """Notes what it would send."""

    def __init__(self, file: Path) -> None:
        self.sent: list[str | None] = []
        super().__init__(app=app, schedule_filename=str(file))

    def apply_async(self, entry: ScheduleEntry, *_unused: Any, **_more: Any) -> None:
        self.sent.append(entry.task)

    def set_the_clock_back(self, **by: float) -> None:
        """As seen from here, all was sent later than it is now."""
        for entry in self.schedule.values():
            entry.last_run_at = entry.default_now() + timedelta(**by)

    @property
    def is_ahead(self) -> bool:
        """Whether it believes to have sent something later than now."""
        return any(not entry.last_run_at or entry.last_run_at > app.now() for entry in self.schedule.values())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "beat-schedule"


@pytest.fixture
def beat(file: Path) -> Iterator[Recording]:
    made = Recording(file)
    yield made
    made.close()


def test_a_clock_that_is_set_back_keeps_nothing_from_being_sent(beat: Recording) -> None:
    for _ in range(2 * len(beat.schedule)):
        beat.tick()
    beat.set_the_clock_back(hours=1)
    assert beat.tick() <= heartbeat.INTERVAL
    assert not beat.is_ahead


def test_nor_does_one_that_was_while_beat_was_away(beat: Recording, file: Path) -> None:
    beat.set_the_clock_back(days=300)
    beat.close()
    again = Recording(file)
    assert again.tick() <= heartbeat.INTERVAL
    assert not again.is_ahead
    again.close()


def test_once_its_schedule_is_closed_it_ends_though_the_word_to_end_was_lost(beat: Recording) -> None:
    beat.close()
    with pytest.raises(SystemExit) as end:
        beat.tick()
    assert not end.value.code
