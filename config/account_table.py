"""Carrier accounts as rows of the dashboard's table, the one that fares worst first."""

from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carriers.conditions import Status
from carriers.figures import AccountFigures, Hour
from carriers.models import Health

HEADERS = ["Account", "Status", "Answered", "Average / slowest", "Left today", "Circuit, pace", "By hour"]
#: Variants of unfold's label.
_VARIANTS = {
    Status.OPERATIONAL: "success",
    Status.DEGRADED: "warning",
    Status.RESTING: "info",
    Status.DOWN: "danger",
    Status.SUSPENDED: "danger",
}
#: An hour's cell, from the share of polls that were answered.
_SHADES = ((0.99, "staff-good"), (0.9, "staff-fair"), (0.0, "staff-bad"))


def table(accounts: list[AccountFigures], hours: list[datetime]) -> dict[str, Any]:
    """For unfold's table component."""
    return {"headers": HEADERS, "rows": [_row(one, hours) for one in accounts]}


def _row(one: AccountFigures, hours: list[datetime]) -> list[str | SafeString]:
    return [
        _name(one),
        _status(one),
        _answered(one),
        "no polls" if one.average_ms is None else f"{one.average_ms:,} / {one.slowest_ms:,} ms",
        "not counted" if one.calls_left is None else f"{one.calls_left:,}",
        f"{_circuit(one)}, {'no limit' if one.pace is None else f'{one.pace:.3g} a second'}",
        _by_hour(one, hours),
    ]


def _name(one: AccountFigures) -> SafeString:
    link = reverse("admin:carriers_carrieraccount_change", args=[one.account.id])
    return format_html('<a class="staff-link" href="{}">{}</a>', link, one.account)


def _status(one: AccountFigures) -> SafeString:
    status = one.condition.status
    words = {"text": status.value.replace("_", " "), "variant": _VARIANTS.get(status, "")}
    return render_to_string("unfold/helpers/label.html", words)


def _circuit(one: AccountFigures) -> str:
    health: Health | None = getattr(one.account, "health", None)
    return health.get_circuit_display().lower() if health else "unknown"


def _answered(one: AccountFigures) -> str | SafeString:
    share = one.succeeded_share
    if share is None:
        return "no polls"
    # Never rounded up to all of them.
    percent = int(share * 1000) / 10
    colour = {"progress_class": "staff-bad"} if share < _SHADES[1][0] else {}
    bar = {"title": f"{percent:g} % of {one.polls:,}", "value": int(percent), **colour}
    return render_to_string("unfold/components/progress.html", bar)


def _by_hour(one: AccountFigures, hours: list[datetime]) -> SafeString:
    troubled = sum(bool(hour.failed) for hour in one.hours.values())
    polls = [(hour, one.hours.get(hour)) for hour in hours]
    cells = [{"tooltip": _tooltip(hour, found), "color": _shade(found)} for hour, found in polls]
    label = f"Polls by hour: failures in {troubled} of {len(hours)} hours"
    return render_to_string("unfold/components/tracker.html", {"data": cells, "size": "md", "label": label})


def _shade(hour: Hour | None) -> str:
    if hour is None or not hour.polls:
        return ""
    share = 1 - hour.failed / hour.polls
    return next(shade for least, shade in _SHADES if share >= least)


def _tooltip(begins: datetime, hour: Hour | None) -> str:
    told = f"{hour.polls:,} polls, {hour.failed:,} failed" if hour else "no polls"
    return f"{begins:%H}:00: {told}"
