"""247Express's two lists: told as one, in order, with times and statuses in many forms."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.snapshot import Certainty
from tests.carriers.orders import CODE, NUMBER, SAMPLE, order, status, tracking
from tests.carriers.payloads import line, parse


def test_the_two_lists_tell_one_scan_once_and_trackings_add_the_place() -> None:
    scans = parse(CODE, SAMPLE, NUMBER).scans
    assert len(scans) == 5
    assert [scan.location for scan in scans] == [
        None,
        "Tân Bình, Hồ Chí Minh",
        "Hub Sóng Thần, Bình Dương",
        None,
        "Cầu Giấy, Hà Nội",
    ]
    assert scans[2].raw["notes"] == "Sorted"
    assert scans[2].raw["postOfficeID"] == "BCHU"


def test_what_only_one_list_has_is_a_scan_of_its_own() -> None:
    answer = order(
        statuses=[status("DELIVERING", "2024-05-02T09:00:00")],
        trackings=[
            tracking("IN_TRANSIT", "2024-05-02T08:00:00", postOfficeName="Hub"),
            tracking("DELIVERING", "2024-05-02T09:00:01"),
        ],
    )
    assert [scan.carrier_code for scan in parse(CODE, answer, NUMBER).scans] == [
        "IN_TRANSIT",
        "DELIVERING",
        "DELIVERING",
    ]


def test_the_lists_meet_though_they_write_time_and_status_differently() -> None:
    answer = order(
        statuses=[
            status(5, "2024-05-02T04:40:00.1234567Z", statusName="DELIVERED", trackingName="Handed over")
        ],
        trackings=[tracking(17, "02/05/2024 11:40", statusName="Handed over", postOfficeName="Hub")],
    )
    (scan,) = parse(CODE, answer, NUMBER).scans
    assert (scan.carrier_code, scan.text, scan.location) == ("DELIVERED", "Handed over", "Hub")


def test_two_scans_of_one_moment_and_status_meet_their_own_twins() -> None:
    answer = order(
        statuses=[status("IN_TRANSIT", trackingName="Left hub"), status("IN_TRANSIT", trackingName="At hub")],
        trackings=[
            tracking("IN_TRANSIT", statusName="At hub", postOfficeName="A"),
            tracking("IN_TRANSIT", statusName="Left hub", postOfficeName="B"),
        ],
    )
    assert {(scan.text, scan.location) for scan in parse(CODE, answer, NUMBER).scans} == {
        ("At hub", "A"),
        ("Left hub", "B"),
    }


@pytest.mark.parametrize(
    ("of_status", "of_tracking"), [(None, "2024-05-02T11:40:00"), ("2024-05-02T11:40:00", None)]
)
def test_a_list_without_times_takes_them_from_the_other(
    of_status: str | None, of_tracking: str | None
) -> None:
    answer = order(
        statuses=[status("DELIVERED", of_status)],
        trackings=[tracking("DELIVERED", of_tracking, postOfficeName="Hub")],
    )
    (scan,) = parse(CODE, answer, NUMBER).scans
    assert (line(scan), scan.location) == (
        "2024-05-02T04:40:00Z DELIVERED delivery_delivered delivered",
        "Hub",
    )
    assert scan.placed == scan.moment.instant


@given(st.randoms(use_true_random=False))
def test_any_order_of_lists_whose_times_differ_gives_the_same_scans(random: Random) -> None:
    shuffled = SAMPLE | {
        name: random.sample(SAMPLE[name], len(SAMPLE[name])) for name in ("statuses", "trackings")
    }
    assert parse(CODE, shuffled, NUMBER).scans == parse(CODE, SAMPLE, NUMBER).scans


@pytest.mark.parametrize("newest_first", [True, False])
def test_equal_times_follow_the_order_of_life(newest_first: bool) -> None:
    words = ["ACCEPTED", "PICKED_UP", "DELIVERING", "PENDING_FOR_PROCEED", "DELIVERED"]
    listed = [status(word) for word in words]
    scans = parse(CODE, order(statuses=listed[::-1] if newest_first else listed), NUMBER).scans
    assert [(scan.carrier_code, scan.rank) for scan in scans] == [
        (word, nth) for nth, word in enumerate(words)
    ]


@pytest.mark.parametrize("newest_first", [True, False])
def test_equal_words_at_equal_times_follow_the_list(newest_first: bool) -> None:
    listed = [
        status("IN_TRANSIT", "2024-05-02T08:00:00", trackingName="Arrived"),
        status("IN_TRANSIT", "2024-05-02T08:00:00", trackingName="Sorted"),
        status("DELIVERING", "2024-05-02T09:00:00"),
    ]
    scans = parse(CODE, order(statuses=listed[::-1] if newest_first else listed), NUMBER).scans
    assert [scan.text for scan in scans] == ["Arrived", "Sorted", "DELIVERING"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_an_entry_without_a_time_keeps_its_place(newest_first: bool) -> None:
    listed = [
        status("PICKED_UP", "2024-05-01T08:00:00"),
        status("DELIVERING", "2024-05-01T09:00:00"),
        status("IN_TRANSIT", None),
        status("DELIVERED", "2024-05-02T09:00:00"),
    ]
    scans = parse(CODE, order(statuses=listed[::-1] if newest_first else listed), NUMBER).scans
    assert [scan.carrier_code for scan in scans] == ["PICKED_UP", "DELIVERING", "IN_TRANSIT", "DELIVERED"]
    assert scans[2].placed == scans[1].moment.instant
    assert (scans[2].moment.certainty, scans[2].rank) == (Certainty.UNKNOWN, 1)


@pytest.mark.parametrize(
    ("time", "instant", "certainty"),
    [
        ("2024-05-02T11:40:00", "04:40:00", Certainty.ZONE_ASSUMED),
        ("2024-05-02 11:40:00.123", "04:40:00", Certainty.ZONE_ASSUMED),
        ("2024-05-02T11:40:00+07:00", "04:40:00", Certainty.OFFSET_KNOWN),
        ("2024-05-02T11:40:00.1234567+0700", "04:40:00", Certainty.OFFSET_KNOWN),
        ("2024-05-02T04:40:00Z", "04:40:00", Certainty.EXACT),
        ("02/05/2024 11:40", "04:40:00", Certainty.ZONE_ASSUMED),
        ("02/05/2024 11:40:07", "04:40:07", Certainty.ZONE_ASSUMED),
        ("2/5/2024 11:40", "04:40:00", Certainty.ZONE_ASSUMED),
        ("2/5/2024 9:00", "02:00:00", Certainty.ZONE_ASSUMED),
        ("02/05/2024T11:40:00", "04:40:00", Certainty.ZONE_ASSUMED),
        ("02/05/2024 11:40 +07:00", "04:40:00", Certainty.OFFSET_KNOWN),
        ("02/05/2024T04:40:00Z", "04:40:00", Certainty.EXACT),
        ("2024-05-02", "17:00:00", Certainty.DATE_ONLY),
        ("02/05/2024", "17:00:00", Certainty.DATE_ONLY),
    ],
)
def test_times_come_in_many_forms(time: str, instant: str, certainty: Certainty) -> None:
    (scan,) = parse(CODE, order(statuses=[status("DELIVERED", time)]), NUMBER).scans
    assert scan.moment.instant is not None
    assert (f"{scan.moment.instant:%H:%M:%S}", scan.moment.certainty, scan.moment.text) == (
        instant,
        certainty,
        time,
    )


@pytest.mark.parametrize("time", [None, "", "0001-01-01T00:00:00", "01/01/0001 00:00:00"])
def test_no_time_is_no_time(time: Any) -> None:
    (scan,) = parse(CODE, order(statuses=[status("DELIVERED", time)]), NUMBER).scans
    assert (scan.moment.instant, scan.placed) == (None, None)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (status("DELIVERED"), "DELIVERED"),
        (status("delivered"), "DELIVERED"),
        (status(7, statusName="DELIVERED"), "DELIVERED"),
        (status("7", statusName="Picked up"), "PICKED_UP"),
        (status(None, statusName="IN-TRANSIT"), "IN_TRANSIT"),
        (status(7, statusName="Phát thành công", trackingName="DELIVERED"), "DELIVERED"),
        (status(7, statusName="Phát thành công"), "7"),
        (status(None, statusName="Phát thành công"), None),
    ],
)
def test_a_status_is_the_word_or_an_id_beside_its_name(entry: dict[str, Any], code: str | None) -> None:
    (scan,) = parse(CODE, order(statuses=[entry]), NUMBER).scans
    assert scan.carrier_code == code


WORDED = tracking("5", statusName="DELIVERED", postOfficeName="Hub")
LOCAL = status("5", statusName="Da giao")


def delivered(**lists: Any) -> list[tuple[str, str]]:
    return [(scan.key, line(scan)) for scan in parse(CODE, order(**lists), NUMBER).scans]


@pytest.mark.parametrize(
    ("statuses", "trackings"),
    [
        ([], [WORDED]),
        ([LOCAL], [WORDED]),
        ([LOCAL | {"time": "2024-05-02T04:40:00Z"}], [WORDED]),
        ([LOCAL | {"time": None}], [WORDED]),
        ([status("DELIVERED", "02/05/2024 11:40:00 +07:00")], []),
        ([status("DELIVERED", "2024-05-02T04:40:00Z")], []),
        ([status("DELIVERED")], [tracking("17", "2024-05-02T04:40:00Z", statusName="delivered")]),
        ([status("DELIVERED", trackingName="Da giao")], [tracking("17", statusName="Da giao")]),
    ],
)
def test_a_known_word_is_the_same_scan_whichever_list_tells_it(
    statuses: list[dict[str, Any]], trackings: list[dict[str, Any]]
) -> None:
    assert delivered(statuses=statuses, trackings=trackings) == [
        (
            "247express|2024-05-02T11:40:00|DELIVERED|1",
            "2024-05-02T04:40:00Z DELIVERED delivery_delivered delivered",
        )
    ]


def test_a_list_that_joins_in_without_the_word_adds_its_text_and_nothing_unmapped() -> None:
    snapshot = parse(CODE, order(statuses=[LOCAL], trackings=[WORDED]), NUMBER)
    (scan,) = snapshot.scans
    assert (scan.text, scan.location, scan.final, snapshot.unmapped) == ("Da giao", "Hub", True, ())


def test_the_word_of_the_other_list_decides_the_order_within_a_moment() -> None:
    answer = order(
        statuses=[status("5", statusName="Da giao"), status("DELIVERING")],
        trackings=[tracking("5", statusName="DELIVERED")],
    )
    assert [scan.carrier_code for scan in parse(CODE, answer, NUMBER).scans] == ["DELIVERING", "DELIVERED"]


@pytest.mark.parametrize(("one", "other"), [("IN_TRANSIT", "PICKED_UP"), ("PICKED_UP", "IN_TRANSIT")])
def test_two_words_that_share_a_name_are_two_scans(one: str, other: str) -> None:
    name = "Dang van chuyen"
    answer = order(statuses=[status(one, statusName=name)], trackings=[tracking(other, statusName=name)])
    scans = parse(CODE, answer, NUMBER).scans
    assert [(scan.carrier_code, scan.text) for scan in scans] == [("PICKED_UP", name), ("IN_TRANSIT", name)]


def test_an_entry_without_a_time_in_both_lists_keeps_its_place_of_the_first() -> None:
    listed = [status("PICKED_UP", "2024-05-01T08:00:00"), status("IN_TRANSIT", None), status("DELIVERED")]
    scans = parse(CODE, order(statuses=listed, trackings=[tracking("IN_TRANSIT", None)]), NUMBER).scans
    assert [scan.carrier_code for scan in scans] == ["PICKED_UP", "IN_TRANSIT", "DELIVERED"]
    assert scans[1].placed == scans[0].moment.instant


@pytest.mark.parametrize(
    ("time", "told"),
    [
        ("31/02/2024", "no such time: 31/02/2024"),
        ("31/02/2024  10:00:00.5 +07:00", "no such time: 31/02/2024 10:00:00.5 +07:00"),
        ("31/02/2024 10:00:00." + "1" * 200, "no such time: 31/02/2024 10:00:00." + "1" * 40),
        ("2024-02-31T25:00:00", "no such time: 2024-02-31T25:00:00"),
        ("hôm qua, Nguyễn Văn An", "not a time: string"),
    ],
)
def test_what_was_sent_for_an_impossible_time_is_told_and_no_sentence_is(time: str, told: str) -> None:
    snapshot = parse(CODE, order(statuses=[status("DELIVERED", time)]), NUMBER)
    assert (snapshot.scans, snapshot.set_aside) == ((), (told,))


def test_both_lists_tell_what_could_not_be_read_of_them() -> None:
    answer = order(statuses=["noise"], trackings=[tracking("DELIVERED", "32/01/2024"), None])
    assert parse(CODE, answer, NUMBER).set_aside == (
        "not an entry of statuses: noise",
        "no such time: 32/01/2024",
        "not an entry of trackings: null",
    )
