"""What a process of a worker writes down while it sweeps, so that others know that it works.

For `config.probe`, on this machine, a file; for `manage.py doctor`, anywhere, a word in Redis.
"""

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Event
from time import monotonic

import redis
from django.conf import settings

from accounts import progress
from config import heartbeat, presence

logger = logging.getLogger(__name__)

#: Seconds between two notes in the file, and two words in Redis, at least. While a sweep goes on, words come
#: more seldom: a Redis that does not answer costs a second, in which deliveries would wait.
_FILE_EVERY, _WORD_EVERY, _WORD_EVERY_IN_SWEEP = 1.0, 10.0, 60.0

#: The name of this process's worker, which its parent knew before it forked.
_worker = [""]
_complained = Event()


def worker_begins(name: str, processes: int) -> None:
    """Note, in the worker's parent, who begins, and with how many processes."""
    _worker[0] = name
    _write(presence.Note(name, processes))


def worker_ends(queues: Sequence[str]) -> None:
    """Take back, in the worker's parent, the word of its processes, which have ended in order."""
    with suppress(redis.RedisError):
        heartbeat.leave(settings.REDIS_URL, queues, _of_worker(_worker[0], os.getpid()))


def of_this_process(queues: Sequence[str]) -> "Attendance":
    """The attendance of a process whose worker began before it forked, and takes from these queues."""
    return Attendance(_worker[0], queues)


class Attendance:
    """What is noted of this process. For one thread.

    Good is a whole sweep none of whose parts failed, between whose end and the last one's a look for due rows
    came through: whose database is away looks for nothing. So is each look while the sweep goes on, which may
    be for minutes where there is much to do.
    """

    def __init__(self, name: str, queues: Sequence[str] = ()) -> None:
        self._note = presence.Note(name)
        self._queues = queues
        self._failing: list[str] = []
        self._file_at = self._word_at = float("-inf")

    def begin(self) -> None:
        """Say that the process is there, and hear what its thread gets done."""
        with suppress(OSError):
            presence.tidy(settings.PARCELWIRE_DATA)
        self._write()
        progress.tell_of_mine(self._look_came_through)

    def failed(self, part: str) -> None:
        """A part of the sweep failed: the sweep is not whole."""
        self._failing.append(part)

    def swept(self) -> None:
        """The sweep has ended."""
        self._note = replace(self._note, failing=self._failing)
        whole, self._failing = not self._failing, []
        if progress.was_made() and whole:
            self.good()
        else:
            self._write()

    def good(self, word_every: float = _WORD_EVERY) -> None:
        """Something was done."""
        now = monotonic()
        self._note = replace(self._note, good_at=now)
        if now - self._file_at >= _FILE_EVERY:
            self._write()
        if self._queues and now - self._word_at >= word_every:
            self._word_at = now
            # That Redis is away is told by those who need it.
            with suppress(redis.RedisError):
                who = f"{_of_worker(self._note.worker, self._note.parent)}{self._note.pid}"
                heartbeat.attend(settings.REDIS_URL, self._queues, who)

    def _look_came_through(self) -> None:
        if not (self._failing or self._note.failing):
            self.good(_WORD_EVERY_IN_SWEEP)

    def _write(self) -> None:
        self._file_at = monotonic()
        _write(self._note)


def _of_worker(name: str, parent: int) -> str:
    """How the names of its processes begin: numbers of processes are those of a machine, or container."""
    return f"{name} {os.uname().nodename} {parent}."


def _write(note: presence.Note) -> None:
    """Work goes on without: whoever asks the probe hears of it."""
    try:
        presence.write(settings.PARCELWIRE_DATA, note)
    except OSError as error:
        if not _complained.is_set():
            _complained.set()
            logger.warning("config.probe will find no word of this process: %s", error)
