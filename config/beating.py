"""How beat keeps its schedule where the clock is set back."""

from typing import Any

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Celery's own, which would wait until the clock is again where it was, and after a restart too."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; the seconds until something is."""
        now = self.app.now()
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at and entry.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            self.populate_heap()
        return float(super().tick(*args, **kwargs))
