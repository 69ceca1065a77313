"""Read a courier's kept answers again with today's maps, and record what they tell otherwise than the log.

Some trackers at a time: their answers are read without a lock, and compared and recorded under the trackers'
locks. What is done stays done, so that a run that was cut off may be begun again; a second run finds nothing.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from uuid import UUID

from django.db import DataError, IntegrityError, transaction
from django.db.models import QuerySet
from structlog.contextvars import bound_contextvars

from carriers import unmapped
from carriers.adapter import Adapter
from events.catalog import Fact, ScanAmended, ScanFact, Scanned
from events.retrying import once_more
from trackers import kept
from trackers.kept import Kept
from trackers.models import Tracker
from trackers.projecting import projection_of
from trackers.quarantine import oldest_of
from trackers.recording import amend
from trackers.rereading import corrections

logger = logging.getLogger(__name__)

#: Trackers read at a time: few, since each may have hundreds of kept answers.
BATCH = 20
#: Trackers looked for at a time.
PAGE = 1_000
#: How often a tracker is read anew that something was recorded for meanwhile.
TRIES = 3

#: Facts by watch.
Found = dict[UUID, list[Fact]]


@dataclass(slots=True)
class Remapped:
    """What a run has found so far. `last` is the watch that it has come to, to go on from.

    `amended` and `new` count scans by the carrier's code (its text where it has none), `fields` says what
    differed; `shipments` counts facts of whole parcels, `unreadable` answers that no parcel is read from,
    `left` trackers that could not be recorded. `known` and `unknown`: codes that the map has, and lacks.
    """

    last: UUID | None = None
    trackers: int = 0
    changed: int = 0
    answers: int = 0
    unreadable: int = 0
    left: int = 0
    shipments: int = 0
    amended: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    fields: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    known: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def count(self, read: Kept, facts: Sequence[Fact]) -> None:
        """Count what one tracker's answers told, and the codes that they hold."""
        self.trackers += 1
        self.changed += bool(facts)
        self.answers += len(read.answers)
        self.unreadable += len(read.unreadable)
        for fact in facts:
            self._count(fact)
        for answer in read.answers:
            self.unknown.update(code.code for code in answer.snapshot.unmapped)
            self.known.update(scan.carrier_code or scan.text for scan in answer.snapshot.scans)

    def _count(self, fact: Fact) -> None:
        match fact:
            case Scanned():
                self.new[_word(fact)] += 1
            case ScanAmended():
                self.amended[_word(fact)] += 1
                self.fields[_word(fact)].update(fact.changed)
            case _:
                self.shipments += 1


def remap(courier: Adapter, *, dry_run: bool = False, found: Remapped | None = None) -> Iterator[Remapped]:
    """Read again what is kept of a courier's subscribed trackers; yields what was found, growing.

    `found`: what an earlier run found; this one goes on behind its last watch. A `dry_run` locks and writes
    nothing. When a run is over, codes that today's map has are no longer listed as unmapped.
    """
    found = found or Remapped()
    for ids in _batches(courier.code, found.last):
        left: Collection[UUID] = ids
        for _ in range(TRIES):
            left = _batch(courier, [id_ for id_ in ids if id_ in left], found, dry_run=dry_run)
        found.left += len(left)
        found.last = ids[-1]
        yield found
    if not dry_run:
        unmapped.forget(courier.code, found.known - found.unknown)


def _batches(courier: str, after: UUID | None) -> Iterator[list[UUID]]:
    """The watches of which something is kept."""
    while page := kept.following(courier, after, PAGE):
        for first in range(0, len(page), BATCH):
            yield page[first : first + BATCH]
        after = page[-1]


def _batch(courier: Adapter, ids: Sequence[UUID], found: Remapped, *, dry_run: bool) -> set[UUID]:
    """Read and record these watches; nothing for none. Returns those that are to be read anew."""
    read = kept.read(courier, ids) if ids else []
    left = set()
    for _, group in groupby(read, key=lambda one: one.merchant):
        members = list(group)
        with bound_contextvars(merchant_id=members[0].merchant):
            done = _recorded(courier.code, members, dry_run=dry_run)
        for one in members:
            if one.watch in done:
                found.count(one, done[one.watch])
            else:
                left.add(one.watch)
    return left


def _recorded(courier: str, group: Sequence[Kept], *, dry_run: bool) -> Found:
    """What was found, and recorded, of a merchant's watches. What the database cannot hold is set apart."""
    if dry_run:
        return _compared(group, _trackers(group))
    try:
        return once_more(partial(_record, courier, group))
    except (DataError, IntegrityError):
        if len(group) > 1:
            alone = [_recorded(courier, [one], dry_run=dry_run) for one in group]
            return {watch: facts for done in alone for watch, facts in done.items()}
        ids = {"watch_id": group[0].watch, "courier": courier}
        logger.exception("what is kept of watch %s could not be recorded anew", group[0].watch, extra=ids)
        return {}


def _record(courier: str, group: Sequence[Kept]) -> Found:
    with transaction.atomic():
        trackers = _trackers(group).select_for_update(no_key=True)
        locked = {one.id: one for one in trackers}
        found = _compared(group, locked.values())
        news = [(locked[one.tracker], facts) for one in group if (facts := found.get(one.watch))]
        amend(group[0].merchant, courier, news)
    return found


def _trackers(group: Sequence[Kept]) -> QuerySet[Tracker]:
    return Tracker.objects.filter(id__in=[one.tracker for one in group]).order_by("id")


def _compared(group: Sequence[Kept], trackers: Collection[Tracker] | QuerySet[Tracker]) -> Found:
    """What the kept answers tell that the log lacks. A watch that has moved on meanwhile is not in it.

    Of a tracker that its merchant does not subscribe to any more, or has deleted, nothing is told.
    """
    by_id = {one.id: one for one in trackers}
    now = kept.as_of([one.watch for one in group])
    found: Found = {}
    for one in group:
        tracker = by_id.get(one.tracker)
        if tracker is None or not tracker.is_subscribed:
            found[one.watch] = []
        elif now.get(one.watch) == one.as_of:
            oldest = oldest_of(tracker.shipping_date)
            found[one.watch] = corrections(projection_of(tracker), one.answers, oldest)
    return found


def _word(fact: ScanFact) -> str:
    return fact.carrier_event_code or fact.status
