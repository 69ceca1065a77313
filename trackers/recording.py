"""The one transaction: events appended, tracker projected, subscribers told, watch settled."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import transaction
from uuid_utils.compat import uuid7

from carriers.outcome import Outcome
from events import log
from events.catalog import Fact, ScanFact, ScanWithdrawn, TrackerStopped, tells
from events.log import NewEvent, Recorded
from trackers.changes import changes
from trackers.claims import Settled, settle
from trackers.deciding import next_poll, seconds
from trackers.fold import Projection, fold
from trackers.keeping import keep
from trackers.learned import Learned
from trackers.messages import Telling, announcement
from trackers.models import Tracker, Watch
from trackers.projecting import apply_projection, projection_of, write_projections
from trackers.schedule import Situation
from webhooks import tasks as webhook_tasks
from webhooks.fanout import Announcement, announce, subscribers


@dataclass(slots=True)
class _Change:
    """One tracker within the transaction: its row, what is new, and what it was before."""

    tracker: Tracker
    before: Projection
    facts: list[Fact] = field(default_factory=list)

    def events(self) -> list[NewEvent]:
        first = self.before.version + 1
        return [log.event_of(self.tracker.id, first + nth, fact) for nth, fact in enumerate(self.facts)]


def record(merchant_id: UUID, learned: Sequence[Learned]) -> int:
    """Record what polls of one merchant's watches learned. Returns how many events were appended.

    A constant number of statements, however many watches and scans. Watches whose claim was lost are left
    out: whoever holds the claim now records them.
    """
    with transaction.atomic():
        held = _lock(learned)
        changed = _compare(held)
        audience = subscribers([merchant_id])
        recorded = log.append(merchant_id, [event for change in changed for event in change.events()])
        told = _project(changed, recorded)
        announce(merchant_id, audience, told)
        keep(held)
        settle([_rescheduled(one, tracker) for one, tracker in held])
        if told:
            transaction.on_commit(webhook_tasks.nudge, robust=True)
    return len(recorded)


def _lock(learned: Sequence[Learned]) -> list[tuple[Learned, Tracker]]:
    """Lock trackers and watches by tracker id. Two watches of one tracker share its row object."""
    by_watch = {one.settled.claim.watch: one for one in learned}
    rows = (
        Watch.objects.select_for_update(no_key=True, of=("self", "tracker"))
        .select_related("tracker")
        .filter(id__in=by_watch)
        .order_by("tracker_id", "id")
    )
    trackers: dict[UUID, Tracker] = {}
    return [
        (by_watch[watch.id], trackers.setdefault(watch.tracker_id, watch.tracker))
        for watch in rows
        if watch.claim_id == by_watch[watch.id].settled.claim.claim
    ]


def _compare(held: list[tuple[Learned, Tracker]]) -> list[_Change]:
    """The facts that the log lacks. `held` is rewritten in place: each watch keeps note of absent scans."""
    by_tracker: dict[UUID, _Change] = {}
    for nth, (one, tracker) in enumerate(held):
        change = by_tracker.setdefault(tracker.id, _Change(tracker, projection_of(tracker)))
        if one.snapshot is not None:
            found = changes(
                tracker.state, one.snapshot, asked_at=one.asked_at, absent=one.settled.claim.absent
            )
            change.facts.extend(found.facts)
            held[nth] = (replace(one, settled=replace(one.settled, absent=found.absent)), tracker)
        if one.stop_reason and not change.facts and tracker.stop_reason is None:
            stops = tracker.state["counts"].get("stopped", 0)
            change.facts.append(TrackerStopped(reason=one.stop_reason, _count=stops + 1))
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
        if any(tells(event.type, event.data) for event in events):
            told.append(announcement(_telling(change, events)))
    write_projections([change.tracker for change in changed])
    return told


def _rescheduled(one: Learned, tracker: Tracker) -> Settled:
    """The next poll by what the tracker is now, not by what it was when it was claimed."""
    if one.snapshot is None or tracker.stop_reason is not None:
        return one.settled
    situation = Situation(outcome=Outcome(one.settled.outcome))
    decision = next_poll(one.settled.claim, situation, milestone=tracker.milestone, news_at=tracker.news_at)
    return replace(one.settled, delay=seconds(decision))


def _telling(change: _Change, events: Sequence[Recorded]) -> Telling:
    scans = [fact for fact in change.facts if isinstance(fact, ScanFact)]
    withdrawn = {fact.scan_key for fact in change.facts if isinstance(fact, ScanWithdrawn)}
    return Telling(
        id=uuid7(),
        tracker=change.tracker,
        before=change.before,
        types=frozenset(event.type for event in events),
        at=events[0].recorded_at,
        scan_keys=frozenset(fact.scan_key for fact in scans),
        withdrawn=frozenset(
            scan["eventId"] for scan in change.tracker.state["scans"] if scan["scanKey"] in withdrawn
        ),
        couriers=tuple(sorted({fact.courier_code for fact in scans}))
        or tuple(sorted(change.tracker.courier_codes)),
    )
