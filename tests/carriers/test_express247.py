"""247Express, read: every status, reason, error code and field of its page."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.adapter import Answer, Request
from carriers.exceptions import (
    BadResponse,
    CarrierError,
    KeyExhausted,
    KeyRejected,
    NotFoundYet,
    NotYourParcel,
    Refused,
    Throttled,
    Unreachable,
)
from carriers.registry import adapter
from carriers.snapshot import Certainty
from tests.carriers.payloads import Payload, error_of, line, parse, query

CODE = "247express"
NUMBER = "EX247-0001"
SAMPLE = json.loads(Payload(CODE, "delivered").body)


def order(**fields: Any) -> dict[str, Any]:
    return {"orderCode": NUMBER, "errorCode": None, "statuses": [], "trackings": []} | fields


def status(word: Any, time: Any = "2024-05-02T11:40:00", **more: Any) -> dict[str, Any]:
    return {"time": time, "status": word} | more


def tracking(word: Any, time: Any = "2024-05-02T11:40:00", **more: Any) -> dict[str, Any]:
    return {"dateChange": time, "statusID": word} | more


class Recorder:
    """A client that keeps what it was asked to send."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    def get(self, request: Request) -> Answer:
        self.sent.append(request)
        return Answer(200, {}, b"{}")


def test_it_asks_with_the_number_and_the_key_in_the_query() -> None:
    client = Recorder()
    adapter(CODE).ask(query(CODE, NUMBER), client)
    (sent,) = client.sent
    assert sent.url == "https://carrier.example/api/Order/v1/Tracking"
    assert sent.params == {"ordercode": NUMBER, "apikey": "s3cret"}
    assert "s3cret" not in repr(sent)


@pytest.mark.parametrize(
    ("number", "taken"),
    [
        ("12345", True),
        ("a_B-9" * 4, True),
        ("1234", False),
        ("1" * 21, False),
        ("12.45", False),
        ("12345\n", False),
    ],
)
def test_numbers_are_taken_by_length_and_alphabet(number: str, taken: bool) -> None:
    assert bool(adapter(CODE).takes.fullmatch(number)) is taken
    assert bool(adapter(CODE).looks_like.fullmatch(number)) is taken


@pytest.mark.parametrize(
    ("word", "read_as", "final"),
    [
        ("ACCEPTED", "data_order_created info_received", False),
        ("PICKED_UP", "transit_handover in_transit", False),
        ("IN_TRANSIT", "- in_transit", False),
        ("DELIVERING", "delivery_out_for_delivery out_for_delivery", False),
        ("DELIVERED", "delivery_delivered delivered", True),
        ("PENDING_FOR_PROCEED", "delivery_attempted failed_attempt", False),
        ("PENDING_FOR_RETURN", "exception_return exception", False),
        ("RETURNED", "exception_return exception", True),
        ("LOST", "exception_lost exception", True),
        ("CANCEL", "data_order_cancelled exception", True),
        ("CONFISCATED", "exception_discarded exception", True),
        ("TELEPORTED", "- -", False),
    ],
)
def test_every_word_has_its_meaning(word: str, read_as: str, final: bool) -> None:
    (scan,) = parse(CODE, order(statuses=[status(word)]), NUMBER).scans
    assert line(scan) == f"2024-05-02T04:40:00Z {word} {read_as}"
    assert scan.final is final


SENDER, CARRIER = {1, 3, 4, 26, 35, 46, 52, 53}, {5, 30, 31, 33}
LISTED = [*range(1, 17), 19, 21, 22, 24, 26, 30, 31, 33, 35, 40, 41, 43, 46, 52, 53]
OUTCOMES = {
    8: "delivery_refused failed_attempt",
    15: "delivery_available_for_pickup available_for_pickup",
    33: "exception_lost exception",
    **dict.fromkeys((5, 24, 26, 30, 31, 53), "delivery_exception failed_attempt"),
}


def party(code: int) -> str:
    known = (
        {24: "weather", 40: "unknown"} | dict.fromkeys(SENDER, "sender") | dict.fromkeys(CARRIER, "carrier")
    )
    return known.get(code, "consignee")


@pytest.mark.parametrize("code", LISTED)
def test_every_listed_reason_has_its_party_and_status(code: int) -> None:
    answer = order(statuses=[status("PENDING_FOR_PROCEED")], delayCode=code)
    (scan,) = parse(CODE, answer, NUMBER).scans
    outcome = OUTCOMES.get(code, "delivery_attempted failed_attempt")
    assert line(scan) == f"2024-05-02T04:40:00Z PENDING_FOR_PROCEED {outcome} ({code} {party(code)})"
    assert scan.reason is not None
    assert not scan.reason.text.startswith("Reason")


@pytest.mark.parametrize("code", [17, "99", "X7"])
def test_an_unlisted_reason_keeps_its_code(code: Any) -> None:
    (scan,) = parse(CODE, order(statuses=[status("PENDING_FOR_PROCEED")], delayCode=code), NUMBER).scans
    assert line(scan).endswith(f"delivery_attempted failed_attempt ({code} unknown)")


@pytest.mark.parametrize("code", [8, "8", 8.0, "08", " 8 "])
def test_a_reason_is_taken_as_number_or_text(code: Any) -> None:
    (scan,) = parse(CODE, order(statuses=[status("PENDING_FOR_PROCEED")], delayCode=code), NUMBER).scans
    assert line(scan).endswith("(8 consignee)")


@pytest.mark.parametrize("code", [None, "", 0, "0"])
def test_no_reason_is_none(code: Any) -> None:
    (scan,) = parse(CODE, order(statuses=[status("PENDING_FOR_PROCEED")], delayCode=code), NUMBER).scans
    assert scan.reason is None


def test_the_reason_goes_on_the_latest_failed_attempt_alone() -> None:
    days = [f"2024-05-0{day}T09:00:00" for day in (3, 2, 1)]
    answer = order(
        statuses=[status("DELIVERED", days[0]), *(status("PENDING_FOR_PROCEED", day) for day in days[1:])],
        delayCode=8,
    )
    reasons = [scan.reason and scan.reason.code for scan in parse(CODE, answer, NUMBER).scans]
    assert reasons == [None, "8", None]


def test_a_reason_without_a_failed_attempt_is_a_detail() -> None:
    snapshot = parse(CODE, order(statuses=[status("DELIVERING")], delayCode=8, delayNote="Rain"), NUMBER)
    assert snapshot.scans[0].reason is None
    assert snapshot.shipment.details == {"delayCode": "8", "delayNote": "Rain"}


ERRORS: list[tuple[str, type[CarrierError]]] = [
    ("MISSING_APIKEY", KeyRejected),
    ("MISSING_ORDERCODE", Refused),
    ("ORDERCODE_MIN_LENGTH", Refused),
    ("ORDERCODE_MAX_LENGTH", Refused),
    ("ORDERCODE_NOT_FOUND", NotFoundYet),
    ("ORDERCODE_DOES_NOT_BELONG_TO_YOUR_ACCOUNT", NotYourParcel),
    ("APIKEY_NOT_FOUND", KeyRejected),
    ("APIKEY_LIMIT", KeyExhausted),
    ("EXCEPTION", Unreachable),
    ("ORDERCODE_FORMAT_EXCEPTION", Refused),
    ("SOMETHING_NEW", BadResponse),
]


@pytest.mark.parametrize(("code", "kind"), ERRORS)
@pytest.mark.parametrize("http", [200, 400, 404, 500])
def test_an_error_code_counts_with_any_http_status(code: str, kind: type[CarrierError], http: int) -> None:
    error = error_of(CODE, {"errorCode": code, "errorMessage": "Sorry."}, NUMBER, status=http)
    assert type(error) is kind
    assert error.detail == f"247Express answered {code}"


@pytest.mark.parametrize(
    "code", ["Order of <Nguyễn Văn An>", "see https://x.vn/?apikey=s3cret", "x" * 61, "A,B", "a\nb"]
)
def test_an_error_code_that_is_none_is_not_repeated(code: str) -> None:
    error = error_of(CODE, {"errorCode": code, "errorMessage": "For Nguyễn Văn An"}, NUMBER)
    assert error.detail == "247Express answered an error code that is none of its own"


@pytest.mark.parametrize(
    ("asked_at", "until"),
    [
        (datetime(2024, 5, 20, 2, tzinfo=UTC), datetime(2024, 5, 20, 17, tzinfo=UTC)),
        (datetime(2024, 5, 20, 16, 59, 59, tzinfo=UTC), datetime(2024, 5, 20, 17, tzinfo=UTC)),
        (datetime(2024, 5, 20, 17, tzinfo=UTC), datetime(2024, 5, 21, 17, tzinfo=UTC)),
    ],
)
def test_a_used_up_key_rests_until_midnight_in_ho_chi_minh_city(asked_at: datetime, until: datetime) -> None:
    error = error_of(CODE, {"errorCode": "APIKEY_LIMIT"}, NUMBER, asked_at=asked_at)
    assert isinstance(error, KeyExhausted)
    assert error.resting_until == until


@pytest.mark.parametrize(
    ("http", "kind"),
    [
        (400, Refused),
        (401, KeyRejected),
        (404, BadResponse),
        (429, Throttled),
        (302, BadResponse),
        (503, Unreachable),
    ],
)
@pytest.mark.parametrize("body", [b"<html>", b"{}", json.dumps(SAMPLE).encode()])
def test_without_an_error_code_the_http_status_counts(
    http: int, kind: type[CarrierError], body: bytes
) -> None:
    assert type(error_of(CODE, body, NUMBER, status=http)) is kind


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"hello": "world"},
        {"errorMessage": "Something", "status": None, "statuses": [], "trackings": None},
        order(orderCode="ANOTHER-1", statuses=[status("DELIVERED")]),
        order(statuses="none"),
        order(trackings=5),
        order(statuses=[status("DELIVERED")] * 1_001),
    ],
)
def test_what_is_no_order_of_this_number_is_a_bad_response(body: dict[str, Any]) -> None:
    assert isinstance(error_of(CODE, body, NUMBER), BadResponse)


@pytest.mark.parametrize("empty", [None, "", {}, []])
def test_an_order_without_scans_is_an_answer(empty: Any) -> None:
    snapshot = parse(CODE, order(status=None, statuses=empty, trackings=empty), NUMBER)
    assert (snapshot.scans, snapshot.set_aside) == ((), ())


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


@pytest.mark.parametrize("time", [None, "", "0001-01-01T00:00:00"])
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


def test_a_status_that_no_list_holds_is_a_scan_without_a_time_at_the_end() -> None:
    snapshot = parse(
        CODE, order(status="DELIVERED", statusName="Delivered", statuses=[status("DELIVERING")]), NUMBER
    )
    scan = snapshot.scans[-1]
    assert (scan.key, scan.text, scan.placed) == ("247express|-|DELIVERED|1", "Delivered", None)
    assert scan.moment.certainty is Certainty.UNKNOWN


def test_the_list_that_brings_its_time_supersedes_it() -> None:
    days = [f"2024-05-0{day}T09:00:00" for day in (1, 2)]
    answer = order(status="IN_TRANSIT", statuses=[status("IN_TRANSIT", day) for day in days])
    scans = parse(CODE, answer, NUMBER).scans
    assert [scan.supersedes for scan in scans] == ["247express|-|IN_TRANSIT|1", "247express|-|IN_TRANSIT|2"]
    assert "247express|-|IN_TRANSIT|1" not in {scan.key for scan in scans}


def test_nothing_supersedes_what_is_still_there() -> None:
    answer = order(statuses=[status("IN_TRANSIT"), status("IN_TRANSIT", None)])
    scans = parse(CODE, answer, NUMBER).scans
    assert "247express|-|IN_TRANSIT|1" in {scan.key for scan in scans}
    assert "247express|-|IN_TRANSIT|1" not in {scan.supersedes for scan in scans}


def test_an_unknown_status_of_the_order_is_told_and_counted() -> None:
    snapshot = parse(CODE, order(status=99, statusName="Nghỉ"), NUMBER)
    assert line(snapshot.scans[0]) == "- 99 - -"
    assert [(one.code, one.text) for one in snapshot.unmapped] == [("99", "Nghỉ")]


@pytest.mark.parametrize(
    ("own", "field", "word"),
    [
        ("IN_TRANSIT", "acceptDate", "PICKED_UP"),
        ("PICKED_UP", "acceptDate", "PICKED_UP"),
        ("DELIVERED", "deliveryDate", "DELIVERED"),
        (None, "deliveryDate", "DELIVERED"),
    ],
)
def test_a_date_of_the_order_fills_in_the_missing_scan(own: str | None, field: str, word: str) -> None:
    snapshot = parse(CODE, order(status=own, **{field: "2024-05-02T11:40:00"}), NUMBER)
    scan = next(scan for scan in snapshot.scans if scan.carrier_code == word)
    assert scan.moment.instant == scan.placed == datetime(2024, 5, 2, 4, 40, tzinfo=UTC)
    assert scan.key == f"247express|-|{word}|1"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "ACCEPTED", "acceptDate": "2024-05-02T11:40:00"},
        {"status": "RETURNED", "deliveryDate": "2024-05-02T11:40:00"},
        {"status": "DELIVERING", "deliveryDate": "2024-05-02T11:40:00"},
        {"status": "DELIVERED", "deliveryDate": "soon"},
        {"status": "DELIVERED", "deliveryDate": "0001-01-01T00:00:00"},
    ],
)
def test_a_date_that_the_status_denies_or_nobody_can_read_fills_in_nothing(fields: dict[str, Any]) -> None:
    (scan,) = parse(CODE, order(**fields), NUMBER).scans
    assert (scan.carrier_code, scan.moment.instant) == (fields["status"], None)


def test_a_date_of_the_order_adds_nothing_to_a_list_that_holds_the_scan() -> None:
    answer = order(
        status="DELIVERED",
        acceptDate="2024-05-01T10:00:00",
        deliveryDate="2024-05-02T12:00:00",
        statuses=[status("DELIVERED")],
        trackings=[tracking("PICKED_UP", "2024-05-01T09:00:00")],
    )
    assert [line(scan)[:20] for scan in parse(CODE, answer, NUMBER).scans] == [
        "2024-05-01T02:00:00Z",
        "2024-05-02T04:40:00Z",
    ]


def test_money_and_sizes_are_decimal_text() -> None:
    details = parse(CODE, SAMPLE, NUMBER).shipment.details
    assert {name: value for name, value in details.items() if name != "priceInfo"} == {
        "mailerTypeID": "HH",
        "length": "30",
        "width": "20.5",
        "height": "10",
        "realWeight": "1.25",
        "calWeight": "1.5",
        "weight": "1.5",
        "quantity": "1",
        "price": "35000.5",
        "priceFR": "0",
        "farRegionFeeAmount": "5000",
        "fuelFeeAmount": "1750.25",
        "vatAmount": "3500.1",
        "totalServiceCost": "45250.85",
    }
    assert details["priceInfo"] == [
        {"serviceName": "Chuyển phát nhanh", "serviceID": "CPN", "cost": "35000.5"}
    ]
    assert sum(Decimal(price["cost"]) for price in details["priceInfo"]) == Decimal("35000.5")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"0.1", "0.1"),
        (b"136.10", "136.10"),
        (b"1e3", "1000"),
        (b"123456789012345678.91", "123456789012345678.91"),
        (b'"35000.50"', "35000.50"),
        (b'"35,000"', "35,000"),
        (b'"NaN"', "NaN"),
        (b"1e300", "1E+300"),
        (b"-5", "-5"),
    ],
)
def test_an_amount_is_kept_to_the_digit(sent: bytes, kept: str) -> None:
    body = b'{"orderCode": "EX247-0001", "status": null, "price": ' + sent + b"}"
    assert parse(CODE, body, NUMBER).shipment.details == {"price": kept}


def test_one_service_is_the_service_and_two_are_not() -> None:
    one = [{"serviceName": "Express", "serviceID": 1, "cost": 5}]
    assert parse(CODE, order(priceInfo=one), NUMBER).shipment.service == "Express"
    assert parse(CODE, order(priceInfo=one * 2), NUMBER).shipment.service is None


@pytest.mark.parametrize(
    "routes",
    [
        "2024-05-02T18:00:00",
        ["2024-05-01T18:00:00", "2024-05-02T18:00:00", "noon"],
        {"from": "2024-05-01T18:00:00", "to": "02/05/2024 18:00"},
        [{"route": "A", "time": "2024-05-02T18:00:00"}, {"route": "B", "time": None}],
    ],
)
def test_the_estimate_is_the_latest_time_of_the_routes(routes: Any) -> None:
    estimate = parse(CODE, order(estimateRoutes=routes), NUMBER).shipment.estimated_to
    assert estimate is not None
    assert estimate.instant == datetime(2024, 5, 2, 11, tzinfo=UTC)


def test_an_estimate_in_words_is_a_detail() -> None:
    shipment = parse(CODE, order(estimateRoutes="1-2 days"), NUMBER).shipment
    assert (shipment.estimated_to, shipment.details) == (None, {"estimateRoutes": "1-2 days"})


def test_who_signed_and_the_picture_are_personal_and_nowhere_else() -> None:
    snapshot = parse(CODE, SAMPLE, NUMBER)
    assert snapshot.personal.signed_by == "Nguyễn Văn An"
    assert snapshot.personal.confirm_image == "https://img.247express.vn/0001.jpg"
    elsewhere = repr((snapshot.scans, snapshot.shipment))
    assert not any(secret in elsewhere for secret in ("Nguyễn", "img.247express"))


def test_several_pictures_are_a_line_each() -> None:
    assert (
        parse(CODE, order(confirmImage=["a.jpg", None, "b.jpg"]), NUMBER).personal.confirm_image
        == "a.jpg\nb.jpg"
    )


def test_the_whole_answer_is_the_orders_part() -> None:
    assert parse(CODE, SAMPLE, NUMBER).part == SAMPLE
