"""The first page that staff see: what needs a person, then the last 24 hours, from what is counted already.

No figure is counted in the request; each section says when that was done, and when nobody does it any more.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince

import carriers.figures
import trackers.figures
import webhooks.figures
from accounts.queues import Queue
from accounts.rollups import STALE
from config import account_table, alerts, charts
from config.charts import Chart, Series
from config.first_steps import steps

#: Alerts and carrier accounts that are shown; the others are a link away.
ALERTS, ACCOUNTS = 10, 25


@dataclass(frozen=True, slots=True)
class Counted:
    """When the figures of a section were counted; None: they never were."""

    at: datetime | None
    now: datetime

    @property
    def is_stale(self) -> bool:
        return self.at is None or self.now - self.at > STALE


def context(_request: HttpRequest, known: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback: adds what the page shows; a constant number of statements."""
    now = timezone.now()
    waiting = alerts.queues()
    found = alerts.alerts(waiting)
    return known | {
        "title": "Dashboard",
        "steps": steps(),
        "alerts": [alerts.shown(one) for one in found[:ALERTS]],
        "alerts_in_all": len(found),
        "parcels": _parcels(now),
        "polls": _polls(now),
        "accounts": _accounts(now),
        "deliveries": _deliveries(now, waiting),
        "queues": _queues(waiting, now),
    }


def _parcels(now: datetime) -> dict[str, Any]:
    found = trackers.figures.parcels()
    most = max((one.now for one in found), default=0)
    rows = [
        {
            "name": one.milestone.value.replace("_", " "),
            "figure": f"{one.now:,} ({one.now - one.before:+,})",
            "share": round(100 * one.now / most) if most else 0,
        }
        for one in found
    ]
    counted = Counted(trackers.figures.counted_at(), now)
    return {"rows": rows, "in_all": f"{sum(one.now for one in found):,}", "counted": counted}


def _polls(now: datetime) -> dict[str, Any]:
    hours = carriers.figures.hours()
    answered = {one.since: one.polls - one.failed for one in hours}
    failed = {one.since: one.failed for one in hours}
    scans = trackers.figures.scans()
    return {
        "polls": _good_and_bad("Polls", ("answered", answered), ("failed", failed), now),
        "scans": charts.by_hour("New scans", [Series("scans", "plain", scans)], now),
        "counted": Counted(carriers.figures.counted_at(), now),
    }


def _accounts(now: datetime) -> dict[str, Any]:
    worst = carriers.figures.worst(ACCOUNTS)
    shown = account_table.table(worst.accounts, charts.hours_until(now))
    return {"table": shown, "in_all": worst.total, "more": worst.total - len(worst.accounts)}


def _deliveries(now: datetime, waiting: list[Queue]) -> dict[str, Any]:
    hours = webhooks.figures.hours()
    succeeded = {one.since: one.tries - one.failed for one in hours}
    failed = {one.since: one.failed for one in hours}
    tries = sum(one.tries for one in hours)
    due = next((one for one in waiting if one.name == "first tries" and one.due_since), None)
    return {
        "chart": _good_and_bad("Tries", ("succeeded", succeeded), ("failed", failed), now),
        # Never rounded up to all of them.
        "share": f"{int(1000 * sum(succeeded.values()) / tries) / 10:g} %" if tries else "",
        "oldest": _age(due, now) if due else "",
        "counted": Counted(webhooks.figures.counted_at(), now),
    }


def _good_and_bad(
    title: str, good: tuple[str, dict[datetime, int]], bad: tuple[str, dict[datetime, int]], now: datetime
) -> Chart:
    return charts.by_hour(title, [Series(good[0], "good", good[1]), Series(bad[0], "bad", bad[1])], now)


def _queues(waiting: list[Queue], now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "age": _age(one, now),
            "is_overdue": one.is_overdue(now),
            "link": alerts.list_of(one.page),
        }
        for one in waiting
    ]


def _age(queue: Queue, now: datetime) -> str:
    if queue.due_since is None:
        return "nothing is due"
    seconds = int(queue.waits(now).total_seconds())
    return f"{seconds} s" if seconds < 60 else timesince(queue.due_since, now)
