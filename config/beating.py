"""How beat keeps its schedule where the clock is set back, and ends where the word to end was lost."""

from typing import Any

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Celery's own, which would wait until the clock is again where it was, and after a restart too."""

    _is_closed = False

    def close(self) -> None:
        """Keep the schedule for the next start. Celery does so on SIGTERM, and raises SystemExit then."""
        self._is_closed = True
        super().close()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; the seconds until something is.

        Raises SystemExit once closed: raised by a signal while the Redis client read an answer, it became an
        error of that client's, and beat went on.
        """
        if self._is_closed:
            raise SystemExit
        now = self.app.now()
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at and entry.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            self.populate_heap()
        return float(super().tick(*args, **kwargs))
