"""247Express, read: what is asked, and every status, reason and error code of its page."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

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
from tests.carriers.orders import CODE, NUMBER, SAMPLE, order, status
from tests.carriers.payloads import error_of, line, parse, request_for


def test_it_asks_with_the_number_and_the_key_in_the_query() -> None:
    sent = request_for(CODE, NUMBER)
    assert sent.url == "https://carrier.example/api/Order/v1/Tracking"
    assert sent.params == {"ordercode": NUMBER, "apikey": "s3cret"}


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
        {"errorCode": None, "errorMessage": None},
        {"errorMessage": "Something", "status": None, "statuses": [], "trackings": None},
        {"errorMessage": "Something", "orderCode": NUMBER, "price": 0},
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


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, []),
        ({"acceptDate": "1/5/2024 9:00"}, ["PICKED_UP"]),
        ({"acceptDate": "1/5/2024 9:00", "errorMessage": "Success"}, ["PICKED_UP"]),
        ({"deliveryDate": "2024-05-02T11:40:00", "receiverName": "An"}, ["DELIVERED"]),
        ({"statusName": "DELIVERING"}, ["DELIVERING"]),
        ({"weight": 1.5}, []),
    ],
)
def test_any_field_of_an_order_makes_an_answer(fields: dict[str, Any], words: list[str]) -> None:
    scans = parse(CODE, {"orderCode": NUMBER} | fields, NUMBER).scans
    assert [scan.carrier_code for scan in scans] == words


@pytest.mark.parametrize("code", [None, False, 0, 0.0, "", " ", "0", "false"])
def test_an_empty_error_code_is_no_error(code: Any) -> None:
    (scan,) = parse(CODE, order(errorCode=code, statuses=[status("DELIVERED")]), NUMBER).scans
    assert scan.carrier_code == "DELIVERED"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("012345", 12345),
        ("012345", 12345.0),
        ("00000", 0),
        ("12345", 12345),
        ("012345", None),
        ("ab-12", "AB-12"),
    ],
)
def test_a_code_sent_as_a_number_may_have_lost_its_zeros(number: str, code: Any) -> None:
    assert parse(CODE, order(orderCode=code, statuses=[status("DELIVERED")]), number).scans


@pytest.mark.parametrize(("number", "code"), [("012345", "12345"), ("012345", 123450), ("12345", True)])
def test_another_code_is_another_order(number: str, code: Any) -> None:
    error = error_of(CODE, order(orderCode=code, statuses=[status("DELIVERED")]), number)
    assert error.detail == "247Express answered with another order"
