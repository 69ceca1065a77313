"""A tracker's page: how the parcel is, who is asked about it when, and all that happened to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from accounts.pages import BAD, GOOD, PLAIN, WARNING, Cell, Figure, Table, cells, figures
from trackers.milestones import quarantined
from trackers.models import Tracker, Watch
from trackers.outcomes import FAILING
from trackers.schedule import Urgency
from trackers.timeline.entries import Place
from trackers.timeline.pages import Page, page_of


@dataclass(frozen=True, slots=True)
class TrackerPage:
    """What the page shows. `below` is where its part of the timeline begins; None: with the newest."""

    figures: Sequence[Figure]
    watches: Table
    quarantined: Table
    timeline: Page
    below: Place | None


def tracker_page(tracker: Tracker, below: Place | None, *, sayings: bool) -> TrackerPage:
    """Of this tracker, whose merchant is read already; a constant number of statements.

    `sayings`: whether what carriers said to the letter, which may hold personal data, is shown.
    """
    return TrackerPage(
        _figures(tracker),
        _watches(tracker),
        _quarantined(tracker),
        page_of(tracker.id, below, sayings=sayings),
        below,
    )


def _figures(tracker: Tracker) -> list[Figure]:
    return figures(
        milestone=Cell(tracker.milestone, tone=GOOD if tracker.milestone == "delivered" else PLAIN),
        status_code=tracker.status_code,
        followed=_followed(tracker),
        merchant=Cell(
            tracker.merchant.name, reverse("admin:accounts_merchant_change", args=[tracker.merchant_id])
        ),
        expected_by=tracker.due_on and f"{tracker.due_on:%Y-%m-%d}",
        newest_scan=tracker.news_at,
        stalled_since=Cell(tracker.stalled_at, tone=WARNING),
        shipment_reference=tracker.shipment_reference,
        client_tracker_ID=tracker.client_tracker_id,
        erased=tracker.erased_at,
    )


def _followed(tracker: Tracker) -> Cell:
    if not tracker.is_subscribed:
        return Cell("no: unsubscribed", tone=WARNING)
    if tracker.stop_reason:
        return Cell(f"no: {tracker.stop_reason}", tone=WARNING)
    return Cell("yes", tone=GOOD)


def _watches(tracker: Tracker) -> Table:
    """One statement; an account's keys stay where they are."""
    found = Watch.objects.filter(tracker=tracker).select_related("carrier_account__merchant")
    watches = found.defer("carrier_account__key", "carrier_account__push_secret").order_by("courier")
    return Table(
        id="watches",
        title="Watches",
        headers=(
            "Courier",
            "Carrier account",
            "Last outcome",
            "Last polled",
            "Next poll",
            "Urgency",
            "Failures",
        ),
        rows=[_watch(one) for one in watches],
        empty="No carrier is asked: none was found for the number, or none may be asked.",
    )


def _watch(watch: Watch) -> list[Cell]:
    href = reverse("admin:trackers_watch_change", args=[watch.id])
    return cells(
        [
            Cell(watch.courier, href),
            _account(watch),
            _outcome(watch),
            watch.last_polled_at,
            Cell("under way") if watch.claim_id else watch.next_poll_at,
            Urgency(watch.urgency).name.lower().replace("_", " ") if watch.next_poll_at else None,
            watch.failures,
        ]
    )


def _account(watch: Watch) -> Cell:
    account = watch.carrier_account
    if account is None:
        return Cell("none can ask", tone=WARNING) if watch.next_poll_at else Cell(None)
    href = reverse("admin:carriers_carrieraccount_change", args=[account.id])
    return Cell(account.merchant.name if account.merchant else "the house's", href)


def _outcome(watch: Watch) -> Cell:
    if watch.last_outcome is None:
        return Cell(None)
    word = watch.last_outcome.replace("_", " ")
    failing = watch.last_outcome in FAILING
    return Cell(
        f"{word}: {watch.last_error}" if failing and watch.last_error else word, tone=BAD if failing else GOOD
    )


def _quarantined(tracker: Tracker) -> Table:
    scans = list(quarantined(tracker.state["scans"]))
    return Table(
        id="quarantined",
        title="Scans of another parcel",
        note="Older than the shipment, of a parcel that had the number before: they count for nothing.",
        headers=("Time", "Courier", "Text", "Place"),
        rows=[
            cells(
                [one["occurrenceDatetime"] or "no time", one["courierCode"], one["status"], one["location"]]
            )
            for one in scans[::-1]
        ],
        empty="None.",
    )
