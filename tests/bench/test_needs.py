"""What a month of parcels needs is plain arithmetic of what one piece took."""

import dataclasses
from typing import Any

import pytest

from bench.processes import needs
from bench.processes.needs import Assumed, Measured

ONE = Measured(
    polls=41.0,
    scans=8.0,
    days=6.0,
    postgres={"unchanged": 400.0, "changed": 1_000.0, "delivery": 50.0, "read": 100.0},
    python={"unchanged": 800.0, "changed": 1_500.0, "delivery": 60.0, "read": 600.0},
    wal={"unchanged": 300.0, "changed": 10_000.0, "delivery": 1_100.0, "read": 0.0},
    disk={"event": 700.0, "parcel": 3_000.0, "answer": 900.0, "delivery": 2_500.0},
)


def line(what: str, of: Measured = ONE, assumed: Assumed | None = None) -> tuple[float, float]:
    (found,) = [one for one in needs.needs(of, assumed or Assumed()) if one.what == what]
    million, hundred_million = found.values
    return million, hundred_million


def test_a_hundred_times_the_parcels_need_a_hundred_times_as_much() -> None:
    for one in needs.needs(ONE):
        million, hundred_million = one.values
        assert hundred_million == pytest.approx(100 * million)


def test_polls_of_the_busiest_hour() -> None:
    """41 million polls in 30 days are 15.8 a second, and four times as many in that hour."""
    assert line("polls a second, busiest hour")[0] == pytest.approx(41e6 / (30 * 86_400) * 4)


def test_processors_of_postgresql_are_half_busy_then() -> None:
    microseconds = 33 * 400 + 8 * 1_000 + 8 * 50 + 5 * 100
    assert line("processors of PostgreSQL")[0] == pytest.approx(
        1e6 * microseconds / 1e6 / (30 * 86_400) * 4 / 0.5
    )


def test_the_log_grows_by_scans_and_creations() -> None:
    assert line("log, GB more each month")[0] == pytest.approx(1e6 * 9 * 700 / 1e9)


def test_slow_carriers_want_more_worker_processes() -> None:
    slow = Assumed(carrier=5.0)
    wanted, usual = (line("worker processes that poll", ONE, each)[0] for each in (slow, Assumed()))
    assert wanted == pytest.approx(10 * usual)


def test_a_parcel_with_more_scans_than_polls_is_polled_for_each() -> None:
    rare = dataclasses.replace(ONE, polls=2.0)
    assert line("processors that poll", rare)[0] > 0


@pytest.mark.parametrize("results", [{}, {"processes": {"quick": True}, "freshness": {"quick": False}}])
def test_without_figures_it_says_so(results: dict[str, Any]) -> None:
    assert needs.block(results) == needs.NOT_YET


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="are missing"):
        needs.written("# Scaling", {})
