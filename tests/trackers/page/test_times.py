"""Times on the clock of the place, and no surer than the carrier was."""

from datetime import date
from typing import Any

import pytest
import time_machine
from django.utils import translation

from trackers.page.estimates import Estimate, estimate_of
from trackers.page.times import told


def scan(written: str | None, certainty: str) -> dict[str, Any]:
    return {"occurrenceDatetime": written, "timeCertainty": certainty}


@pytest.mark.parametrize(
    ("written", "certainty", "country", "day", "time", "zone"),
    [
        ("2026-03-02T23:30:00+07:00", "offset_known", None, date(2026, 3, 2), "23:30", None),
        ("2026-03-02T23:30:00+07:00", "offset_assumed", "DE", date(2026, 3, 2), "23:30", None),
        ("2026-03-02T23:30:00", "zone_assumed", None, date(2026, 3, 2), "23:30", None),
        ("2026-03-02T23:30:00Z", "exact", "TH", date(2026, 3, 3), "06:30", None),
        ("2026-03-02T23:30:00Z", "exact", "US", date(2026, 3, 2), "23:30", "UTC"),
        ("2026-03-02T23:30:00Z", "exact", None, date(2026, 3, 2), "23:30", "UTC"),
        ("9999-12-31T23:30:00Z", "exact", "TH", date(9999, 12, 31), "23:30", "UTC"),
        ("2026-03-02", "date_only", "TH", date(2026, 3, 2), None, None),
        (None, "unknown", "TH", None, None, None),
    ],
)
def test_a_scan_has_the_time_of_its_place(
    written: str, certainty: str, country: str, day: date, time: str, zone: str
) -> None:
    found = told(scan(written, certainty), country)
    assert (found.day, found.time, found.zone) == (day, time, zone)


def estimated(begin: str | None, end: str | None, country: str | None = "TH", at: str = "in_transit") -> Any:
    with translation.override("en"), time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        return estimate_of({"estimatedFrom": begin, "estimatedTo": end}, at, country, "en")


@pytest.mark.parametrize(
    ("begin", "end", "when"),
    [
        (None, "2026-03-03", "Tuesday, 3 March 2026"),
        ("2026-03-03", None, "Tuesday, 3 March 2026"),
        (None, "2026-03-03T18:00:00+07:00", "Tuesday, 3 March 2026, 18:00"),
        ("2026-03-03T14:00:00", "2026-03-03T18:00:00", "Tuesday, 3 March 2026, 14:00\u201318:00"),
        ("2026-03-03", "2026-03-05", "Tuesday, 3 March 2026 \u2013 Thursday, 5 March 2026"),
        (None, "2026-03-03T20:00:00Z", "Wednesday, 4 March 2026, 03:00"),
    ],
)
def test_an_estimate_is_a_day_its_hours_or_two_days(begin: str | None, end: str | None, when: str) -> None:
    assert estimated(begin, end) == Estimate(when, is_past=False)


def test_of_an_estimate_in_utc_the_day_alone_is_told_where_no_clock_is_known() -> None:
    assert estimated(None, "2026-03-03T20:00:00Z", country=None).when == "Tuesday, 3 March 2026"


def test_an_estimate_passes_with_its_day_at_the_destination() -> None:
    assert not estimated(None, "2026-03-01T00:00:00").is_past
    assert estimated(None, "2026-02-28T23:00:00").is_past


@pytest.mark.parametrize("milestone", ["delivered", "exception"])
def test_what_has_come_or_will_not_is_not_expected(milestone: str) -> None:
    assert estimated(None, "2026-03-03", at=milestone) is None


def test_without_an_estimate_none_is_made_up() -> None:
    assert estimated(None, None) is None
