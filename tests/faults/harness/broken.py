"""Builds that are broken on purpose: the checker must find each of them out, or it would prove nothing.

A process that has BROKEN in its environment is patched as it starts. The product knows nothing of it.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import connection

from events import log
from trackers import comparing, recording
from webhooks import lanes
from webhooks.heads import FREE

#: Seconds for which an append of the naive cursor may be under way after its positions were given out.
_UNDER_WAY = 0.1


def _no_lease_check() -> None:
    """Claims of deliveries take what is due, whether somebody has it in hand or not."""

    def heedless(statement: str) -> str:
        return statement.replace(FREE, "TRUE")

    lanes.TAKE = {pace: tuple(map(heedless, each)) for pace, each in lanes.TAKE.items()}
    lanes._MAKE = {heedless(statement): made for statement, made in lanes._MAKE.items()}
    lanes.OF_SLOW = heedless(lanes.OF_SLOW)


def _naive_cursor() -> None:
    """Appends take no lock of their merchant, and as long as they would on a busy database."""
    log._LOCK = "SELECT %s::integer + length(%s), clock_timestamp()"
    appending = log.appending

    @contextmanager
    def slowly(*words: Any) -> Iterator[log.Appending]:
        with appending(*words) as into:
            yield into
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(random() * %s)", [_UNDER_WAY])

    log.appending = slowly


def _dedupe_off() -> None:
    """Every answer tells all of its scans again; keys are made unique, so that the log takes them."""
    changes, event_of = comparing.changes, log.event_of

    def forgetful(state: dict[str, Any], *words: Any, **named: Any) -> Any:
        return changes({**state, "scans": []}, *words, **named)

    def unique(*words: Any) -> log.NewEvent:
        event = event_of(*words)
        return event._replace(key=f"{event.key} {uuid.uuid4()}")

    comparing.changes = forgetful
    log.event_of = unique


def _fold_wrong() -> None:
    """The projection never moves to another milestone."""
    fold = recording.fold

    def standing(before: Any, events: Any) -> Any:
        return replace(fold(before, events), milestone=before.milestone)

    recording.fold = standing


#: By name.
BUILDS: dict[str, Callable[[], None]] = {
    "no_lease_check": _no_lease_check,
    "naive_cursor": _naive_cursor,
    "dedupe_off": _dedupe_off,
    "fold_wrong": _fold_wrong,
}


def install(name: str) -> None:
    """Break this process so. Raises KeyError where there is no such build."""
    BUILDS[name]()
