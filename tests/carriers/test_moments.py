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
    ("zone", "text", "instant"),
    [
        # Repeated: the first of the two, from the first second to the last.
        ("Europe/Berlin", "2024-10-27 01:59:59", "2024-10-26T23:59:59Z"),
        ("Europe/Berlin", "2024-10-27 02:00:00", "2024-10-27T00:00:00Z"),
        ("Europe/Berlin", "2024-10-27 02:59:59", "2024-10-27T00:59:59Z"),
        ("Europe/Berlin", "2024-10-27 03:00:00", "2024-10-27T02:00:00Z"),
        ("America/New_York", "2024-11-03 01:30:00", "2024-11-03T05:30:00Z"),
        ("Australia/Lord_Howe", "2024-04-07 01:45:00", "2024-04-06T14:45:00Z"),
        # Skipped: by the offset before, as if the clock had not been put forward yet.
        ("Europe/Berlin", "2024-03-31 01:59:59", "2024-03-31T00:59:59Z"),
        ("Europe/Berlin", "2024-03-31 02:00:00", "2024-03-31T01:00:00Z"),
        ("Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31T01:30:00Z"),
        ("Europe/Berlin", "2024-03-31 03:00:00", "2024-03-31T01:00:00Z"),
        ("America/New_York", "2024-03-10 02:30:00", "2024-03-10T07:30:00Z"),
        ("Australia/Lord_Howe", "2024-10-06 02:15:00", "2024-10-05T15:45:00Z"),
        # No daylight saving any more.
        ("Asia/Bangkok", "2024-03-31 02:30:00", "2024-03-30T19:30:00Z"),
        ("America/Sao_Paulo", "2024-11-03 00:30:00", "2024-11-03T03:30:00Z"),
    ],
)
def test_daylight_saving_never_stops_a_time_from_being_read(zone: str, text: str, instant: str) -> None:
    moment = Clock(ZoneInfo(zone)).read(text)
    assert (moment.instant, moment.certainty) == (datetime.fromisoformat(instant), Certainty.ZONE_ASSUMED)
    assert moment.wall == text.replace(" ", "T")


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("Europe/Berlin", "2024-03-31", "2024-03-30T23:00:00Z"),
        ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00:00Z"),  # begins at one o'clock
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),  # begins at one o'clock
        ("America/Havana", "2024-11-03", "2024-11-03T04:00:00Z"),  # has two midnights
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),  # was left out there
    ],
)
def test_a_day_alone_stands_at_its_first_second_whatever_the_clocks_do(
    zone: str, day: str, instant: str
) -> None:
    moment = Clock(ZoneInfo(zone)).read(day)
    assert (moment.instant, moment.certainty) == (datetime.fromisoformat(instant), Certainty.DATE_ONLY)
    assert (moment.written, moment.wall) == (day, day)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-10-27T02:30:00+01:00", "2024-10-27T01:30:00Z"),
        ("2024-03-31T02:30:00+01:00", "2024-03-31T01:30Z"),
    ],
)
def test_an_offset_beside_the_time_leaves_nothing_to_daylight_saving(text: str, instant: str) -> None:
    assert Clock(BERLIN).read(text).instant == datetime.fromisoformat(instant)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 (wall clocks)
    st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran", "Africa/Cairo"]
    ),
)
def test_a_wall_clock_comes_back_unless_it_was_skipped_and_then_moves_by_what_was_skipped(
    wall: datetime, zone: str
) -> None:
    place, wall = ZoneInfo(zone), wall.replace(microsecond=0, fold=0)
    instant = Clock(place).read(wall.isoformat()).instant
    assert instant is not None
    back = instant.astimezone(place)
    skipped = back.utcoffset() != wall.replace(tzinfo=place).utcoffset()
    moved = (back.utcoffset() or timedelta()) - (wall.replace(tzinfo=place).utcoffset() or timedelta())
    assert back.replace(tzinfo=None, fold=0) == wall + (moved if skipped else timedelta())


@pytest.mark.parametrize(
    ("place", "instant"),
    [
        ("Bangkok, Thailand", "2026-03-01T05:00:00Z"),
        ("Beijing, CN", "2026-03-01T04:00:00Z"),
        ("Austin, United States", "2026-03-01T11:00:00Z"),  # several times: the account's zone
        ("Depot", "2026-03-01T11:00:00Z"),
        (None, "2026-03-01T11:00:00Z"),
    ],
)
def test_a_place_in_a_country_of_one_time_comes_before_the_accounts_zone(
    place: str | None, instant: str
) -> None:
    clock = Clock(BERLIN)
    moment = clock.there(place, ("CN", "US")).read("2026-03-01 12:00:00")
    assert moment.instant == datetime.fromisoformat(instant)
    plain = clock.read("2026-03-01 12:00:00")
    assert (moment.written, moment.certainty, moment.wall) == (plain.written, plain.certainty, plain.wall)


def test_an_offset_beside_a_time_comes_before_its_place() -> None:
    moment = Clock(BERLIN).there("Bangkok, Thailand", offset="+05:30").read("2026-03-01 12:00:00")
    assert (moment.written, moment.certainty) == ("2026-03-01T12:00:00+05:30", Certainty.OFFSET_ASSUMED)
    same = Clock(BERLIN).there("Bangkok, Thailand", offset="+05:30").read("2026-03-01T12:00:00+07:00")
    assert (same.written, same.certainty) == ("2026-03-01T12:00:00+07:00", Certainty.OFFSET_KNOWN)


@pytest.mark.parametrize(
    ("offset", "hours"),
    [("+07:00", 7), ("+0530", 5.5), ("-03", -3), ("Z", 0), ("7", None), ("+25:00", None), (None, None)],
)
def test_an_offset_that_stands_alone(offset: str | None, hours: float | None) -> None:
    assert moments.offset_named(offset) == (None if hours is None else timezone(timedelta(hours=hours)))


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


@pytest.mark.parametrize(
    ("zone", "after", "midnight"),
    [
        ("Asia/Ho_Chi_Minh", "2024-05-20T02:00:00Z", "2024-05-20T17:00:00Z"),
        ("Asia/Ho_Chi_Minh", "2024-05-20T17:00:00Z", "2024-05-21T17:00:00Z"),
        ("Europe/Berlin", "2024-10-26T22:00:00Z", "2024-10-27T23:00:00Z"),  # a day of 25 hours
        ("Africa/Cairo", "2024-04-25T12:00:00Z", "2024-04-25T22:00:00Z"),  # midnight is skipped
        ("America/Havana", "2024-11-02T12:00:00Z", "2024-11-03T04:00:00Z"),  # midnight comes twice
    ],
)
def test_the_next_midnight_of_a_place(zone: str, after: str, midnight: str) -> None:
    found = moments.next_midnight(datetime.fromisoformat(after), ZoneInfo(zone))
    assert found == datetime.fromisoformat(midnight)


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
