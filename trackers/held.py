"""Trackers and watches as recording holds them: locked, and without a row object's weight."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from trackers import strays
from trackers.learned import Learned, Polled
from trackers.storing import from_store


@dataclass(slots=True)
class Held:
    """A locked tracker: columns of its row, as far as recording, schedule and messages need them."""

    id: UUID
    created_at: datetime
    tracking_number: str
    courier_codes: list[str]
    shipment_reference: str | None
    client_tracker_id: str | None
    origin_country_code: str | None
    destination_country_code: str | None
    shipping_date: str | None
    is_subscribed: bool
    version: int
    last_message_sequence: int | None
    milestone: str
    status_code: str | None
    final: bool
    stop_reason: str | None
    news_at: datetime | None
    milestone_at: datetime | None
    updated_at: datetime | None
    due_on: date | None
    stalled_at: datetime | None
    restarted_at: datetime | None
    erased_at: datetime | None
    state: Any

    @property
    def is_tracked(self) -> bool:
        """Whether Parcelwire goes on asking."""
        return self.is_subscribed and self.stop_reason is None


_COLUMNS = [column.name for column in fields(Held)]
# As text the state is read at half of what it takes through the driver.
_TRACKERS = f"""
SELECT {", ".join(_COLUMNS[:-1])}, state::text FROM trackers_tracker WHERE id = ANY(%s)
ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608 (constants only)
_WATCHES = """
SELECT id, tracker_id, claim_id, told_at, last_digest FROM trackers_watch WHERE id = ANY(%s)
ORDER BY id FOR NO KEY UPDATE
"""


def hold(learned: Sequence[Learned]) -> list[tuple[Learned, Held]]:
    """Lock the trackers by id, then the watches by id. Two watches of one tracker share its row.

    What is not wanted any more is left out: a poll whose claim was lost, a push to who is not subscribed.
    """
    watches = list({one.watch for one in learned})
    with connection.cursor() as cursor:
        cursor.execute(_TRACKERS, [list({one.tracker for one in learned})])
        trackers = {row[0]: _held(row) for row in cursor.fetchall()}
        cursor.execute(_WATCHES, [watches])
        wanted = list(_wanted(learned, trackers, cursor.fetchall()))
    _end_strays(learned, wanted)
    return wanted


def _end_strays(learned: Sequence[Learned], wanted: Sequence[tuple[Learned, Held]]) -> None:
    """One statement where a poll lost its claim, else none."""
    polls = [one.settled.claim for one in learned if isinstance(one, Polled)]
    # By the claim: of one watch there may be two polls here, an early one that lost it and who holds it now.
    kept = {one.settled.claim.name for one, _ in wanted if isinstance(one, Polled)}
    if lost := [one for one in polls if one.name not in kept]:
        strays.end(lost)


def _held(row: tuple[Any, ...]) -> Held:
    values: tuple[Any, ...] = (*row[:-1], from_store(orjson.loads(row[-1])))
    return Held(*values)


def _wanted(
    learned: Sequence[Learned], trackers: Mapping[UUID, Held], watches: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[Learned, Held]]:
    """By watch. Of two polls of one watch at most one holds its claim."""
    by_watch: dict[UUID, list[Learned]] = {}
    for one in learned:
        by_watch.setdefault(one.watch, []).append(one)
    for id_, tracker_id, claim_id, told_at, digest in watches:
        tracker = trackers[tracker_id]
        for one in by_watch[id_]:
            if _is_wanted(one, tracker, claim_id):
                yield (replace(one, late=True) if _is_late(one, told_at, digest) else one), tracker


def _is_wanted(one: Learned, tracker: Held, claim_id: UUID | None) -> bool:
    if isinstance(one, Polled):
        return claim_id == one.settled.claim.claim
    return tracker.is_subscribed


def _is_late(one: Learned, told_at: datetime | None, digest: str | None) -> bool:
    """Whether something newer is recorded. A poll is late too where something was pushed since it began."""
    pushed = isinstance(one, Polled) and digest != one.settled.claim.last_digest
    return pushed or (told_at is not None and told_at > one.as_of)
