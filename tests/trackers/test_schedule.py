"""When to ask next, as tables; docs/polling.md holds the same ones."""

from dataclasses import replace
from datetime import timedelta

import pytest

from carriers.outcome import Outcome
from events.statuses import Milestone
from trackers import schedule
from trackers.schedule import Decision, Situation, Urgency, decide

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MORNING, NOON, NIGHT = 6 * HOUR, 12 * HOUR, 22 * HOUR
IN_TRANSIT = Situation(Outcome.UNCHANGED, Milestone.IN_TRANSIT, age=DAY)

#: Milestone, silence, and the waits in the morning, by day and by night.
BY_MILESTONE = [
    (Milestone.PENDING, timedelta(), HOUR, HOUR, 3 * HOUR),
    (Milestone.PENDING, 6 * HOUR, 2 * HOUR, 2 * HOUR, 6 * HOUR),
    (Milestone.PENDING, DAY, 4 * HOUR, 4 * HOUR, 8 * HOUR),
    (Milestone.PENDING, 3 * DAY, 8 * HOUR, 8 * HOUR, 12 * HOUR),
    (Milestone.INFO_RECEIVED, timedelta(), 4 * HOUR, 2 * HOUR, 6 * HOUR),
    (Milestone.INFO_RECEIVED, 2 * DAY, 6 * HOUR, 6 * HOUR, 12 * HOUR),
    (Milestone.IN_TRANSIT, timedelta(), HOUR, 6 * HOUR, 8 * HOUR),
    (Milestone.IN_TRANSIT, 2 * DAY, 2 * HOUR, 6 * HOUR, 8 * HOUR),
    (Milestone.IN_TRANSIT, 7 * DAY, 6 * HOUR, 12 * HOUR, 12 * HOUR),
    (Milestone.OUT_FOR_DELIVERY, timedelta(), 30 * MINUTE, 20 * MINUTE, 2 * HOUR),
    (Milestone.OUT_FOR_DELIVERY, 12 * HOUR, HOUR, 2 * HOUR, 4 * HOUR),
    (Milestone.FAILED_ATTEMPT, timedelta(), HOUR, 3 * HOUR, 6 * HOUR),
    (Milestone.FAILED_ATTEMPT, 2 * DAY, 4 * HOUR, 6 * HOUR, 12 * HOUR),
    (Milestone.AVAILABLE_FOR_PICKUP, timedelta(), 2 * HOUR, 2 * HOUR, 8 * HOUR),
    (Milestone.AVAILABLE_FOR_PICKUP, 2 * DAY, 6 * HOUR, 6 * HOUR, 12 * HOUR),
    (Milestone.DELIVERED, timedelta(), DAY, DAY, DAY),
    (Milestone.EXCEPTION, timedelta(), 4 * HOUR, 6 * HOUR, 8 * HOUR),
    (Milestone.EXCEPTION, 7 * DAY, 12 * HOUR, DAY, DAY),
]


@pytest.mark.parametrize(("milestone", "silence", "morning", "day", "night"), BY_MILESTONE)
def test_the_next_poll_follows_milestone_silence_and_hour(
    milestone: Milestone, silence: timedelta, morning: timedelta, day: timedelta, night: timedelta
) -> None:
    now = Situation(Outcome.OK, milestone, silence)
    assert decide(now).delay == day
    for hours, every in ((0, night), (5, morning), (11, day), (21, night)):
        delay = decide(replace(now, time_of_day=hours * HOUR)).delay
        assert delay is not None
        assert delay == every or every > 4 * HOUR  # and reaches into the next part
        assert min(morning, day, night) <= delay <= max(morning, day, night)


@pytest.mark.parametrize("milestone", list(Milestone))
def test_every_milestone_has_a_pace_for_ever(milestone: Milestone) -> None:
    assert decide(Situation(Outcome.UNREACHABLE, milestone, 99 * DAY, failures=1)).delay is not None
    assert decide(Situation(Outcome.OK, milestone, schedule.LAST_WATCH - MINUTE)).delay is not None


@pytest.mark.parametrize(
    ("at", "delay"),
    [
        (12 * HOUR, 6 * HOUR),
        (20 * HOUR, HOUR + (5 / 6) * 8 * HOUR),
        (3 * HOUR, 2 * HOUR + (3 / 4) * HOUR),
        (23 * HOUR, 6 * HOUR + (1 / 4) * HOUR),
        (10 * HOUR + 30 * MINUTE, 30 * MINUTE + (1 / 2) * 6 * HOUR),
    ],
)
def test_a_wait_is_used_up_in_each_part_of_the_day_at_its_own_pace(at: timedelta, delay: timedelta) -> None:
    assert decide(replace(IN_TRANSIT, time_of_day=at)).delay == pytest.approx(delay, abs=timedelta(seconds=1))


def test_a_parcel_is_asked_about_more_often_on_the_day_it_is_expected_and_the_next() -> None:
    by_day = {
        late: decide(replace(IN_TRANSIT, silence=4 * DAY, time_of_day=MORNING, days_late=late)).delay
        for late in (-1, 0, 1, 2)
    }
    assert by_day == {-1: 2 * HOUR, 0: 30 * MINUTE, 1: 30 * MINUTE, 2: 2 * HOUR}


def test_the_expected_day_begins_at_midnight_there() -> None:
    evening = replace(IN_TRANSIT, silence=2 * DAY, time_of_day=22 * HOUR, days_late=-1)
    assert decide(evening) == Decision(2 * HOUR + (3 / 4) * 4 * HOUR, urgency=Urgency.DUE)


@pytest.mark.parametrize("milestone", [Milestone.AVAILABLE_FOR_PICKUP, Milestone.DELIVERED])
def test_what_waits_for_its_consignee_or_has_arrived_is_not_expected_any_more(milestone: Milestone) -> None:
    there = Situation(Outcome.OK, milestone, DAY, time_of_day=NOON)
    assert decide(replace(there, days_late=0)) == decide(there)


def test_an_old_parcel_is_asked_about_half_as_often_until_it_goes_out() -> None:
    old = replace(IN_TRANSIT, age=30 * DAY)
    assert decide(old).delay == 2 * 6 * HOUR
    assert decide(replace(old, days_late=0)).delay == 2 * HOUR
    assert decide(replace(old, milestone=Milestone.OUT_FOR_DELIVERY)).delay == 20 * MINUTE


@pytest.mark.parametrize(
    ("now", "urgency"),
    [
        (replace(IN_TRANSIT, milestone=Milestone.OUT_FOR_DELIVERY), Urgency.DUE),
        (replace(IN_TRANSIT, milestone=Milestone.OUT_FOR_DELIVERY, silence=DAY), Urgency.MOVED),
        (replace(IN_TRANSIT, milestone=Milestone.OUT_FOR_DELIVERY, silence=2 * DAY), Urgency.REST),
        (replace(IN_TRANSIT, silence=2 * DAY, days_late=0), Urgency.DUE),
        (replace(IN_TRANSIT, silence=2 * DAY, days_late=1), Urgency.DUE),
        (replace(IN_TRANSIT, silence=2 * DAY, days_late=2), Urgency.REST),
        (replace(IN_TRANSIT, silence=35 * HOUR), Urgency.MOVED),
        (replace(IN_TRANSIT, silence=36 * HOUR), Urgency.REST),
        (replace(IN_TRANSIT, milestone=Milestone.PENDING), Urgency.REST),
        (replace(IN_TRANSIT, milestone=Milestone.INFO_RECEIVED), Urgency.REST),
        (replace(IN_TRANSIT, milestone=Milestone.DELIVERED), Urgency.REST),
        (replace(IN_TRANSIT, milestone=Milestone.EXCEPTION, final=True), Urgency.REST),
        (replace(IN_TRANSIT, outcome=Outcome.BAD_RESPONSE, failures=3), Urgency.MOVED),
    ],
)
def test_the_more_is_to_be_expected_the_more_urgent_it_is(now: Situation, urgency: Urgency) -> None:
    assert decide(now).urgency is urgency


@pytest.mark.parametrize(
    "outcome",
    [Outcome.UNREACHABLE, Outcome.THROTTLED, Outcome.ACCOUNT_SUSPENDED, Outcome.NO_CARRIER_ACCOUNT],
)
def test_a_poll_that_nobody_looked_for_leaves_the_urgency_as_it_was(outcome: Outcome) -> None:
    assert decide(replace(IN_TRANSIT, outcome=outcome, failures=1)).urgency is None


@pytest.mark.parametrize(("milestone", "silence"), [*schedule.STALLED_AFTER.items()], ids=str)
def test_a_silence_is_told_once_when_it_is_long_for_its_milestone(
    milestone: Milestone, silence: timedelta
) -> None:
    now = Situation(Outcome.UNCHANGED, milestone, silence)
    assert decide(now).stalled
    assert not decide(replace(now, stalled=True)).stalled
    assert not decide(replace(now, silence=silence - MINUTE)).stalled
    assert not decide(replace(now, outcome=Outcome.UNREACHABLE)).stalled
    assert not decide(replace(now, final=True)).stalled


def test_a_silence_is_told_before_it_ends_the_watch() -> None:
    longest = max(schedule.STALLED_AFTER.values())
    assert set(schedule.STALLED_AFTER) == set(Milestone) - {Milestone.DELIVERED}
    assert longest < schedule.SILENCE_LIMIT < schedule.AGE_LIMIT


@pytest.mark.parametrize(
    ("milestone", "silence", "age", "reason"),
    [
        (Milestone.DELIVERED, 7 * DAY, 9 * DAY, "delivered"),
        (Milestone.IN_TRANSIT, 30 * DAY, 31 * DAY, "no_news"),
        (Milestone.PENDING, 30 * DAY, 30 * DAY, "no_news"),
        (Milestone.IN_TRANSIT, DAY, 180 * DAY, "expired"),
        (Milestone.IN_TRANSIT, 40 * DAY, 180 * DAY, "expired"),
        (Milestone.DELIVERED, DAY, 180 * DAY, "expired"),
        (Milestone.DELIVERED, 7 * DAY, 180 * DAY, "delivered"),
    ],
)
def test_it_stops_with_a_reason(
    milestone: Milestone, silence: timedelta, age: timedelta, reason: str
) -> None:
    assert decide(Situation(Outcome.UNCHANGED, milestone, silence, age=age)) == Decision(None, reason)


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
    assert decide(Situation(outcome, failures=failures)).delay == delay


def test_what_the_carrier_asks_for_is_the_least_wait() -> None:
    assert decide(Situation(Outcome.THROTTLED, failures=1, retry_after=900)).delay == 15 * MINUTE
    assert decide(Situation(Outcome.THROTTLED, failures=9, retry_after=1)).delay == HOUR


def test_a_suspended_account_leaves_the_watch_due() -> None:
    assert decide(Situation(Outcome.ACCOUNT_SUSPENDED)).delay == timedelta()


def test_a_courier_that_costs_nothing_is_asked_often_until_delivery() -> None:
    every = timedelta(seconds=5)
    moving = Situation(Outcome.OK, Milestone.IN_TRANSIT, poll_every=every)
    assert decide(moving).delay == every
    assert decide(Situation(Outcome.OK, Milestone.DELIVERED, poll_every=every)).delay == DAY


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - schedule._ANSWERS))
@pytest.mark.parametrize("age", [99 * DAY, 999 * DAY])
def test_a_poll_that_no_carrier_answered_never_stops_the_tracker(outcome: Outcome, age: timedelta) -> None:
    assert decide(Situation(outcome, Milestone.DELIVERED, 99 * DAY, age=age)).stop_reason is None


def test_a_carriers_last_word_is_watched_slowly_for_a_week() -> None:
    returned = Situation(Outcome.OK, Milestone.EXCEPTION, timedelta(), poll_every=HOUR, final=True)
    assert decide(returned) == Decision(DAY)
    late = Situation(Outcome.UNCHANGED, Milestone.EXCEPTION, 7 * DAY, final=True)
    assert decide(late) == Decision(None, "exception")
