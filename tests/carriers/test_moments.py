"""Times as carriers write them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers import moments
from carriers.moments import Clock
from carriers.snapshot import NO_MOMENT, Certainty

BERLIN = ZoneInfo("Europe/Berlin")
BANGKOK = timezone(timedelta(hours=7))


@pytest.mark.parametrize(
    ("text", "instant", "written", "certainty"),
    [
        ("2015-08-18 12:02:00", "2015-08-18T10:02:00Z", "2015-08-18T12:02:00", Certainty.ZONE_ASSUMED),
        ("2015-08-18T12:02", "2015-08-18T10:02:00Z", "2015-08-18T12:02:00", Certainty.ZONE_ASSUMED),
        ("2015-08-18T12:02:00Z", "2015-08-18T12:02:00Z", "2015-08-18T12:02:00Z", Certainty.EXACT),
        ("2015-08-18t12:02:00z", "2015-08-18T12:02:00Z", "2015-08-18T12:02:00Z", Certainty.EXACT),
        (
            "2015-08-18T12:02:00+07:00",
            "2015-08-18T05:02:00Z",
            "2015-08-18T12:02:00+07:00",
            Certainty.OFFSET_KNOWN,
        ),
        (
            "2015-08-18T12:02:00.987-03",
            "2015-08-18T15:02:00Z",
            "2015-08-18T12:02:00-03:00",
            Certainty.OFFSET_KNOWN,
        ),
        (
            "2015-08-18T12:02:00+00:00",
            "2015-08-18T12:02:00Z",
            "2015-08-18T12:02:00+00:00",
            Certainty.OFFSET_KNOWN,
        ),
        ("2015-08-18", "2015-08-17T22:00:00Z", "2015-08-18", Certainty.DATE_ONLY),
        (" 2015-08-18 ", "2015-08-17T22:00:00Z", "2015-08-18", Certainty.DATE_ONLY),
    ],
)
def test_a_time_is_read(text: str, instant: str, written: str, certainty: Certainty) -> None:
    moment = Clock(BERLIN).read(text)
    assert moment.instant == datetime.fromisoformat(instant)
    assert (moment.written, moment.certainty, moment.text) == (written, certainty, text.strip())


def test_the_wall_clock_is_the_same_whatever_is_known_of_the_zone() -> None:
    texts = ("2015-08-18 12:02:00", "2015-08-18T12:02", "2015-08-18T12:02:00Z", "2015-08-18T12:02:00.5+07:00")
    clocks = (Clock(BERLIN), Clock(UTC), Clock(UTC, BANGKOK))
    assert {clock.read(text).wall for text in texts for clock in clocks} == {"2015-08-18T12:02:00"}


@pytest.mark.parametrize(
    ("text", "wall"),
    [
        ("2015-08-18T05:02:00Z", "2015-08-18T12:02:00"),
        ("2015-08-18T12:02:00+07:00", "2015-08-18T12:02:00"),
        ("2015-08-18 12:02", "2015-08-18T12:02:00"),
        ("9999-12-31T23:00:00Z", "9999-12-31T23:00:00"),
    ],
)
def test_a_home_tells_the_wall_clock_of_times_that_have_an_offset(text: str, wall: str) -> None:
    moment = Clock(BERLIN, home=BANGKOK).read(text)
    assert (moment.wall, moment.text) == (wall, text)
    assert moment.instant == Clock(BERLIN).read(text).instant


def test_an_offset_known_from_elsewhere_comes_before_the_zone() -> None:
    moment = Clock(BERLIN, BANGKOK).read("2015-08-18 12:02:00")
    assert (moment.written, moment.certainty) == ("2015-08-18T12:02:00+07:00", Certainty.OFFSET_ASSUMED)
    assert Clock(BERLIN, UTC).read("2015-08-18 12:02:00").certainty is Certainty.OFFSET_ASSUMED
    assert Clock(BERLIN, BANGKOK).read("2015-08-18").instant == datetime(2015, 8, 17, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-10-27 02:30:00", datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),  # happens twice: the first
        ("2024-03-31 02:30:00", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),  # never happens
    ],
)
def test_daylight_saving_never_stops_a_time_from_being_read(text: str, instant: datetime) -> None:
    moment = Clock(BERLIN).read(text)
    assert (moment.instant, moment.certainty) == (instant, Certainty.ZONE_ASSUMED)


@pytest.mark.parametrize("nothing", [None, "", "  ", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z"])
def test_nothing_is_no_moment(nothing: Any) -> None:
    assert Clock(UTC).read(nothing) is NO_MOMENT
    assert Clock(UTC).read_or_none(nothing) is None


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "20150818",
        "2015-W34-2",
        "2015-8-18",
        "2015-02-30 10:00:00",
        "2015-08-18 24:00:00",
        "2015-08-18 12:60:00",
        "2015-08-18T12:02:00+25:00",
        "2015-08-18T12:02:00+07:99",
        "0001-01-02T00:00:00+23:00x",
        "9999-12-31T23:59:59-05:00",
        "0000-01-01 00:00:00",
        "\u0662\u0660\u0661\u0665-08-18 12:02:00",
        "01/05/2024 10:30",
        5,
        1.5,
        True,
        [],
        {},
    ],
)
def test_what_names_no_instant_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r"^(not a|no such) time: "):
        Clock(UTC).read(text)
    assert Clock(UTC).read_or_none(text) is None


def test_the_edges_of_the_calendar_do_not_overflow() -> None:
    assert Clock(ZoneInfo("America/Lima")).read("0001-01-02").instant is not None
    with pytest.raises(ValueError, match=r"^no such time: 9999-12-31 23:00:00$"):
        Clock(ZoneInfo("America/Lima")).read("9999-12-31 23:00:00")


@pytest.mark.parametrize(
    ("text", "wall"),
    [
        ("01/05/2024 10:30", "2024-05-01T10:30:00"),
        ("1/5/2024 10:30:09", "2024-05-01T10:30:09"),
        ("1/5/2024 9:00", "2024-05-01T09:00:00"),
        ("01/05/2024T10:30:00", "2024-05-01T10:30:00"),
        ("01/05/2024 10:30 +07:00", "2024-05-01T10:30:00"),
        ("31/12/2024", "2024-12-31"),
        ("2024-05-01T10:30:00", "2024-05-01T10:30:00"),
    ],
)
def test_a_day_may_come_first_where_the_carrier_writes_so(text: str, wall: str) -> None:
    assert Clock(UTC, day_first=True).read(text).wall == wall


@pytest.mark.parametrize(
    ("text", "hours"),
    [("2015-08-18T11:12:00+07:00", 7), ("2015-08-18T11:12:00Z", 0), ("2015-08-18T11:12:00-0330", -3.5)],
)
def test_the_offset_of_a_time(text: str, hours: float) -> None:
    assert moments.offset_of(text) == timezone(timedelta(hours=hours))


@pytest.mark.parametrize(
    "text", [None, "", "soon", "2015-08-18", "2015-08-18T11:12:00", "2015-08-18T11:12:00+99:00"]
)
def test_a_time_without_an_offset_has_none(text: str | None) -> None:
    assert moments.offset_of(text) is None


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "a\0b", "x" * 300, "Asia"])
def test_a_zone_that_is_none_is_the_other_one(name: str) -> None:
    assert moments.zone_named(name, "Asia/Bangkok").key == "Asia/Bangkok"
    assert moments.zone_named("Europe/Berlin", "Asia/Bangkok") == BERLIN


@given(
    st.text(max_size=40)
    | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?", fullmatch=True)
)
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    try:
        moment = Clock(BERLIN, day_first=True).read(text)
    except ValueError:
        return
    assert (moment.instant is None) == (moment is NO_MOMENT)
