"""The one transaction: events appended, tracker projected, subscribers told, polled watches settled.

PostgreSQL works while Python does: it takes in the events of one tracker while those of the next are found and
folded, and writes the projections while messages are rendered.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from uuid import UUID

from django.db import transaction
from uuid_utils.compat import uuid7

from carriers.closing import close_later
from events import log
from events.catalog import ScanFact, ScanWithdrawn, tells
from events.log import Appending, Recorded
from trackers.claims import Settled, hear, settle
from trackers.comparing import Change, Ended, compare
from trackers.deciding import next_poll, seconds
from trackers.fold import fold
from trackers.held import Held, hold
from trackers.keeping import keep
from trackers.learned import Learned, Polled
from trackers.messages import Telling, announcement
from trackers.models import Watch
from trackers.projecting import apply_projection, projecting
from webhooks import tasks as webhook_tasks
from webhooks.fanout import Announcement, owe, owed, subscribers


def record(merchant_id: UUID, learned: Sequence[Learned]) -> int:
    """Record what was learned of one merchant's watches, each once. Returns how many events were appended.

    A constant number of statements, however many watches and scans. Polled watches whose claim was lost are
    left out: whoever holds the claim now records them. What was pushed needs no claim and disturbs none; of
    a tracker that is not subscribed any more it is left out.
    """
    ended: list[Ended] = []
    with transaction.atomic():
        changed, told = _append(merchant_id, compare(hold(learned), ended))
        _tell(merchant_id, changed, told)
        keep([(one.learned, one.tracker) for one in ended])
        settle([_rescheduled(one.learned, one) for one in ended if isinstance(one.learned, Polled)])
        hear(
            [
                (one.learned.watch, one.learned.as_of, one.news)
                for one in ended
                if not isinstance(one.learned, Polled)
            ]
        )
        _close([change.tracker.id for change in changed if change.stops])
        if told:
            transaction.on_commit(webhook_tasks.nudge, robust=True)
    return sum(len(change.facts) for change in changed)


def _append(merchant_id: UUID, found: Iterable[Change]) -> tuple[list[Change], list[Announcement]]:
    """Append the facts of each tracker as they are found, and fold them into its row, which is yet to write."""
    changed: list[Change] = []
    told: list[Announcement] = []
    with ExitStack() as stack:
        into: Appending | None = None
        for change in found:
            into = into or stack.enter_context(log.appending(merchant_id))
            events = into.write(change.events())
            after = fold(change.before, events)
            apply_projection(change.tracker, after)
            if after.last_message_sequence == after.version:
                told.append(announcement(_telling(change, events)))
            changed.append(change)
    return changed, told


def _tell(merchant_id: UUID, changed: Sequence[Change], told: Sequence[Announcement]) -> None:
    """Write the projections; owe what is news to whoever wants it."""
    if not changed:
        return
    audience = subscribers([merchant_id])
    written = projecting([change.tracker for change in changed])
    news = owed(merchant_id, audience, told)
    written.rows()
    owe(news)


def _close(stopped: Sequence[UUID]) -> None:
    """What carriers keep open for trackers that stop here is ended by `carriers.closing`."""
    if stopped:
        open_there = Watch.objects.filter(tracker__in=stopped, carrier_account__isnull=False)
        close_later(list(open_there.values_list("carrier_account_id", "courier", "tracker_id")))


def _rescheduled(one: Polled, ended: Ended) -> Settled:
    """The next poll by what the tracker is now, not by what it was when it was claimed."""
    tracker = ended.tracker
    if one.settled.not_ours:
        return replace(one.settled, absent=ended.absent, delay=0.0 if tracker.is_tracked else None)
    decision = next_poll(one.settled.claim, one.situation, tracker)
    # Only a poll that finds nothing may stop a tracker: else ask once more, at once.
    again = decision.stop_reason and tracker.is_tracked
    delay = 0.0 if again else seconds(decision)
    return replace(one.settled, absent=ended.absent, delay=delay, urgency=decision.urgency)


def _telling(change: Change, events: Sequence[Recorded]) -> Telling:
    """A message holds what is news. Where only the order of scans moved the milestone, that is the news."""
    loud = [fact for fact in change.facts if tells(fact.type, fact.data())]
    if not any(isinstance(fact, ScanFact | ScanWithdrawn) for fact in loud):
        loud = change.facts
    scan_keys = frozenset(fact.scan_key for fact in loud if isinstance(fact, ScanFact))
    withdrawn = {fact.scan_key for fact in loud if isinstance(fact, ScanWithdrawn)}
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
        types=frozenset(event.type for event in events),
        at=events[0].recorded_at,
        scan_keys=scan_keys,
        withdrawn=frozenset(scan["eventId"] for scan in scans if scan["scanKey"] in withdrawn),
        couriers=tuple(sorted(couriers)),
    )
