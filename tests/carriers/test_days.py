"""The days in which a carrier counts calls: from midnight to midnight at its home."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from carriers import days
from carriers.adapters.express247 import Express247
from carriers.days import Day, around, today

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def day(courier: str, now: datetime) -> Day:
    found = today(courier, now)
    assert found is not None
    return found


def test_the_day_is_that_of_the_carriers_home() -> None:
    late = datetime(2026, 3, 1, 16, 59, 59, tzinfo=UTC)
    assert day("247express", late).date == date(2026, 3, 1)
    assert day("247express", late + timedelta(seconds=1)).date == date(2026, 3, 2)
    assert day("sandbox", late).date == date(2026, 3, 1)


def test_a_courier_without_an_adapter_has_no_day() -> None:
    assert today("pigeon", NOON) is None


def test_of_three_days_around_any_clock_one_holds_the_moment() -> None:
    """However wrong the clock of this machine is, within a day."""
    for hours in range(-24, 25):
        holding = [one for one in around(NOON + timedelta(hours=hours)) if one.begins <= NOON < one.ends]
        assert {one.courier for one in holding} >= {"247express", "all24", "sandbox", "ship24"}


@pytest.mark.parametrize(
    ("clock", "is_open"),
    [
        ((0, 0, 0, 0), False),
        ((0, 0, 4, 999_999), False),
        ((0, 0, 5, 0), True),
        ((12, 0, 0, 0), True),
        ((23, 59, 54, 999_999), True),
        ((23, 59, 55, 0), False),
        ((23, 59, 59, 999_999), False),
    ],
)
def test_nothing_starts_within_five_seconds_of_midnight_there(
    clock: tuple[int, int, int, int], is_open: bool
) -> None:
    now = datetime(2026, 3, 1, *clock, tzinfo=HANOI)
    assert day("247express", now).is_open(now) is is_open


@pytest.mark.parametrize(
    ("month", "hours", "noon"), [(3, 23, 11 / 23), (10, 25, 13 / 25), (6, 24, 0.5)], ids=["23", "25", "24"]
)
def test_a_day_is_as_long_as_it_is_there(
    monkeypatch: pytest.MonkeyPatch, month: int, hours: int, noon: float
) -> None:
    monkeypatch.setattr(Express247, "time_zone", "Europe/Berlin")
    berlin = ZoneInfo("Europe/Berlin")
    sunday = {3: 29, 10: 25, 6: 14}[month]
    now = datetime(2026, month, sunday, 12, tzinfo=berlin)
    found = day("247express", now)
    assert found.ends - found.begins == timedelta(hours=hours)
    assert found.share_gone(now) == pytest.approx(noon)


def test_a_midnight_that_the_clocks_leave_out_begins_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cairo, 2026-04-24: after 23:59:59 comes 01:00."""
    monkeypatch.setattr(Express247, "time_zone", "Africa/Cairo")
    found = day("247express", datetime(2026, 4, 24, 12, tzinfo=UTC))
    assert (found.begins, found.ends - found.begins) == (
        datetime(2026, 4, 23, 22, tzinfo=UTC),
        timedelta(hours=23),
    )


def test_the_margin_is_the_published_one() -> None:
    assert timedelta(seconds=5) == days.MARGIN
