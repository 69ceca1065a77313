"""What 247Express's order says of itself: its status and dates, money, who signed."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from carriers.snapshot import Certainty
from tests.carriers.orders import CODE, NUMBER, SAMPLE, order, status, tracking
from tests.carriers.payloads import line, parse


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


@pytest.mark.parametrize(("sent", "kept"), [("007", "007"), ("1e3", "1e3"), ("12.50", "12.50"), (7, "7")])
def test_a_service_is_named_and_not_counted(sent: Any, kept: str) -> None:
    price = {"serviceName": sent, "serviceID": sent, "cost": "05.50"}
    shipment = parse(CODE, order(priceInfo=[price]), NUMBER).shipment
    assert shipment.service == kept
    assert shipment.details["priceInfo"] == [{"serviceName": kept, "serviceID": kept, "cost": "5.50"}]


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


def test_the_whole_answer_is_the_orders_part_with_fractions_as_text() -> None:
    part = parse(CODE, SAMPLE, NUMBER).part
    assert part == json.loads(json.dumps(SAMPLE), parse_float=str)
    assert part["width"] == "20.5"
