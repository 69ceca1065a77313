"""Whether this machine's clock agrees with those of the servers: due times are by PostgreSQL's."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection

from config import heartbeat
from config.doctor.findings import Finding, bad, ok, warn

#: Seconds of difference above which somebody should look, and above which it does harm: beat counts as silent
#: after thirty seconds, and subscribers refuse signatures that are five minutes old.
NOTICEABLE, HARMFUL = 2.0, 20.0


def of_postgresql() -> Iterator[Finding]:
    """By how much PostgreSQL's clock goes before this one."""

    def ask() -> datetime:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            moment: datetime = cursor.fetchone()[0]
        return moment

    yield judged(_difference(ask), "PostgreSQL")


def of_redis() -> Iterator[Finding]:
    """The same of Redis, whose clock says when a call's window began."""

    def ask() -> datetime:
        with heartbeat.connected(settings.REDIS_URL) as client:
            seconds, microseconds = client.time()
        return datetime.fromtimestamp(seconds + microseconds / 1e6, UTC)

    yield judged(_difference(ask), "Redis")


def judged(seconds: float, server: str) -> Finding:
    """What a difference of so many seconds means."""
    if abs(seconds) <= NOTICEABLE:
        return ok(f"{abs(seconds):.1f} s between this machine's clock and that of {server}")
    found = (
        f"{server}'s clock goes {abs(seconds):.0f} s {'before' if seconds > 0 else 'after'} this machine's"
    )
    make = bad if abs(seconds) > HARMFUL else warn
    return make(found, "have both machines keep time by NTP")


def _difference(ask: Callable[[], datetime]) -> float:
    """Of several tries the one that was answered fastest: a wait is not a difference."""
    tries = []
    for _ in range(3):
        before = datetime.now(UTC)
        there = ask()
        after = datetime.now(UTC)
        tries.append((after - before, (there - (before + (after - before) / 2)).total_seconds()))
    return min(tries)[1]
