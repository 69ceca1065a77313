"""When each sweep last ended: the lag of a sweep is how long that is ago.

Kept as rows, one a sweep, so that whoever reads the database knows: staff, `doctor`, the metrics.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from time import monotonic

from django.db import Error, connection

from accounts.models import Sweep

logger = logging.getLogger(__name__)

#: Seconds between two notes of one sweep by one process, and about as many between two of all processes.
EVERY = 1.0

# Processes that end one sweep within a moment write one row version, not many. A note of the future, from
# before the server's clock was set back, is replaced: the lag would be nothing until then.
_NOTE = """
INSERT INTO accounts_sweep AS s (name, ended_at, seconds)
VALUES (%(name)s, statement_timestamp(), %(seconds)s)
ON CONFLICT (name) DO UPDATE SET ended_at = excluded.ended_at, seconds = excluded.seconds
WHERE abs(extract(epoch FROM excluded.ended_at - s.ended_at)) > %(every)s
"""


class _Here(threading.local):
    """The sweep that this thread makes."""

    is_refused = False
    #: time.monotonic() of its beginning.
    began = 0.0


_here = _Here()
#: time.monotonic() of this process's last note, by sweep.
_noted: dict[str, float] = {}


@contextmanager
def sweeping(name: str) -> Iterator[None]:
    """Note the sweep of this name as ended, if what is within ends without an error or a refusal."""
    begin()
    yield
    note(name)


def begin() -> None:
    """A sweep of this thread begins now."""
    _here.is_refused, _here.began = False, monotonic()


def refused() -> None:
    """The database refused a part of what this thread does: its sweep will not count as ended."""
    _here.is_refused = True


def note(name: str) -> None:
    """Note that the sweep of this name, which this thread began last, ended now.

    One statement; none where this process noted it a moment ago. What the database refuses is not noted: then
    the lag grows, as it should.
    """
    now = monotonic()
    if _here.is_refused or now - _noted.get(name, -EVERY) < EVERY:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, {"name": name, "seconds": now - _here.began, "every": EVERY})
    except Error as error:
        logger.warning("that %s ended was not noted: %s", name, error)
    else:
        _noted[name] = now


def last() -> dict[str, datetime]:
    """When each sweep ended last, by the name of its task, without those that never did. One statement."""
    return dict(Sweep.objects.values_list("name", "ended_at"))
