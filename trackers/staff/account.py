"""A carrier account's page: how its calls go, what is left of the day, what failed, and what no map knows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, Sum
from django.urls import reverse
from django.utils import timezone

from accounts.bars import Bars, bars, first_hour
from accounts.pages import BAD, GOOD, PLAIN, WARNING, Cell, Figure, Table, cells, figures
from carriers import standings
from carriers.conditions import Status, calls_left, condition, used_today
from carriers.figures import ANSWERED
from carriers.models import CarrierAccount, Health, PollTally, UnmappedCode
from trackers.models import OutcomeChange
from trackers.outcomes import FAILING

#: Hours of polls that are drawn, failures and codes that are listed.
HOURS, FAILURES, CODES = 48, 25, 25
_TONES = {
    Status.OPERATIONAL: GOOD,
    Status.DEGRADED: WARNING,
    Status.RESTING: WARNING,
    Status.DOWN: BAD,
    Status.SUSPENDED: BAD,
    Status.NO_ACCOUNT: WARNING,
}


@dataclass(frozen=True, slots=True)
class AccountPage:
    """What the page shows, in its order."""

    figures: Sequence[Figure]
    polls: Bars
    failures: Table
    codes: Table


def account_page(account: CarrierAccount) -> AccountPage:
    """Of this account, read by `carriers.conditions.with_health`; three statements."""
    return AccountPage(_figures(account), _polls(account), _failures(account), _codes(account))


def _figures(account: CarrierAccount) -> list[Figure]:
    now = timezone.now()
    health: Health | None = getattr(account, "health", None)
    standing = standings.of_account(account)
    return figures(
        status=_status(account, now),
        owner=_owner(account),
        circuit=Cell(
            standing.circuit.replace("_", " "),
            tone=GOOD if standing.circuit == Health.Circuit.CLOSED else BAD,
        ),
        calls_today=f"{used_today(account, now):,}",
        calls_left_today=_left(account, now),
        pace="unbounded" if standing.rate is None else f"{standing.rate:.3g} calls a second",
        last_answer=health and health.last_answer_at,
        last_failure=health and health.last_failure_at,
        what_failed_last=health and health.last_failure,
    )


def _status(account: CarrierAccount, now: datetime) -> Cell:
    how = condition(account, now)
    until = f" until {how.until:%Y-%m-%d %H:%M:%S}" if how.until else ""
    return Cell(
        f"{how.status.value}{until}" + (f": {how.reason}" if how.reason else ""), tone=_TONES[how.status]
    )


def _owner(account: CarrierAccount) -> Cell:
    if account.merchant is None:
        return Cell("the house")
    return Cell(account.merchant.name, reverse("admin:accounts_merchant_change", args=[account.merchant_id]))


def _left(account: CarrierAccount, now: datetime) -> Cell:
    left = calls_left(account, now)
    if left is None:
        return Cell("not counted")
    return Cell(f"{left:,}", tone=PLAIN if left else BAD)


def _polls(account: CarrierAccount) -> Bars:
    told = (
        PollTally.objects.filter(account_id=account.id, since__gte=first_hour(HOURS))
        .values_list("since")
        .annotate(good=Sum("polls", filter=Q(outcome__in=ANSWERED), default=0))
        .annotate(bad=Sum("polls", filter=~Q(outcome__in=ANSWERED), default=0))
    )
    counts = {since: (int(good), int(bad)) for since, good, bad in told}
    return bars("polls", f"Polls of the last {HOURS} hours", "polls", counts, HOURS)


def _failures(account: CarrierAccount) -> Table:
    newest = OutcomeChange.objects.filter(account_id=account.id, outcome__in=FAILING).order_by("-id")
    rows = newest.values_list(
        "changed_at", "outcome", "error", "watch__tracker_id", "watch__tracker__tracking_number"
    )
    return Table(
        id="failures",
        title="Recent errors",
        note="Parcels whose polls began to fail, the newest first.",
        headers=("Since", "Outcome", "Error", "Tracker"),
        rows=[
            cells(
                [
                    at,
                    Cell(outcome.replace("_", " "), tone=BAD),
                    error,
                    Cell(number, reverse("admin:trackers_tracker_change", args=[tracker])),
                ]
            )
            for at, outcome, error, tracker, number in rows[:FAILURES]
        ],
        empty="No poll with it began to fail.",
    )


def _codes(account: CarrierAccount) -> Table:
    newest = UnmappedCode.objects.filter(courier=account.courier).order_by("-last_seen_at")[:CODES]
    return Table(
        id="codes",
        title="Unmapped codes",
        note=f"What {account.courier} says, to any of its accounts, that no map knows yet.",
        headers=("Code", "Text", "Seen", "Last", "Example", "Its fields"),
        rows=[_code(one) for one in newest],
        empty="Every code that it uses is mapped.",
    )


def _code(one: UnmappedCode) -> list[Cell]:
    href = reverse("admin:carriers_unmappedcode_change", args=[one.id])
    sample: dict[str, Any] | None = next(iter(one.samples), None)
    seen = [f"{one.count:,}", one.last_seen_at]
    if sample is None:
        return cells([Cell(one.code, href), one.text, *seen, None, None])
    tracker = reverse("admin:trackers_tracker_change", args=[sample["trackerId"]])
    fields = json.dumps(sample["raw"], ensure_ascii=False)
    return cells([Cell(one.code, href), one.text, *seen, Cell(sample["text"], tracker), fields])
