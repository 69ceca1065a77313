"""Every alert of this installation: what the apps find in their rows, and how Redis and beat are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

import carriers.alerts
import carriers.queues
import trackers.queues
import webhooks.alerts
import webhooks.queues
from accounts.alerts import Alert, Kind
from accounts.queues import Queue
from config import heartbeat, lags

#: For so long beat may be silent.
BEAT_LATE = timedelta(seconds=30)
#: Where what no page mends is seen.
ELSEWHERE = "/readyz"

_VARIANTS = {
    Kind.QUOTA_USED_UP: "warning",
    Kind.ACCOUNT_RESTING: "warning",
    Kind.DELIVERIES_EXHAUSTED: "warning",
    Kind.UNMAPPED_CODE: "info",
}


def queues() -> list[Queue]:
    """What waits to be done, by kind: a constant number of statements."""
    return [*trackers.queues.queues(), *webhooks.queues.queues(), *carriers.queues.queues()]


def alerts(waiting: Sequence[Queue] | None = None) -> list[Alert]:
    """All there are, what stops more before what stops less: a constant number of statements.

    `waiting`: the queues, where the caller has read them already.
    """
    silent = list(of_redis())
    found = [
        *silent,
        # Where beat is silent, all of them are, and one reason is enough.
        *([] if silent else _stale()),
        *_overdue(queues() if waiting is None else waiting),
        *carriers.alerts.alerts(),
        *webhooks.alerts.alerts(),
    ]
    order = {kind: nth for nth, kind in enumerate(Kind)}
    return sorted(found, key=lambda one: order[one.kind])


def of_redis() -> Iterator[Alert]:
    """Whether Redis answers, and when a task last went through it."""
    try:
        seen = heartbeat.last_beat(settings.REDIS_URL)
    except redis.RedisError:
        yield Alert(
            Kind.REDIS_AWAY,
            "Redis",
            "Nobody hears of commits: what is due is found by sweeps, seconds later.",
        )
        return
    if seen is None:
        yield Alert(Kind.BEAT_SILENT, "beat", "No task of beat has ever come through a worker.")
    elif datetime.now(UTC) - seen > BEAT_LATE:
        yield Alert(Kind.BEAT_SILENT, "beat", "No task of beat comes through a worker.", since=seen)


def address(alert: Alert) -> str:
    """Where it is mended: a path below our own address."""
    if not alert.page:
        return ELSEWHERE
    return reverse(f"admin:{alert.page}", args=[alert.page_id] if alert.page_id else [])


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert as pages show it. `variant` is the colour of unfold's label; `age`: for how long, if known."""

    alert: Alert
    link: str
    variant: str
    age: str


def shown(alert: Alert) -> Shown:
    """What stops polls or deliveries is red; what will pass, or costs a word, is not."""
    age = ""
    if alert.since:
        is_new = timezone.now() - alert.since < timedelta(minutes=1)
        age = "just now" if is_new else f"for {timesince(alert.since)}"
    return Shown(alert, address(alert), _VARIANTS.get(alert.kind, "danger"), age)


def list_of(page: str) -> str:
    """The address of an admin page that needs no row."""
    return reverse(f"admin:{page}")


def _overdue(waiting: Sequence[Queue]) -> Iterator[Alert]:
    now = timezone.now()
    for one in waiting:
        if one.due_since and one.is_overdue(now):
            detail = (
                f"The first has been due for {timesince(one.due_since, now)}; {_patience(one)} are usual."
            )
            yield Alert(Kind.OVERDUE, one.name, detail, since=one.due_since, page=one.page)


def _stale() -> Iterator[Alert]:
    now = timezone.now()
    for one in lags.lags():
        if one.is_stale(now) and one.ended_at:
            detail = f"It last ended {timesince(one.ended_at, now)} ago; its worker's log says why."
            page = "accounts_sweep_changelist"
            yield Alert(Kind.SWEEP_STALE, one.name, detail, since=one.ended_at, page=page)


def _patience(one: Queue) -> str:
    return f"less than {int(one.patience.total_seconds() // 60)} minutes"
