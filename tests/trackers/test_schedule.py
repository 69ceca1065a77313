"""The cadence as a table; docs/polling.md holds the same one."""

from datetime import timedelta

import pytest

from carriers.outcome import Outcome
from events.statuses import Milestone
from trackers.schedule import Decision, Situation, decide

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

BY_MILESTONE = [
    (Milestone.PENDING, timedelta(), 30 * MINUTE),
    (Milestone.PENDING, DAY, 2 * HOUR),
    (Milestone.PENDING, 3 * DAY, 6 * HOUR),
    (Milestone.INFO_RECEIVED, timedelta(), HOUR),
    (Milestone.INFO_RECEIVED, 2 * DAY, 4 * HOUR),
    (Milestone.IN_TRANSIT, timedelta(), HOUR),
    (Milestone.IN_TRANSIT, DAY, 3 * HOUR),
    (Milestone.IN_TRANSIT, 7 * DAY, 12 * HOUR),
    (Milestone.OUT_FOR_DELIVERY, timedelta(), 15 * MINUTE),
    (Milestone.OUT_FOR_DELIVERY, 12 * HOUR, HOUR),
    (Milestone.FAILED_ATTEMPT, timedelta(), HOUR),
    (Milestone.FAILED_ATTEMPT, DAY, 4 * HOUR),
    (Milestone.AVAILABLE_FOR_PICKUP, timedelta(), 2 * HOUR),
    (Milestone.AVAILABLE_FOR_PICKUP, 2 * DAY, 6 * HOUR),
    (Milestone.DELIVERED, timedelta(), 12 * HOUR),
    (Milestone.EXCEPTION, timedelta(), 6 * HOUR),
    (Milestone.EXCEPTION, 7 * DAY, 24 * HOUR),
]


@pytest.mark.parametrize(("milestone", "silence", "delay"), BY_MILESTONE)
def test_the_next_poll_follows_milestone_and_silence(
    milestone: Milestone, silence: timedelta, delay: timedelta
) -> None:
    assert decide(Situation(Outcome.OK, milestone, silence)) == Decision(delay)


@pytest.mark.parametrize(
    ("milestone", "silence", "reason"),
    [
        (Milestone.DELIVERED, 7 * DAY, "delivered"),
        (Milestone.IN_TRANSIT, 30 * DAY, "no_news"),
        (Milestone.PENDING, 30 * DAY, "no_news"),
    ],
)
def test_it_stops_with_a_reason(milestone: Milestone, silence: timedelta, reason: str) -> None:
    assert decide(Situation(Outcome.UNCHANGED, milestone, silence)) == Decision(None, reason)


@pytest.mark.parametrize(
    ("outcome", "failures", "delay"),
    [
        (Outcome.UNREACHABLE, 1, timedelta(seconds=30)),
        (Outcome.UNREACHABLE, 2, MINUTE),
        (Outcome.UNREACHABLE, 50, HOUR),
        (Outcome.THROTTLED, 1, MINUTE),
        (Outcome.BAD_RESPONSE, 1, 5 * MINUTE),
        (Outcome.BAD_RESPONSE, 50, 6 * HOUR),
        (Outcome.REFUSED, 1, DAY),
    ],
)
def test_failures_back_off_and_double(outcome: Outcome, failures: int, delay: timedelta) -> None:
    assert decide(Situation(outcome, failures=failures)) == Decision(delay)


def test_what_the_carrier_asks_for_is_the_least_wait() -> None:
    assert decide(Situation(Outcome.THROTTLED, failures=1, retry_after=900)).delay == 15 * MINUTE
    assert decide(Situation(Outcome.THROTTLED, failures=9, retry_after=1)).delay == HOUR


def test_a_suspended_account_leaves_the_watch_due() -> None:
    assert decide(Situation(Outcome.ACCOUNT_SUSPENDED)).delay == timedelta()


def test_a_courier_that_costs_nothing_is_asked_often_until_delivery() -> None:
    every = timedelta(seconds=5)
    moving = Situation(Outcome.OK, Milestone.IN_TRANSIT, poll_every=every)
    assert decide(moving).delay == every
    assert decide(Situation(Outcome.OK, Milestone.DELIVERED, poll_every=every)).delay == 12 * HOUR


@pytest.mark.parametrize(
    "outcome", [Outcome.UNREACHABLE, Outcome.THROTTLED, Outcome.BAD_RESPONSE, Outcome.ACCOUNT_SUSPENDED]
)
def test_a_poll_that_no_carrier_answered_never_stops_the_tracker(outcome: Outcome) -> None:
    assert decide(Situation(outcome, Milestone.DELIVERED, 99 * DAY)).stop_reason is None


def test_a_carriers_last_word_is_watched_slowly_for_a_week() -> None:
    returned = Situation(Outcome.OK, Milestone.EXCEPTION, timedelta(), poll_every=HOUR, final=True)
    assert decide(returned) == Decision(12 * HOUR)
    late = Situation(Outcome.UNCHANGED, Milestone.EXCEPTION, 7 * DAY, final=True)
    assert decide(late) == Decision(None, "exception")
