"""How many calls of a day an account may still make: pure rules."""

from datetime import UTC, date, datetime, timedelta

import pytest

from carriers.budget import UNBOUNDED, Counts, Room, Use, calls_left, key_quota_of, room, service_quota_of
from carriers.days import Day

BEGINS = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Day("247express", date(2026, 3, 1), BEGINS, BEGINS + timedelta(days=1))


def at(hours: float, *uses: tuple[int, int | None], calls: int = 1, served: datetime | None = None) -> Room:
    now = BEGINS + timedelta(hours=hours)
    return room(DAY, now, tuple(Use(*one) for one in uses), calls=calls, served=served or now)


@pytest.mark.parametrize(
    ("hours", "reserved", "left", "scheduled"),
    [
        (6, 0, 1000, 260),
        (6, 250, 750, 10),
        (6, 259, 741, 1),
        (6, 260, 740, 0),
        (6, 900, 100, 0),
        (12, 260, 740, 250),
        (23.9, 990, 10, 10),
        (12, 1000, 0, 0),
        (12, 1001, 0, 0),
    ],
)
def test_scheduled_calls_are_spread_over_the_day_and_asked_ones_take_what_is_left(
    hours: float, reserved: int, left: int, scheduled: int
) -> None:
    found = at(hours, (reserved, 1000))
    assert (found.left, found.scheduled) == (left, scheduled)


@pytest.mark.parametrize("hours", [0, 23.9999], ids=["just after midnight", "just before"])
def test_around_midnight_there_is_none(hours: float) -> None:
    assert at(hours, (0, 1000)) == Room(0, 0)


def test_without_a_quota_everything_may_start() -> None:
    found = at(12, (5_000_000, None), (0, None))
    assert (found.left, found.scheduled, found.is_short) == (UNBOUNDED, UNBOUNDED, False)


def test_the_smallest_of_several_quotas_counts() -> None:
    assert at(12, (10, 1000), (2_999_999, 3_000_000)).left == 1


def test_a_poll_that_may_make_five_calls_needs_five() -> None:
    assert at(12, (0, 1000), calls=5) == Room(200, 102)
    assert at(12, (996, 1000), calls=5).left == 0


def test_beyond_the_spread_what_is_left_goes_evenly_over_the_time_that_is_left() -> None:
    """900 of 1,000 were asked for in the morning: 100 for 12 hours is one in 432 seconds."""
    noon = BEGINS + timedelta(hours=12)
    given = [
        at(12, (900, 1000), served=noon - timedelta(seconds=seconds)).scheduled for seconds in (0, 431, 433)
    ]
    assert given == [0, 0, 1]


def test_a_small_quota_beyond_its_spread_still_has_a_whole_poll_once_its_time_has_come() -> None:
    assert at(12, (60, 100), calls=5, served=DAY.begins).scheduled == 1
    assert at(12, (60, 100), calls=5, served=DAY.begins + timedelta(hours=11.5)).scheduled == 0


def test_what_an_account_missed_while_it_was_not_asked_is_no_more_than_a_burst() -> None:
    assert at(12, (900, 1000), served=BEGINS - timedelta(days=9)).scheduled == 10


def test_it_is_short_where_scheduled_calls_wait_for_the_day_to_go_on() -> None:
    assert at(12, (509, 1000)).is_short
    assert not at(12, (400, 1000)).is_short
    assert at(12, (1000, 1000)).is_short is False  # nothing waits for anything before midnight


def test_the_published_quotas() -> None:
    assert (key_quota_of("247express"), service_quota_of("247express")) == (200_000, 3_000_000)
    assert (key_quota_of("all24"), key_quota_of("pigeon"), service_quota_of("pigeon")) == (None, None, None)


@pytest.mark.parametrize(
    ("courier", "own_quota", "counts", "left"),
    [
        ("247express", None, Counts(), 200_000),
        ("247express", None, Counts(own=5, of_key=150_000), 50_000),
        ("247express", 100, Counts(own=5, of_key=150_000), 95),
        ("247express", 100, Counts(own=5, of_key=199_999), 1),
        ("247express", 500_000, Counts(own=5, of_key=7), 199_993),
        ("247express", 100, Counts(of_all=3_000_000), 0),
        ("247express", None, Counts(own=150_000, of_key=2), 50_000),
        ("all24", None, Counts(own=5), None),
        ("all24", 7, Counts(own=5, of_key=100), 2),
    ],
)
def test_what_is_left_is_the_smaller_of_the_accounts_own_and_its_keys(
    courier: str, own_quota: int | None, counts: Counts, left: int | None
) -> None:
    assert calls_left(courier, own_quota, counts) == left
