"""The schedule applied to a watch: whose clock counts, which day it is there, what the row changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from uuid_utils.compat import uuid7

from carriers.outcome import Outcome
from trackers.claims import Claim
from trackers.deciding import next_poll, seconds
from trackers.models import Tracker
from trackers.schedule import Decision, Situation, Urgency

HOUR = timedelta(hours=1)
#: 06:30 in Bangkok, 00:30 in Berlin, 19:30 of the day before in New York.
NOW = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
SILENT = NOW - 3 * timedelta(days=1)
UNCHANGED = Situation(Outcome.UNCHANGED)
IN_TRANSIT = Claim(
    watch=uuid7(),
    claim=uuid7(),
    tracker=uuid7(),
    merchant=uuid7(),
    courier="all24",
    account=uuid7(),
    claimed_at=NOW,
    last_digest="digest",
    failures=0,
    absent={},
    number="HSAAAA00",
    since=SILENT,
    milestone="in_transit",
    final=False,
    silent_since=SILENT,
    tracked=True,
    followed_since=SILENT,
    stalled=False,
    due_on=None,
    others=False,
)


def to(country: str, **fields: object) -> Claim:
    return replace(IN_TRANSIT, hints={"destinationCountryCode": country}, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("claim", "delay"),
    [
        (IN_TRANSIT, 2 * HOUR),  # all24 is at home in Bangkok, where it is morning
        (to("DE"), 4.5 * HOUR + (3.5 / 8) * 2 * HOUR),
        (to("US"), 2.5 * HOUR + (3.5 / 6) * 8 * HOUR),
        (to("de"), 4.5 * HOUR + (3.5 / 8) * 2 * HOUR),
        (to("XX"), 2 * HOUR),
        (replace(IN_TRANSIT, courier="ship24"), 6 * HOUR),  # nowhere at home: always day
    ],
)
def test_the_clock_is_the_destinations_or_else_the_carriers_own(claim: Claim, delay: timedelta) -> None:
    assert next_poll(claim, UNCHANGED).delay == pytest.approx(delay, abs=timedelta(seconds=1))


@pytest.mark.parametrize(
    ("claim", "urgency"),
    [
        (to("TH", due_on=date(2026, 3, 4)), Urgency.DUE),
        (to("DE", due_on=date(2026, 3, 4)), Urgency.DUE),
        (to("US", due_on=date(2026, 3, 4)), Urgency.DUE),  # it will be before the next poll
        (to("TH", due_on=date(2026, 3, 5)), Urgency.REST),
        (to("US", due_on=date(2026, 3, 5)), Urgency.REST),
        (to("US", due_on=date(2026, 3, 1)), Urgency.REST),
        (to("TH", due_on=date(2026, 3, 3)), Urgency.DUE),
    ],
)
def test_the_day_that_it_is_expected_on_is_a_day_there(claim: Claim, urgency: Urgency) -> None:
    assert next_poll(claim, UNCHANGED).urgency is urgency


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_on_days_when_clocks_change_a_wait_is_a_wait(day: date) -> None:
    for hour in range(24):
        at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        delay = next_poll(to("DE", claimed_at=at, silent_since=at, followed_since=at), UNCHANGED).delay
        assert delay is not None
        assert HOUR <= delay <= 8 * HOUR


def test_what_the_row_says_by_now_counts() -> None:
    row = Tracker(created_at=SILENT, milestone="out_for_delivery", milestone_at=NOW, news_at=NOW, state={})
    assert next_poll(IN_TRANSIT, UNCHANGED, row) == Decision(HOUR / 2, urgency=Urgency.DUE)
    row.stop_reason = "no_news"
    assert next_poll(IN_TRANSIT, UNCHANGED, row) == Decision(None)
    assert next_poll(replace(IN_TRANSIT, tracked=False), UNCHANGED) == Decision(None)


def test_a_silence_that_was_told_meanwhile_is_not_told_again() -> None:
    silent = replace(IN_TRANSIT, silent_since=NOW - timedelta(days=6))
    assert next_poll(silent, UNCHANGED).stalled
    row = Tracker(created_at=silent.silent_since, milestone="in_transit", stalled_at=NOW, state={})
    assert not next_poll(silent, UNCHANGED, row).stalled


def test_age_counts_from_the_last_time_that_it_was_taken_up() -> None:
    long_ago = NOW - timedelta(days=180)
    assert next_poll(replace(IN_TRANSIT, followed_since=long_ago), UNCHANGED).stop_reason == "expired"
    assert next_poll(replace(IN_TRANSIT, since=long_ago), UNCHANGED).stop_reason is None


def test_waits_are_lengthened_by_a_tenth_at_most() -> None:
    found = [seconds(Decision(HOUR)) or 0 for _ in range(200)]
    assert 3600 <= min(found) < max(found) <= 3960
    assert seconds(Decision(None)) is None
