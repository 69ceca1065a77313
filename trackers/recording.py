"""The one transaction: events appended, tracker projected, subscribers told, polled watches settled."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from carriers.closing import close_later
from events import log
from events.catalog import (
    Fact,
    ScanAmended,
    ScanFact,
    ScanWithdrawn,
    TrackerStopped,
    TrackingStalled,
    is_heard,
    tells,
)
from events.log import NewEvent, Recorded
from trackers.changes import changes
from trackers.claims import Settled, hear, settle
from trackers.deciding import next_poll, seconds, silent_since
from trackers.fold import Projection, fold
from trackers.keeping import keep
from trackers.learned import Learned, Polled
from trackers.messages import Telling, announcement
from trackers.models import Tracker, Watch
from trackers.projecting import apply_projection, projection_of, write_projections
from trackers.quarantine import oldest_of
from webhooks import tasks as webhook_tasks
from webhooks.fanout import Announcement, announce, subscribers


@dataclass(slots=True)
class _Change:
    """One tracker within the transaction: its row, what is new, and what it was before."""

    tracker: Tracker
    before: Projection
    facts: list[Fact] = field(default_factory=list)
    couriers: set[str] = field(default_factory=set)
    polls: list[Polled] = field(default_factory=list)

    def heed_silence(self) -> None:
        """Stop, or tell that the parcel has stalled, where a poll found nothing and, by what is known under
        the lock, the schedule says so.

        A new scan of any courier is news, and so is whatever moves the parcel: it has its time from now on.
        """
        decisions = [
            next_poll(one.settled.claim, one.situation, self.tracker) for one in self.polls if one.tells
        ]
        told = next((one for one in decisions if one.stop_reason), None) or next(
            (one for one in decisions if one.stalled), None
        )
        if told is None or self._is_heard_of() or self._moves():
            return
        if told.stop_reason:
            stops = self.tracker.state["counts"].get("stopped", 0)
            self.facts.append(TrackerStopped(reason=told.stop_reason, _count=stops + 1))
        else:
            since = silent_since(self.tracker).astimezone(UTC).isoformat()
            self.facts.append(TrackingStalled(milestone=self.tracker.milestone, silent_since=since))

    @property
    def stops(self) -> bool:
        return any(isinstance(fact, TrackerStopped) for fact in self.facts)

    def _is_heard_of(self) -> bool:
        return any(is_heard(fact.type, fact.data()) for fact in self.facts)

    def _moves(self) -> bool:
        """Whether the facts change where the parcel is; the log is not asked for that."""
        now = timezone.now()
        to_be = [
            Recorded(uuid7(), new.stream, new.version, new.type, new.key, new.data, now)
            for new in self.events()
        ]
        after = fold(self.before, to_be)
        return (after.milestone, after.final) != (self.before.milestone, self.before.final)

    def events(self) -> list[NewEvent]:
        first = self.before.version + 1
        return [log.event_of(self.tracker.id, first + nth, fact) for nth, fact in enumerate(self.facts)]


def record(merchant_id: UUID, learned: Sequence[Learned]) -> int:
    """Record what was learned of one merchant's watches, each once. Returns how many events were appended.

    A constant number of statements, however many watches and scans. Polled watches whose claim was lost are
    left out: whoever holds the claim now records them. What was pushed needs no claim and disturbs none; of
    a tracker that is not subscribed any more it is left out.
    """
    with transaction.atomic():
        held = _lock(learned)
        changed = _compare(held)
        audience = subscribers([merchant_id])
        recorded = log.append(merchant_id, [event for change in changed for event in change.events()])
        told = _project(changed, recorded)
        announce(merchant_id, audience, told)
        keep(held)
        settle([_rescheduled(one, tracker) for one, tracker in held if isinstance(one, Polled)])
        hear([(one.watch, one.as_of, one.news) for one, _ in held if not isinstance(one, Polled)])
        _close([change.tracker.id for change in changed if change.stops])
        if told:
            transaction.on_commit(webhook_tasks.nudge, robust=True)
    return len(recorded)


def _lock(learned: Sequence[Learned]) -> list[tuple[Learned, Tracker]]:
    """Lock the trackers by id, then the watches by id. Two watches of one tracker share its row object."""
    by_watch = {one.watch: one for one in learned}
    trackers = {
        tracker.id: tracker
        for tracker in Tracker.objects.select_for_update(no_key=True)
        .filter(id__in={one.tracker for one in learned})
        .order_by("id")
    }
    watches = Watch.objects.select_for_update(no_key=True).filter(id__in=by_watch).order_by("id")
    rows = watches.values_list("id", "tracker_id", "claim_id", "told_at", "last_digest")
    return [
        (replace(one, late=_is_late(one, told_at, digest)), trackers[tracker_id])
        for id_, tracker_id, claim_id, told_at, digest in rows
        if _still_wanted(one := by_watch[id_], trackers[tracker_id], claim_id)
    ]


def _is_late(one: Learned, told_at: datetime | None, digest: str | None) -> bool:
    """Whether something newer is recorded. A poll is late too where something was pushed since it began."""
    pushed = isinstance(one, Polled) and digest != one.settled.claim.last_digest
    return pushed or (told_at is not None and told_at > one.as_of)


def _still_wanted(one: Learned, tracker: Tracker, claim_id: UUID | None) -> bool:
    if isinstance(one, Polled):
        return claim_id == one.settled.claim.claim
    return tracker.is_subscribed


def _compare(held: list[tuple[Learned, Tracker]]) -> list[_Change]:
    """The facts that the log lacks. `held` is rewritten in place: each watch keeps note of absent scans, and
    whether it told news."""
    by_tracker: dict[UUID, _Change] = {}
    for nth, (one, tracker) in enumerate(held):
        change = by_tracker.setdefault(tracker.id, _Change(tracker, projection_of(tracker)))
        change.couriers.add(one.courier)
        absent: dict[str, str] = {}
        if isinstance(one, Polled):
            change.polls.append(one)
            absent = one.settled.claim.absent
        if one.snapshot is None:
            continue
        found = changes(
            tracker.state,
            one.snapshot,
            asked_at=one.asked_at,
            absent=absent,
            oldest=oldest_of(tracker.shipping_date),
            late=one.late,
        )
        change.facts.extend(found.facts)
        now: Learned = replace(one, news=bool(found.facts), anothers=found.anothers)
        if isinstance(now, Polled):
            now = replace(now, settled=replace(now.settled, absent=found.absent))
        held[nth] = (now, tracker)
    for change in by_tracker.values():
        change.heed_silence()
    return [change for change in by_tracker.values() if change.facts]


def _project(changed: Sequence[_Change], recorded: Sequence[Recorded]) -> list[Announcement]:
    """Fold the new events into the rows, write them, and say what subscribers are to hear."""
    by_stream: dict[UUID, list[Recorded]] = {}
    for event in recorded:
        by_stream.setdefault(event.stream, []).append(event)
    told = []
    for change in changed:
        events = by_stream[change.tracker.id]
        after = fold(change.before, events)
        apply_projection(change.tracker, after)
        if after.last_message_sequence == after.version:
            told.append(announcement(_telling(change, events)))
    write_projections([change.tracker for change in changed])
    return told


def _close(stopped: Sequence[UUID]) -> None:
    """What carriers keep open for trackers that stop here is ended by `carriers.closing`."""
    if stopped:
        open_there = Watch.objects.filter(tracker__in=stopped, carrier_account__isnull=False)
        close_later(list(open_there.values_list("carrier_account_id", "courier", "tracker_id")))


def _rescheduled(one: Polled, tracker: Tracker) -> Settled:
    """The next poll by what the tracker is now, not by what it was when it was claimed."""
    if one.settled.not_ours:
        return replace(one.settled, delay=0.0 if tracker.is_tracked else None)
    decision = next_poll(one.settled.claim, one.situation, tracker)
    if decision.stop_reason and tracker.is_tracked:
        # Only a poll that finds nothing may stop a tracker: ask once more, at once.
        return replace(one.settled, delay=0.0, urgency=decision.urgency)
    return replace(one.settled, delay=seconds(decision), urgency=decision.urgency)


def _telling(change: _Change, events: Sequence[Recorded]) -> Telling:
    """A message holds what is news. Where only the order of scans moved the milestone, that is the news."""
    loud = [fact for fact in change.facts if tells(fact.type, fact.data())]
    types = frozenset(fact.type for fact in loud or change.facts)
    if not any(isinstance(fact, ScanFact | ScanWithdrawn) for fact in loud):
        loud = change.facts
    told = [fact for fact in loud if isinstance(fact, ScanFact | ScanWithdrawn)]
    scan_keys = frozenset(fact.scan_key for fact in told if isinstance(fact, ScanFact))
    gone = {fact.scan_key for fact in told if _takes_back(fact)}
    scans = change.tracker.state["scans"]
    couriers = change.couriers.union(
        change.tracker.courier_codes,
        change.tracker.state["shipments"],
        (scan["courierCode"] for scan in scans),
    )
    return Telling(
        id=uuid7(),
        tracker=change.tracker,
        before=change.before,
        types=types,
        at=events[0].recorded_at,
        scan_keys=scan_keys,
        withdrawn=frozenset(scan["eventId"] for scan in scans if scan["scanKey"] in gone),
        couriers=tuple(sorted(couriers)),
    )


def _takes_back(fact: ScanFact | ScanWithdrawn) -> bool:
    """Whether a scan that subscribers were told of counts no more."""
    if isinstance(fact, ScanWithdrawn):
        return not fact.quarantined
    return fact.quarantined and isinstance(fact, ScanAmended) and "quarantined" in fact.changed
