"""Whether beat and workers work, wherever they run: by what came through, and by what they wrote down."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings

from config import heartbeat
from config.alerts import BEAT_LATE
from config.doctor.findings import Finding, bad, ok

#: Seconds without a word after which a process does not count. Each says one every ten seconds, after a sweep
#: that may take a while.
SILENT = 120.0
_START = "look whether they run, and at their logs: `manage.py up` in development, else"


def beat() -> Iterator[Finding]:
    """Its task goes through a worker every two seconds."""
    seen = heartbeat.last_beat(settings.REDIS_URL)
    todo = f"{_START} `manage.py beat` and `manage.py worker`"
    if seen is None:
        yield bad("no task of beat has ever come through a worker", todo)
        return
    age = datetime.now(UTC) - seen
    if age > BEAT_LATE:
        yield bad(f"no task of beat came through a worker for {age.total_seconds():.0f} s", todo)
    else:
        yield ok(f"its last task came through a worker {max(0.0, age.total_seconds()):.0f} s ago")


def workers() -> Iterator[Finding]:
    """A line for each queue: how many processes take from it, and did their work lately."""
    now = datetime.now(UTC)
    heard = heartbeat.attending(settings.REDIS_URL, sorted(settings.CELERY_TASK_QUEUES))
    for queue, those in heard.items():
        ages = {who: (now - at).total_seconds() for who, at in those.items()}
        working = {who.partition(" ")[0] for who, age in ages.items() if age <= SILENT}
        count = sum(age <= SILENT for age in ages.values())
        if count:
            processes = "1 process" if count == 1 else f"{count} processes"
            yield ok(f"queue {queue}: {processes} of {', '.join(sorted(working))}")
        else:
            last = f"; the last one {min(ages.values()):.0f} s ago" if ages else ""
            yield bad(f"queue {queue}: no process works{last}", f"{_START} `manage.py worker {queue}`")
