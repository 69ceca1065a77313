"""Which scan is which, and in which order they stand."""

from dataclasses import replace
from datetime import UTC, datetime

from carriers import identity, ordering
from carriers.moments import Clock
from carriers.snapshot import NO_MOMENT, Scan


def scan(
    code: str | None = "500000", *, at: str | None = "2015-08-18 12:02:00", text: str = "Delivered"
) -> Scan:
    moment = Clock(UTC).read(at) if at else NO_MOMENT
    return Scan(
        key="",
        courier="all24",
        source="all24-tracking",
        moment=moment,
        placed=moment.instant,
        rank=0,
        carrier_code=code,
        text=text,
    )


def keys(*scans: Scan) -> list[str]:
    return [one.key for one in identity.keyed(scans)]


def test_a_key_names_courier_wall_clock_code_and_ordinal() -> None:
    assert keys(scan(), scan(), scan(None)) == [
        "all24|2015-08-18T12:02:00|500000|1",
        "all24|2015-08-18T12:02:00|500000|2",
        "all24|2015-08-18T12:02:00|Delivered|1",
    ]


def test_a_scan_without_a_time_has_a_key_too() -> None:
    assert keys(scan(at=None)) == [identity.timeless("all24", "500000")] == ["all24|-|500000|1"]


def test_a_key_of_the_carriers_own_is_kept() -> None:
    assert keys(replace(scan(), key="its-own"), scan()) == ["its-own", "all24|2015-08-18T12:02:00|500000|1"]


def test_a_long_text_is_hashed_and_still_tells_apart() -> None:
    one, two = keys(scan(None, text="x" * 254 + "1"), scan(None, text="x" * 254 + "2"))
    assert one != two
    assert max(len(one), len(two)) <= identity.MAX_LENGTH
    assert identity.timeless("all24", "y" * 500) == keys(scan(None, at=None, text="y" * 500))[0]


def test_white_space_is_no_part_of_a_key() -> None:
    assert keys(scan(None, text="At \n the  hub")) == keys(scan(None, text="At the hub"))


def test_scans_of_one_place_are_numbered() -> None:
    ranked = ordering.ranked([scan(at="2015-08-18 12:01:00"), scan(), scan(), scan(at=None)])
    assert [one.rank for one in ranked] == [0, 0, 1, 0]


def test_what_has_no_place_comes_last() -> None:
    assert datetime(9999, 12, 31, tzinfo=UTC) < ordering.LAST


def test_the_nth_timed_scan_of_a_word_supersedes_the_nth_timeless_one() -> None:
    scans = identity.keyed([scan(at="2015-08-18 12:01:00"), scan(), scan(None)])
    assert [one.supersedes for one in identity.superseding(scans)] == [
        "all24|-|500000|1",
        "all24|-|500000|2",
        "all24|-|Delivered|1",
    ]
