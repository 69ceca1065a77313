"""247Express's own status beside its lists: what is news, and where a day without a time stands."""

from typing import Any

import pytest

from carriers.snapshot import Certainty
from tests.carriers.payloads import Payload, line, parse

CODE = "247express"
NUMBER = "EX247-0001"


def told(words: list[str], own: str | None, **fields: Any) -> list[str]:
    """The keys of the scans without a time, of a list with these words, an hour apart, and this status."""
    listed = [{"time": f"2024-05-02T{hour:02}:00:00", "status": word} for hour, word in enumerate(words)]
    answer = {"orderCode": NUMBER, "status": own, "statuses": listed} | fields
    keys = [scan.key for scan in parse(CODE, answer, NUMBER).scans]
    return [key.removeprefix("247express|-|") for key in keys if key.startswith("247express|-|")]


@pytest.mark.parametrize(
    ("words", "own", "news"),
    [
        (["DELIVERING", "PENDING_FOR_PROCEED"], "DELIVERING", ["DELIVERING|2"]),
        (["DELIVERING", "PENDING_FOR_PROCEED"], "IN_TRANSIT", ["IN_TRANSIT|1"]),
        (["IN_TRANSIT", "DELIVERING", "PENDING_FOR_PROCEED"], "IN_TRANSIT", ["IN_TRANSIT|2"]),
        (["DELIVERING", "PENDING_FOR_PROCEED"] * 2, "DELIVERING", ["DELIVERING|3"]),
        (["PENDING_FOR_PROCEED", "DELIVERING"], "PENDING_FOR_PROCEED", ["PENDING_FOR_PROCEED|2"]),
        (["DELIVERING", "PENDING_FOR_PROCEED", "IN_TRANSIT"], "DELIVERING", ["DELIVERING|2"]),
    ],
)
def test_a_status_that_has_come_anew_is_news(words: list[str], own: str, news: list[str]) -> None:
    assert told(words, own) == news


@pytest.mark.parametrize(
    ("words", "own"),
    [
        (["IN_TRANSIT", "DELIVERING"], "DELIVERING"),
        (["PICKED_UP", "IN_TRANSIT"], "PICKED_UP"),
        (["ACCEPTED", "PENDING_FOR_PROCEED"], "ACCEPTED"),
        (["IN_TRANSIT", "DELIVERING"], "IN_TRANSIT"),
        (["DELIVERING", "DELIVERED"], "DELIVERING"),
        (["PENDING_FOR_PROCEED", "RETURNED"], "PENDING_FOR_PROCEED"),
        (["PENDING_FOR_PROCEED", "PENDING_FOR_RETURN"], "PENDING_FOR_PROCEED"),
        (["DELIVERING", "CALLED"], "DELIVERING"),
        (["CALLED", "DELIVERING"], "CALLED"),
    ],
)
def test_a_list_that_runs_ahead_of_the_status_invents_nothing(words: list[str], own: str) -> None:
    assert told(words, own) == []


def test_without_times_nobody_knows_what_is_newest() -> None:
    listed = [{"status": word} for word in ("DELIVERING", "PENDING_FOR_PROCEED")]
    assert told([], "DELIVERING", statuses=listed) == ["DELIVERING|1", "PENDING_FOR_PROCEED|1"]


def test_the_lists_own_second_scan_brings_the_time_of_the_second_status() -> None:
    payload = Payload(CODE, "out_again")
    (timeless,) = [scan for scan in payload.parse().scans if scan.moment.instant is None]
    times = ["2024-05-02T08:10:00", "2024-05-03T08:00:00"]
    listed = [{"time": time, "status": "DELIVERING"} for time in times]
    later = parse(CODE, {"orderCode": NUMBER, "status": "DELIVERING", "statuses": listed}, NUMBER)
    assert timeless.key == "247express|-|DELIVERING|2"
    assert [scan.supersedes for scan in later.scans] == ["247express|-|DELIVERING|1", timeless.key]


def test_a_status_in_words_that_the_list_holds_is_no_news() -> None:
    listed = [{"time": "2024-05-02T08:00:00", "statusName": "Đang phát"}]
    assert told([], None, statusName="Đang phát", statuses=listed) == []


def test_a_day_alone_stays_a_day_and_stands_behind_what_is_older() -> None:
    scans = Payload(CODE, "days_of_the_order").parse().scans
    assert [scan.carrier_code for scan in scans] == [
        "ACCEPTED",
        "PICKED_UP",
        "IN_TRANSIT",
        "DELIVERING",
        "DELIVERED",
    ]
    assert (scans[-1].moment.written, scans[-1].moment.certainty) == ("2024-05-02", Certainty.DATE_ONLY)
    assert scans[-1].placed == scans[-2].moment.instant


@pytest.mark.parametrize(
    ("hours", "day", "order"),
    [
        ({"PENDING_FOR_RETURN": "10:00"}, "2024-05-02", ["PENDING_FOR_RETURN", "DELIVERED"]),
        ({"IN_TRANSIT": "23:59"}, "2024-05-02", ["IN_TRANSIT", "DELIVERED"]),
        ({"IN_TRANSIT": "00:00"}, "2024-05-02", ["IN_TRANSIT", "DELIVERED"]),
        ({"IN_TRANSIT": "10:00"}, "2024-05-01", ["DELIVERED", "IN_TRANSIT"]),
        ({"IN_TRANSIT": "10:00"}, "9999-12-31", ["IN_TRANSIT", "DELIVERED"]),
    ],
)
def test_a_delivery_of_a_day_is_the_last_of_that_day(
    hours: dict[str, str], day: str, order: list[str]
) -> None:
    listed = [{"time": f"2024-05-02T{hour}:00", "status": word} for word, hour in hours.items()]
    answer = {"orderCode": NUMBER, "status": "DELIVERED", "deliveryDate": day, "statuses": listed}
    assert [scan.carrier_code for scan in parse(CODE, answer, NUMBER).scans] == order


def test_after_a_final_word_of_its_day_a_delivery_does_not_come_last() -> None:
    listed = [{"time": "2024-05-02T10:00:00", "status": "RETURNED"}]
    answer = {"orderCode": NUMBER, "deliveryDate": "2024-05-02", "statuses": listed}
    assert [scan.carrier_code for scan in parse(CODE, answer, NUMBER).scans] == ["DELIVERED", "RETURNED"]


def test_pick_up_and_delivery_of_one_day_stand_in_the_order_of_life() -> None:
    dates = {"acceptDate": "2024-05-02T09:00:00", "deliveryDate": "2024-05-02"}
    scans = parse(CODE, {"orderCode": NUMBER, "status": "DELIVERED", "statuses": []} | dates, NUMBER).scans
    assert [line(scan).split()[1] for scan in scans] == ["PICKED_UP", "DELIVERED"]


def test_a_pick_up_of_a_day_comes_before_all_but_the_order() -> None:
    listed = [
        {"time": f"2024-05-02T{hour}:00:00", "status": word}
        for hour, word in [("08", "IN_TRANSIT"), ("09", "DELIVERING")]
    ]
    answer = {"orderCode": NUMBER, "status": "DELIVERING", "acceptDate": "2024-05-02", "statuses": listed}
    codes = [scan.carrier_code for scan in parse(CODE, answer, NUMBER).scans]
    assert codes == ["PICKED_UP", "IN_TRANSIT", "DELIVERING"]
