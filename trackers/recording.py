"""The one transaction: events appended, tracker projected, subscribers told, polled watches settled.

PostgreSQL works while Python does: it takes in the events of one tracker while those of the next are found,
and the last of them while projections are rendered and next polls decided; it writes the projections while
messages are rendered.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from uuid import UUID

from django.db import transaction
from uuid_utils.compat import uuid7

from carriers.closing import close_later
from events import log
from events.catalog import Fact, ScanAmended, Scanned, ScanWithdrawn, tells
from events.log import Appending, Recorded
from trackers.claims import Settled, hear, settle
from trackers.comparing import Change, Ended, compare
from trackers.deciding import next_poll, seconds
from trackers.fold import fold
from trackers.hastening import hasten
from trackers.held import hold
from trackers.keeping import keep
from trackers.learned import Learned, Polled
from trackers.messages import Telling, announcement
from trackers.models import Tracker, Watch
from trackers.projecting import apply_projection, projecting, projection_of, projections
from webhooks import tasks as webhook_tasks
from webhooks.fanout import owe, owed, subscribers

_TELLING_SCANS = frozenset({Scanned.type, ScanAmended.type})
_TAKING_BACK = frozenset({ScanAmended.type, ScanWithdrawn.type})
_ABOUT_SCANS = _TELLING_SCANS | _TAKING_BACK
_NONE: frozenset[str] = frozenset()


def record(merchant_id: UUID, learned: Sequence[Learned]) -> int:
    """Record what was learned of one merchant's watches, each once. Returns how many events were appended.

    A constant number of statements, however many watches and scans. Polled watches whose claim was lost are
    left out: whoever holds the claim now records them. What was pushed needs no claim and disturbs none; of
    a tracker that is not subscribed any more it is left out.
    """
    ended: list[Ended] = []
    with transaction.atomic():
        with _appending(merchant_id, compare(hold(learned), ended)) as changed:
            rows = projections(change.tracker for change in changed)
            settled = [_rescheduled(one.learned, one) for one in ended if isinstance(one.learned, Polled)]
        _tell(merchant_id, changed, rows)
        keep([(one.learned, one.tracker) for one in ended])
        settle(settled)
        hear([(one.learned.watch, one.learned.as_of, one.news) for one in ended if one.is_pushed])
        hasten(changed, ended)
        _close([change.tracker.id for change in changed if change.stops])
    return sum(len(change.events) for change in changed)


def amend(merchant_id: UUID, courier: str, found: Iterable[tuple[Tracker, Sequence[Fact]]]) -> None:
    """Record facts that were found in what is kept of one courier; a constant number of statements.

    The caller holds the trackers' locks, and has found something of each. Their watches are left as they are:
    the carrier told nothing new.
    """
    found_anew = (Change(tracker, projection_of(tracker), list(facts), {courier}) for tracker, facts in found)
    with _appending(merchant_id, found_anew) as changed:
        rows = projections(change.tracker for change in changed)
    _tell(merchant_id, changed, rows)


@contextmanager
def _appending(merchant_id: UUID, found: Iterable[Change]) -> Iterator[list[Change]]:
    """Append the facts of each tracker as they are found, and fold them into its row: that is not written.

    PostgreSQL takes in the last of them as long as this context lasts; nothing may be asked of it meanwhile.
    """
    changed: list[Change] = []
    with ExitStack() as stack:
        into: Appending | None = None
        for change in found:
            into = into or stack.enter_context(log.appending(merchant_id))
            change.events = into.write(change.news())
            apply_projection(change.tracker, fold(change.before, change.events))
            changed.append(change)
        if into:
            into.send()
        yield changed


def _tell(merchant_id: UUID, changed: Sequence[Change], rows: bytes) -> None:
    """Write the projections, and what is owed to whom."""
    if not changed:
        return
    audience = subscribers([merchant_id])
    with projecting(rows):
        told = [announcement(_news(change)) for change in changed if change.tells]
        news = owed(merchant_id, audience, told)
    owe(news)
    if news.messages:
        transaction.on_commit(webhook_tasks.nudge, robust=True)


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


def _news(change: Change) -> Telling:
    """A message holds what is news. Where only the order of scans moved the milestone, that is the news."""
    loud = [event for event in change.events if tells(event.type, event.data)]
    types = frozenset(event.type for event in loud or change.events)
    if not any(event.type in _ABOUT_SCANS for event in loud):
        loud = change.events
    scan_keys = frozenset(event.data["scanKey"] for event in loud if event.type in _TELLING_SCANS)
    scans = change.tracker.state["scans"]
    gone = {event.data["scanKey"] for event in loud if event.type in _TAKING_BACK and _takes_back(event)}
    couriers = change.couriers.union(
        change.tracker.courier_codes,
        change.tracker.state["shipments"],
        {scan["courierCode"] for scan in scans},
    )
    return Telling(
        id=uuid7(),
        tracker=change.tracker,
        before=change.before,
        types=types,
        at=change.events[0].recorded_at,
        scan_keys=scan_keys,
        withdrawn=frozenset(scan["eventId"] for scan in scans if scan["scanKey"] in gone) if gone else _NONE,
        couriers=tuple(sorted(couriers)),
    )


def _takes_back(event: Recorded) -> bool:
    """Whether, by a change or withdrawal, a scan that subscribers were told of counts no more."""
    if event.type == ScanWithdrawn.type:
        return not event.data["quarantined"]
    return bool(event.data["quarantined"] and "quarantined" in event.data["changed"])
