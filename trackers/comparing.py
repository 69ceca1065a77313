"""What is new of the trackers that are held: the facts of one append to each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC
from uuid import UUID

from django.utils import timezone
from uuid_utils.compat import uuid7

from events import log
from events.catalog import Fact, TrackerStopped, TrackingStalled, is_heard
from events.log import NewEvent, Recorded
from trackers.changes import changes
from trackers.deciding import next_poll, silent_since
from trackers.fold import Projection, fold
from trackers.held import Held
from trackers.learned import Learned, Polled
from trackers.models import Tracker
from trackers.projecting import projection_of
from trackers.quarantine import oldest_of


@dataclass(slots=True)
class Change:
    """One tracker within the transaction: its row, what it was before, what is new, and who told it."""

    tracker: Held | Tracker
    before: Projection
    facts: list[Fact] = field(default_factory=list)
    couriers: set[str] = field(default_factory=set)
    polls: list[Polled] = field(default_factory=list)
    #: The facts as the log holds them, once it does.
    events: list[Recorded] = field(default_factory=list)

    @property
    def stops(self) -> bool:
        return any(fact.type == TrackerStopped.type for fact in self.facts)

    @property
    def tells(self) -> bool:
        """Whether subscribers hear of it, once it is folded into the row."""
        return self.tracker.last_message_sequence == self.tracker.version

    def news(self) -> list[NewEvent]:
        """The events that record the facts."""
        first = self.before.version + 1
        return [log.event_of(self.tracker.id, first + nth, fact) for nth, fact in enumerate(self.facts)]

    def compare(self, one: Learned) -> "Ended":
        """Take up what this one tells and the log lacks."""
        self.couriers.add(one.courier)
        absent: dict[str, str] = {}
        if isinstance(one, Polled):
            self.polls.append(one)
            absent = one.settled.claim.absent
        if one.snapshot is None:
            return Ended(one, self.tracker, absent, news=False)
        found = changes(
            self.tracker.state,
            one.snapshot,
            asked_at=one.asked_at,
            absent=absent,
            oldest=oldest_of(self.tracker.shipping_date),
            late=one.late,
        )
        self.facts.extend(found.facts)
        as_is = replace(one, anothers=True) if found.anothers else one
        return Ended(as_is, self.tracker, found.absent, news=bool(found.facts))

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

    def _is_heard_of(self) -> bool:
        return any(is_heard(fact.type, fact.data()) for fact in self.facts)

    def _moves(self) -> bool:
        """Whether the facts change where the parcel is; the log is not asked for that."""
        now = timezone.now()
        to_be = [
            Recorded(uuid7(), new.stream, new.version, new.type, new.key, new.data, now)
            for new in self.news()
        ]
        after = fold(self.before, to_be)
        return (after.milestone, after.final) != (self.before.milestone, self.before.final)


@dataclass(slots=True)
class Ended:
    """What was learned of one watch, and what it came to under the lock."""

    learned: Learned
    tracker: Held | Tracker
    #: Known scans that the answer left out: key to the first answer without it.
    absent: dict[str, str]
    #: Whether it told news.
    news: bool

    @property
    def is_pushed(self) -> bool:
        return not isinstance(self.learned, Polled)


def compare(held: Iterable[tuple[Learned, Held]], ended: list[Ended]) -> Iterator[Change]:
    """The facts that the log lacks, a tracker at a time; trackers without any are left out.

    Each watch goes to `ended` as it is compared.
    """
    by_tracker: dict[UUID, list[tuple[Learned, Held]]] = {}
    for pair in held:
        by_tracker.setdefault(pair[1].id, []).append(pair)
    for pairs in by_tracker.values():
        tracker = pairs[0][1]
        change = Change(tracker, projection_of(tracker))
        for one, _ in pairs:
            ended.append(change.compare(one))
        change.heed_silence()
        if change.facts:
            yield change
