"""How far behind each sweep is: beat's schedule beside the notes of when each last ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts import sweeps
from config.celery import app

#: Beat's own proof goes through Redis alone, and sweeps nothing (`config.heartbeat`).
_PROOF = "config.tasks.beat_seen"
#: Periods, and seconds, after which a sweep that ended no more needs a person: whichever is longer.
PERIODS, LEAST = 10, 600.0


@dataclass(frozen=True, slots=True)
class Lag:
    """One sweep: the name of its task, the seconds after which it comes again, and when it ended last.

    `ended_at` is None where it never did.
    """

    name: str
    every: float
    ended_at: datetime | None

    def seconds(self, now: datetime) -> float | None:
        """How long ago it ended; None: it never did."""
        return None if self.ended_at is None else max(0.0, (now - self.ended_at) / timedelta(seconds=1))

    def is_stale(self, now: datetime) -> bool:
        """Whether it used to end, and has not for too long."""
        age = self.seconds(now)
        return age is not None and age > max(PERIODS * self.every, LEAST)


def periods() -> dict[str, float]:
    """The sweeps that beat asks for: the name of each task, and its seconds."""
    entries = app.conf.beat_schedule.values()
    return {one["task"]: float(one["schedule"]) for one in entries if one["task"] != _PROOF}


def lags() -> list[Lag]:
    """Every sweep of beat's schedule, in its order. One statement."""
    ended = sweeps.last()
    return [Lag(name, every, ended.get(name)) for name, every in periods().items()]
