"""The figures of a day, as workers would have counted them: for tests and pictures of the dashboard."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import cos, pi, sin
from uuid import UUID

from django.utils import timezone

from carriers.tallies import PollTally
from trackers.tallies import MilestoneTally, ScanTally
from webhooks.models import HourTally

#: Parcels by milestone now, and how many fewer there were a day ago.
PARCELS = {
    "pending": (1_204, 96), "info_received": (8_930, 412), "in_transit": (41_877, 1_530),
    "out_for_delivery": (3_310, -208), "failed_attempt": (412, 37), "available_for_pickup": (2_045, -64),
    "delivered": (23_618, 2_911), "exception": (689, 12),
}  # fmt: skip
#: Polls of an account in a quiet hour, by outcome, and the hours ago in which its carrier had trouble.
POLLS = (
    ({"unchanged": 1_480, "ok": 260, "not_found": 31}, "throttled", ()),
    ({"unchanged": 420, "ok": 66}, "unreachable", (0, 1, 2)),
    ({"unchanged": 690, "ok": 120, "not_found": 12}, "throttled", (7, 8, 15)),
)


def write_a_day(accounts: Sequence[UUID]) -> None:
    """Instead of what is counted so far. Of the accounts the second has trouble now, the third had some."""
    for model in (MilestoneTally, ScanTally, HourTally, PollTally):
        model.objects.all().delete()
    now = timezone.now()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    for milestone, (parcels, more) in PARCELS.items():
        for since, number in ((this_hour, parcels), (this_hour - timedelta(hours=23), parcels - more)):
            MilestoneTally.objects.create(since=since, milestone=milestone, parcels=number, counted_at=now)
    for back in range(24):
        since = this_hour - timedelta(hours=back)
        busy = _busy(since)
        ScanTally.objects.create(since=since, scans=int(900 * busy), through=1, counted_at=now)
        for error, tries in (("", 700), ("timeout", 9), ("http_status", 5 + 40 * (back in {4, 5}))):
            HourTally.objects.create(
                since=since, error=error, tries=int(tries * busy), duration_ms=1, slowest_ms=1, counted_at=now
            )
        _write_polls(accounts, since, back, busy)


def _write_polls(accounts: Sequence[UUID], since: datetime, back: int, busy: float) -> None:
    in_all: dict[str, int] = {}
    for account, (quiet, trouble, hours) in zip(accounts, POLLS, strict=False):
        found = {outcome: int(number * busy) for outcome, number in quiet.items()}
        found[trouble] = sum(found.values()) // 2 if back in hours else 1
        for outcome, number in found.items():
            in_all[outcome] = in_all.get(outcome, 0) + number
            _write(account, since, outcome, number)
    for outcome, number in in_all.items():
        _write(None, since, outcome, number)


def _write(account: UUID | None, since: datetime, outcome: str, number: int) -> None:
    took = 8_000 if outcome == "unreachable" else 180 + number % 97
    PollTally.objects.create(
        account_id=account,
        since=since,
        outcome=outcome,
        polls=number,
        duration_ms=number * took,
        slowest_ms=min(took * 6, 19_840),
        counted_at=timezone.now(),
    )


def _busy(hour: datetime) -> float:
    """Vans are loaded in the morning; at night little moves."""
    turn = 2 * pi * hour.hour / 24
    return 1.6 - cos(turn) + 0.12 * sin(5 * turn) + 0.05 * (hour.hour % 3)
