"""Scans and snapshots for tests that speak of them, and of nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from carriers.identity import keyed
from carriers.snapshot import Certainty, Moment, Scan, Snapshot
from events.catalog import Fact
from events.log import Recorded
from events.statuses import Milestone, StatusCode
from trackers.changes import Changes, changes
from trackers.fold import Projection, fold
from trackers.quarantine import NO_DATE

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATUS = {
    "created": (StatusCode.DATA_ORDER_CREATED, Milestone.INFO_RECEIVED),
    "moving": (None, Milestone.IN_TRANSIT),
    "out": (StatusCode.DELIVERY_OUT_FOR_DELIVERY, Milestone.OUT_FOR_DELIVERY),
    "delivered": (StatusCode.DELIVERY_DELIVERED, Milestone.DELIVERED),
    "puzzling": (None, None),
}


def scan(code: str, minute: int | None, **fields: Any) -> Scan:
    """A scan of the test carrier, some minutes after NOON; None for a scan without a time."""
    status_code, milestone = STATUS[code]
    instant = None if minute is None else NOON + timedelta(minutes=minute)
    moment = Moment(
        text=instant and f"{instant:%Y-%m-%d %H:%M:%S}",
        instant=instant,
        certainty=Certainty.EXACT if instant else Certainty.UNKNOWN,
        written=instant and f"{instant:%Y-%m-%dT%H:%M:%SZ}",
        wall=instant and f"{instant:%Y-%m-%dT%H:%M:%S}",
    )
    values = {
        "key": "",
        "courier": "all24",
        "source": "all24-tracking",
        "moment": moment,
        "placed": instant,
        "rank": 0,
        "carrier_code": code,
        "text": code.title(),
        "status_code": status_code,
        "milestone": milestone,
    }
    return Scan(**values | fields)


def snapshot(*scans: Scan, **fields: Any) -> Snapshot:
    return Snapshot(courier="all24", scans=keyed(scans), **fields)


class Parcel:
    """A tracker's log and its fold, without a database: feed it snapshots and look at what it becomes.

    `oldest`: what stands before it is of another parcel.
    """

    def __init__(self, oldest: str = NO_DATE) -> None:
        self.oldest = oldest
        self.stream: UUID = uuid7()
        self.log: list[Recorded] = []
        self.projection = Projection()
        self.absent: dict[str, str] = {}
        self.clock = NOON + timedelta(days=1)

    def polled(
        self, answer: Snapshot, *, after: timedelta = timedelta(minutes=1), late: bool = False
    ) -> Changes:
        self.clock += after
        found = changes(
            self.projection.state,
            answer,
            asked_at=self.clock,
            absent=self.absent,
            oldest=self.oldest,
            late=late,
        )
        self.absent = found.absent
        self.append(*found.facts)
        return found

    def append(self, *facts: Fact) -> None:
        at = self.clock + timedelta(seconds=1)
        first = self.projection.version + 1
        events = [
            Recorded(uuid7(), self.stream, first + n, fact.type, fact.key, fact.data(), at)
            for n, fact in enumerate(facts)
        ]
        self.log.extend(events)
        self.projection = fold(self.projection, events)

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.log]
