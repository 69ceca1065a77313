"""Parcels by milestone and new scans by hour, counted by one process once a minute."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts.models import Merchant
from carriers.models import CarrierAccount
from carriers.tallies import PollSlip
from events.models import Event
from tests.carrier_server import CarrierServer, order
from trackers import figures, tallying
from trackers.models import MilestoneTally, ScanTally, Tracker

pytestmark = pytest.mark.django_db
Follow = Callable[..., Tracker]


@pytest.fixture(autouse=True)
def _what_is_recorded_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallying, "SETTLED", 0.0)


def parcels() -> dict[str, int]:
    return {one.milestone.value: one.now for one in figures.parcels() if one.now}


def scans() -> int:
    return sum(figures.scans().values())


def a_minute_later() -> None:
    for model in (MilestoneTally, ScanTally):
        model.objects.update(counted_at=F("counted_at") - timedelta(minutes=1))


@pytest.fixture
def polled(
    alice: Merchant,
    account: CarrierAccount,
    carrier: CarrierServer,
    follow: Follow,
    poll_all: Callable[[], int],
) -> Tracker:
    """A parcel of which three scans are known."""
    carrier.replies["TH00001"] = order("TH00001", "050000", "100000", "200000")
    tracker = follow(alice, "TH00001")
    assert poll_all() == 1
    return tracker


def test_parcels_that_are_followed_are_counted_by_milestone(
    alice: Merchant, polled: Tracker, follow: Follow
) -> None:
    follow(alice, "TH00002")
    left, stopped = follow(alice, "TH00003"), follow(alice, "TH00004")
    Tracker.objects.filter(id=left.id).update(is_subscribed=False)
    Tracker.objects.filter(id=stopped.id).update(stop_reason="silent")
    assert figures.parcels() == []
    tallying.count()
    polled.refresh_from_db()
    assert parcels() == {"pending": 1, polled.milestone: 1}


def test_a_change_in_a_day_is_seen_from_the_first_count_of_it(alice: Merchant, follow: Follow) -> None:
    follow(alice, "TH00001")
    tallying.count()
    MilestoneTally.objects.update(since=F("since") - timedelta(hours=5))
    follow(alice, "TH00002")
    a_minute_later()
    tallying.count()
    (pending,) = [one for one in figures.parcels() if one.now]
    assert (pending.before, pending.now) == (1, 2)


def test_counting_parcels_reads_their_index_alone(alice: Merchant, follow: Follow) -> None:
    follow(alice, "TH00001")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # of a few rows PostgreSQL reads the table
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {tallying._PARCELS}", {"milestones": ["pending"]})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Only Scan using tracker_followed_milestone" in plan, plan


def test_new_scans_are_counted_once(polled: Tracker) -> None:
    tallying.count()
    assert scans() == 3
    a_minute_later()
    tallying.count()
    assert scans() == 3


def test_what_may_still_be_on_its_way_to_a_commit_waits(
    polled: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallying, "SETTLED", 3600.0)
    tallying.count()
    assert scans() == 0
    monkeypatch.setattr(tallying, "SETTLED", 0.0)
    a_minute_later()
    tallying.count()
    assert scans() == 3


def test_a_batch_ends_where_it_ends_and_the_next_goes_on(
    polled: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallying, "BATCH", 2)
    tallying.count()
    assert scans() == 3
    assert ScanTally.objects.get().through == Event.objects.order_by("position").last().position


def test_the_first_count_of_a_long_log_begins_with_what_pages_show(
    polled: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        tallying,
        "_RECORDED_BEFORE_PAGES_SHOW",
        """
        SELECT type <> 'tracking.scanned' FROM events_event WHERE position >= %s ORDER BY position LIMIT 1
    """,
    )
    first_scan = Event.objects.filter(type="tracking.scanned").order_by("position").first()
    assert tallying._beginning() == first_scan.position - 1


def test_counting_takes_the_same_statements_for_any_log(polled: Tracker) -> None:
    tallying.count()
    a_minute_later()
    with CaptureQueriesContext(connection) as captured:
        tallying.count()
    assert len(captured) <= 11


def test_a_poll_is_noted_with_its_outcome_and_time(polled: Tracker, account: CarrierAccount) -> None:
    slip = PollSlip.objects.get()
    assert (slip.account_id, slip.outcome, slip.polls) == (account.id, "ok", 1)
    assert slip.duration_ms == slip.slowest_ms


def test_tallies_are_kept_for_thirty_days(alice: Merchant, follow: Follow) -> None:
    tallying.count()
    assert tallying.forget() == 0
    for model in (MilestoneTally, ScanTally):
        model.objects.update(since=F("since") - timedelta(days=31))
    assert tallying.forget() == 9
