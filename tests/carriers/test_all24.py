"""all24, read: the seed's own sample, and what its page does not promise."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.exceptions import (
    BadResponse,
    CarrierError,
    KeyRejected,
    NotFoundYet,
    Refused,
    Throttled,
    Unreachable,
)
from carriers.registry import adapter
from carriers.snapshot import Certainty
from tests.carriers.payloads import Payload, error_of, line, parse, request_for

NUMBER = "HSBY37H7"
SAMPLE = json.loads(Payload("all24", "delivered").body)


def sample(**changes: Any) -> dict[str, Any]:
    return {**SAMPLE, NUMBER: {**SAMPLE[NUMBER], **changes}}


def history(*events: dict[str, Any]) -> dict[str, Any]:
    return sample(history=list(events))


def event(**changes: Any) -> dict[str, Any]:
    return {"event_time": "2015-08-18 12:02:00", "event_name": "Picked up", "event_code": "200000"} | changes


def test_it_asks_for_the_number_with_the_key_in_the_header() -> None:
    sent = request_for("all24", NUMBER, base_url="https://all24.example/")
    assert sent.url == "https://all24.example/v1/tracking/orders"
    assert sent.params == {"hs_order_ref": NUMBER}
    assert sent.headers["HS-Api-Key"] == "s3cret"


def test_the_sample_has_five_scans_and_delivered_is_the_latest() -> None:
    scans = parse("all24", SAMPLE, NUMBER).scans
    assert [scan.carrier_code for scan in scans] == ["050000", "100000", "200000", "300000", "500000"]
    assert [scan.rank for scan in scans] == [0, 0, 0, 0, 1]
    assert scans[-1].final
    assert scans[-1].key == "all24|2015-08-18T12:02:00|500000|1"


def test_a_time_takes_the_offset_of_its_order() -> None:
    moment = parse("all24", SAMPLE, NUMBER).scans[-1].moment
    assert moment.text == "2015-08-18 12:02:00"
    assert moment.instant == datetime(2015, 8, 18, 5, 2, tzinfo=UTC)
    assert (moment.written, moment.certainty) == ("2015-08-18T12:02:00+07:00", Certainty.OFFSET_ASSUMED)


@pytest.mark.parametrize("origin", [None, "", "2015-08-18T11:12:00", "soon", 5, {}])
def test_without_an_offset_of_the_order_the_zone_of_the_account_counts(origin: Any) -> None:
    scan = parse("all24", sample(origin_order_date=origin), NUMBER, time_zone="Asia/Tokyo").scans[-1]
    assert scan.moment.instant == datetime(2015, 8, 18, 3, 2, tzinfo=UTC)
    assert (scan.moment.written, scan.moment.certainty) == ("2015-08-18T12:02:00", Certainty.ZONE_ASSUMED)


def test_a_zone_that_is_none_falls_back_to_bangkok() -> None:
    scan = parse("all24", sample(origin_order_date=None), NUMBER, time_zone="Mars/Base").scans[-1]
    assert scan.moment.instant == datetime(2015, 8, 18, 5, 2, tzinfo=UTC)


def test_the_estimate_is_the_expected_completion() -> None:
    estimate = parse("all24", SAMPLE, NUMBER).shipment.estimated_to
    assert estimate is not None
    assert (estimate.written, estimate.certainty) == ("2015-08-19T23:59:00+07:00", Certainty.OFFSET_KNOWN)
    assert parse("all24", sample(expected_completion="soon"), NUMBER).shipment.estimated_to is None


def test_the_merchants_reference_and_the_orders_date_are_details() -> None:
    assert parse("all24", SAMPLE, NUMBER).shipment.details == {
        "order_ref_id": "123abc1",
        "origin_order_date": "2015-08-18T11:12:00+07:00",
    }
    undated = parse("all24", sample(origin_order_date="soon", order_ref_id=None), NUMBER)
    assert undated.shipment.details == {}


def test_the_parts_of_a_place_stay_raw() -> None:
    assert [scan.raw for scan in parse("all24", SAMPLE, NUMBER).scans] == [
        {"location_ref": "abc123"},
        {"location_name": "Fastrak Service Limited", "service_area": "Bangkok", "postcode": "10110"},
        {"location_name": "On vehicle", "service_area": "Bangkok"},
        {"location_ref": "w0szv4da"},
        {"location_ref": "w0szv4da"},
    ]


def test_sender_and_recipient_are_personal() -> None:
    personal = parse("all24", SAMPLE, NUMBER).personal
    assert personal.sender == {
        "name": "Fashion F200",
        "address": "F 39-40, J.J. Mall, 1, 588 Kampaeng Phet 2 Rd",
        "postCode": "10900",
        "city": "Chatuchak",
        "subdivision": None,
    }
    assert personal.recipient is not None
    assert personal.recipient["address"] == "123/322, The Met Condo, South Sathorn road"
    assert parse("all24", sample(sender_location=None, recipient_location={}), NUMBER).personal.sender is None


def test_a_scan_at_the_senders_own_place_does_not_say_where() -> None:
    scans = parse("all24", SAMPLE, NUMBER).scans
    assert [scan.location for scan in scans] == [
        None,
        "Fastrak Service Limited, Bangkok, 10110",
        "On vehicle, Bangkok",
        None,
        None,
    ]
    told = repr([(scan.text, scan.location, scan.raw) for scan in scans])
    assert not any(
        part in told for part in ("Fashion", "Chatuchak", "10900", "J.J. Mall", "The Met Condo", "Sathorn")
    )


def test_a_scans_place_leaves_out_what_is_the_recipients() -> None:
    snapshot = Payload("all24", "at_the_recipients").parse()
    assert [scan.location for scan in snapshot.scans[-3:]] == [
        "On vehicle, 10120",
        "Sathorn depot, 10120",
        None,
    ]
    told = repr([(scan.text, scan.location, scan.raw) for scan in snapshot.scans]).casefold()
    assert not any(part in told for part in ("malee", "srisuk", "condo"))


@pytest.mark.parametrize(
    ("name", "place", "shown"),
    [
        ("Malee Srisuk", {"location_name": "MALEE\u00a0 srisuk "}, None),
        ("Malee Srisuk", {"location_name": "\uff2dalee Srisuk", "postcode": "1"}, None),
        ("Malee Srisuk", {"location_name": "Hub", "service_area": "malee srisuk"}, "Hub"),
        ("Malee Srisuk", {"location_name": "Hub", "postcode": "Malee Srisuk, 10120"}, "Hub"),
        ("Malee Srisuk", {"location_name": "Hub Malee", "service_area": "Bangkok"}, "Hub Malee, Bangkok"),
        ("Bo", {"location_name": "Bonn depot", "service_area": "Bo"}, "Bonn depot"),
        ("", {"location_name": "Hub", "service_area": "5 High Street"}, "Hub"),
        ("", {"location_name": "5 HIGH  street, Bangkok", "postcode": "10120"}, "10120"),
        ("", {"location_name": "Hub", "service_area": "x" * 300 + " 5 High Street"}, "Hub"),
    ],
)
@pytest.mark.parametrize("party", ["sender_location", "recipient_location"])
def test_no_part_of_a_place_names_or_addresses_a_party(
    party: str, name: str, place: dict[str, str], shown: str | None
) -> None:
    own = {"location_name": name, "addressline1": "5 High  Street", "postcode": "10120"}
    answer = sample(history=[event(location=place)], sender_location=None, recipient_location=None)
    answer[NUMBER][party] = own
    assert parse("all24", answer, NUMBER).scans[0].location == shown


def test_only_the_part_of_the_order_is_kept() -> None:
    other = {**SAMPLE, "HSOTHER1": SAMPLE[NUMBER]}
    snapshot = parse("all24", other, NUMBER)
    assert snapshot.part == SAMPLE[NUMBER]
    assert snapshot.ignored == 1


@pytest.mark.parametrize("number", ["HSCZJUQ5", "hsby37h7", "response_code", "error_codes"])
def test_another_orders_history_is_never_attached(number: str) -> None:
    assert isinstance(error_of("all24", SAMPLE, number), NotFoundYet)


def test_an_order_that_names_another_reference_is_not_the_one() -> None:
    assert isinstance(error_of("all24", sample(hs_order_ref="HSOTHER1"), NUMBER), NotFoundYet)


def test_an_empty_history_is_an_answer_without_scans() -> None:
    assert parse("all24", history(), NUMBER).scans == ()


@pytest.mark.parametrize("wrong", [None, {}, "none", 5])
def test_a_history_that_is_no_list_is_a_bad_response(wrong: Any) -> None:
    error = error_of("all24", sample(history=wrong), NUMBER)
    assert isinstance(error, BadResponse)
    assert "history" in error.detail


@pytest.mark.parametrize("wrong", [None, [], "order", 5])
def test_an_order_that_is_no_object_is_no_order(wrong: Any) -> None:
    assert isinstance(error_of("all24", {**SAMPLE, NUMBER: wrong}, NUMBER), BadResponse | NotFoundYet)


@pytest.mark.parametrize(
    "time", ["yesterday", "2015-13-40 12:00:00", "9999-12-31T23:59:59-05:00", 5, [1], {"a": 1}]
)
def test_an_unreadable_time_is_set_aside_and_its_neighbours_are_not(time: Any) -> None:
    snapshot = parse("all24", history(event(), event(event_time=time, event_code="300000"), event()), NUMBER)
    assert [scan.carrier_code for scan in snapshot.scans] == ["200000", "200000"]
    assert len(snapshot.set_aside) == 1


def test_an_entry_that_is_no_event_is_set_aside() -> None:
    snapshot = parse("all24", history(event(), "noise", None, []), NUMBER)  # type: ignore[arg-type]
    assert len(snapshot.scans) == 1
    assert snapshot.set_aside == ("not an event: array", "not an event: null", "not an event: noise")


@pytest.mark.parametrize(
    ("times", "placed"),
    [
        (["12:03", None, "12:01"], ["12:01", "12:01", "12:03"]),  # with its older neighbour
        (["12:03", "12:02", None], ["12:02", "12:02", "12:03"]),  # there is none older
        ([None, "12:02", "12:01"], ["12:01", "12:02", "12:02"]),
        ([None, None], [None, None]),
    ],
)
def test_a_scan_without_a_time_keeps_its_place_in_the_list(times: list[Any], placed: list[Any]) -> None:
    events = [
        event(event_time=f"2015-08-18 {time}:00" if time else None, event_code=f"{nth}")
        for nth, time in enumerate(times)
    ]
    scans = parse("all24", history(*events), NUMBER).scans
    assert [scan.placed and f"{scan.placed + timedelta(hours=7):%H:%M}" for scan in scans] == placed
    assert [scan.carrier_code for scan in scans] == [str(nth) for nth in reversed(range(len(times)))]
    assert len({(scan.placed, scan.rank) for scan in scans}) == len(scans)


@given(st.randoms(use_true_random=False))
def test_any_order_of_a_list_whose_times_differ_gives_the_same_scans(random: Random) -> None:
    by_time = [
        list(group) for _, group in groupby(SAMPLE[NUMBER]["history"], key=lambda one: one["event_time"])
    ]
    random.shuffle(by_time)
    shuffled = sample(history=[one for group in by_time for one in group])
    assert parse("all24", shuffled, NUMBER).scans == parse("all24", SAMPLE, NUMBER).scans


def test_events_that_are_alike_are_counted() -> None:
    scans = parse("all24", history(event(), event()), NUMBER).scans
    assert [scan.key[-2:] for scan in scans] == ["|1", "|2"]


def test_places_names_and_our_map_are_no_part_of_a_key() -> None:
    one = event(event_name="Picked up", location={"location_name": "PARIS, FR"})
    two = event(event_name="Collected", location={"location_name": "Paris, France"})
    keys = [parse("all24", history(each), NUMBER).scans[0].key for each in (one, two)]
    assert keys[0] == keys[1]


def test_an_event_without_a_code_is_known_by_its_text() -> None:
    snapshot = parse("all24", history(event(event_code=None, event_name="At the gate")), NUMBER)
    assert snapshot.scans[0].key == "all24|2015-08-18T12:02:00|At the gate|1"
    assert [(one.code, one.text) for one in snapshot.unmapped] == [("At the gate", "At the gate")]


def test_a_code_sent_as_a_number_gets_its_leading_zero_back() -> None:
    assert line(parse("all24", history(event(event_code=50000)), NUMBER).scans[0]).endswith("info_received")


def test_an_unknown_code_is_counted_once_with_its_text() -> None:
    events = [
        event(event_code="777777", event_name="Beamed"),
        event(event_code="777777", event_name="Beamed"),
    ]
    assert [(one.code, one.text) for one in parse("all24", history(*events), NUMBER).unmapped] == [
        ("777777", "Beamed")
    ]


def test_texts_are_bounded_and_the_raw_reference_is_kept_longer() -> None:
    long = "x" * 1_000
    scan = parse(
        "all24", history(event(event_name=long, location_ref=long, location={"service_area": long})), NUMBER
    ).scans[0]
    assert (len(scan.text), len(scan.location or ""), len(scan.raw["location_ref"])) == (255, 255, 1_000)


STATUSES: list[tuple[int, type[CarrierError]]] = [
    (400, Refused),
    (401, KeyRejected),
    (402, Refused),
    (403, Refused),
    (404, NotFoundYet),
    (409, Throttled),
    (429, Throttled),
    (500, Unreachable),
    (502, Unreachable),
    (503, Unreachable),
    (504, Unreachable),
    (301, BadResponse),
]


def inside(status: int) -> tuple[int, dict[str, Any]]:
    return 200, {"response_code": status, "error_codes": []}


def outside(status: int) -> tuple[int, dict[str, Any]]:
    return status, {}


@pytest.mark.parametrize(("status", "kind"), STATUSES)
@pytest.mark.parametrize("where", [inside, outside], ids=["inside a 200", "as HTTP status"])
def test_a_status_means_the_same_wherever_it_stands(
    status: int, kind: type[CarrierError], where: Callable[[int], tuple[int, dict[str, Any]]]
) -> None:
    sent, body = where(status)
    error = error_of("all24", body, NUMBER, status=sent, headers={"retry-after": "90"})
    assert type(error) is kind
    assert error.detail == f"all24 answered {status}"
    assert error.retry_after == 90


@pytest.mark.parametrize(
    ("envelope", "kind"),
    [
        ({"response_code": "429"}, Throttled),
        ({"response_code": 200, "error_codes": ["404"]}, NotFoundYet),
        ({"response_code": 200, "error_codes": [401]}, KeyRejected),
        ({"response_code": 200, "error_codes": ["no_such_thing"]}, Refused),
        ({"response_code": 200, "error_codes": "broken"}, Refused),
        ({"response_code": None, "error_codes": {"code": 5}}, Refused),
        ({"response_code": 999}, BadResponse),
        ({"response_code": "fine"}, BadResponse),
        ({"response_code": [200]}, BadResponse),
    ],
)
def test_an_error_inside_a_200_is_never_a_history(envelope: dict[str, Any], kind: type[CarrierError]) -> None:
    assert type(error_of("all24", SAMPLE | envelope, NUMBER)) is kind


@pytest.mark.parametrize(
    "envelope", [{"response_code": "200"}, {"response_code": None}, {"error_codes": None}]
)
def test_an_envelope_without_an_error_is_fine(envelope: dict[str, Any]) -> None:
    assert len(parse("all24", SAMPLE | envelope, NUMBER).scans) == 5


@pytest.mark.parametrize("status", [200, 402])
def test_an_error_repeats_short_codes_and_nothing_else(status: int) -> None:
    codes = ["card_declined", "Bob Brown, 5 High Street", "x" * 61, {"name": "Bob"}, 7, "ключ"]
    error = error_of("all24", SAMPLE | {"error_codes": codes}, NUMBER, status=status)
    assert error.detail == "all24 answered 402: card_declined, 7"


def test_a_response_code_that_is_none_is_not_repeated() -> None:
    error = error_of("all24", SAMPLE | {"response_code": "sorry, Bob Brown"}, NUMBER)
    assert error.detail == "all24's response_code is string"


def test_what_is_set_aside_is_told_without_its_text() -> None:
    snapshot = parse("all24", history("Left with Bob Brown, no. 5", event(event_time="at Bob's, 5")), NUMBER)  # type: ignore[arg-type]
    assert snapshot.set_aside == ("not a time: string", "not an event: string")


def test_numbers_of_this_carrier_are_told_by_their_form() -> None:
    assert adapter("all24").looks_like.fullmatch("HSBY37H7")
    assert not any(
        adapter("all24").looks_like.fullmatch(number)
        for number in ("HSBY37H", "hsby37h7", "XXBY37H7", "HSBY37H78")
    )


def test_an_answer_of_no_kind_at_all_is_not_taken_for_an_unknown_order() -> None:
    assert isinstance(error_of("all24", {"fault": {"faultstring": "no route"}}, NUMBER), BadResponse)
