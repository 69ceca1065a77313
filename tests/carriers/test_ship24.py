"""Ship24 as a carrier: asked over real HTTP, and read."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from pytest_django import Settings

from carriers import postal
from carriers.adapter import Pushed, Query
from carriers.exceptions import (
    BadResponse,
    CarrierError,
    KeyRejected,
    NotFoundYet,
    Refused,
    Throttled,
    Unreachable,
)
from carriers.http import HttpClient
from carriers.registry import adapter
from carriers.snapshot import Snapshot
from tests.carriers.payloads import TRACKER, error_of, parse, query
from tests.hostile.test_totality import VALUES, assert_storable
from tests.ship24_server import KEY, Ship24Server, There, event, push, ship24_server, tracking

NUMBER = "RR123456785GB"
HINTS = {"destinationCountryCode": "US", "shippingDate": "2024-05-01"}
ship24 = adapter("ship24")


@pytest.fixture
def there(settings: Settings) -> Iterator[Ship24Server]:
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with ship24_server() as server:
        yield server


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient()
    yield made
    made.close()


def asking(there: Ship24Server, **fields: Any) -> Query:
    return replace(query("ship24", NUMBER, base_url=there.url, key=KEY), hints=HINTS, **fields)


def asked(there: Ship24Server, client: HttpClient, **fields: Any) -> Snapshot:
    one = asking(there, **fields)
    return ship24.parse(ship24.ask(one, client), one)


def made(there: Ship24Server, *events: Any, subscribed: bool = True) -> There:
    body = {"trackingNumber": NUMBER, "clientTrackerId": str(TRACKER)}
    there.trackers[str(TRACKER)] = There(body, subscribed, list(events))
    return there.trackers[str(TRACKER)]


def test_a_tracker_that_is_not_there_is_made_with_our_id_and_the_hints(
    there: Ship24Server, client: HttpClient
) -> None:
    there.finds = [event("a")]
    assert [scan.key for scan in asked(there, client).scans] == ["ship24|a"]
    assert there.methods == ["GET", "POST", "GET"]
    assert there.sent[1].body == {"trackingNumber": NUMBER, "clientTrackerId": str(TRACKER), **HINTS}
    assert {sent.authorization for sent in there.sent} == {f"Bearer {KEY}"}


def test_a_tracker_that_is_there_is_asked_about_once(there: Ship24Server, client: HttpClient) -> None:
    made(there, event("a"))
    asked(there, client)
    assert there.methods == ["GET"]


def test_a_new_tracker_that_found_nothing_yet_is_not_found(there: Ship24Server, client: HttpClient) -> None:
    with pytest.raises(NotFoundYet):
        asked(there, client)
    assert str(TRACKER) in there.trackers


def test_a_tracker_that_was_ended_there_is_taken_up_again(there: Ship24Server, client: HttpClient) -> None:
    ended = made(there, event("a"), subscribed=False)
    assert asked(there, client).scans
    assert ended.subscribed
    assert there.methods == ["GET", "PATCH"]


@pytest.mark.parametrize("status", [400, 404])
def test_one_that_cannot_be_taken_up_is_made_anew(
    there: Ship24Server, client: HttpClient, status: int
) -> None:
    made(there, event("a"), subscribed=False)
    there.says("PATCH", status, "tracker_not_found" if status == 404 else "tracker_conflict")
    there.finds = [event("b")]
    assert [scan.key for scan in asked(there, client).scans] == ["ship24|b"]


def test_nothing_is_started_for_a_tracker_that_is_stopped(there: Ship24Server, client: HttpClient) -> None:
    with pytest.raises(NotFoundYet):
        asked(there, client, follow=False)
    made(there, event("a"), subscribed=False)
    assert asked(there, client, follow=False).scans
    assert there.methods == ["GET", "GET"]


def test_a_shipping_date_that_is_too_old_there_is_left_out(there: Ship24Server, client: HttpClient) -> None:
    there.says("POST", 400, "shipping_date_outdated")
    there.finds = [event("a")]
    assert asked(there, client).scans
    assert "shippingDate" not in there.trackers[str(TRACKER)].body


def test_two_workers_that_make_it_at_once_have_one(there: Ship24Server, client: HttpClient) -> None:
    there.says("POST", 409, "request_conflict")
    with pytest.raises(Throttled):
        asked(there, client)
    there.finds = [event("a")]
    assert asked(there, client).scans
    assert len(there.trackers) == 1


@pytest.mark.parametrize(
    ("method", "status", "code", "kind"),
    [
        ("GET", 401, "auth_invalid_api_key", KeyRejected),
        ("GET", 400, "auth_missing_header", KeyRejected),
        ("GET", 401, None, KeyRejected),
        ("POST", 400, "validation_error", Refused),
        ("POST", 400, "tracker_conflict", Refused),
        ("POST", 403, "quota_limit_reached", Throttled),
        ("POST", 405, "quota_limit_reached", Throttled),
        ("POST", 422, "no_active_subscription", Throttled),
        ("POST", 402, None, Throttled),
        ("GET", 403, None, Throttled),
        ("GET", 429, None, Throttled),
        ("GET", 404, None, BadResponse),
        ("GET", 301, None, BadResponse),
        ("GET", 500, None, Unreachable),
        ("POST", 503, "processing_error", Unreachable),
    ],
)
def test_what_an_error_stands_for(
    there: Ship24Server, client: HttpClient, method: str, status: int, code: str | None, kind: type
) -> None:
    there.says(method, status, code)
    with pytest.raises(CarrierError) as raised:
        asked(there, client)
    assert type(raised.value) is kind
    assert KEY not in raised.value.detail
    assert "Ship24's words" not in raised.value.detail


def test_a_throttled_call_waits_as_long_as_it_is_told(there: Ship24Server, client: HttpClient) -> None:
    there.says("GET", 429, None, retry_after="7")
    with pytest.raises(Throttled) as raised:
        asked(there, client)
    assert raised.value.retry_after == 7


def test_an_account_without_room_waits_an_hour_and_keeps_its_key() -> None:
    body = {"errors": [{"code": "quota_limit_reached"}], "data": None}
    assert error_of("ship24", body, NUMBER, status=403).retry_after == 3600


def test_a_tracker_is_ended_there(there: Ship24Server, client: HttpClient) -> None:
    standing = made(there)
    ship24.close(TRACKER, asking(there).credentials, client)
    assert not standing.subscribed


def test_what_is_not_there_is_ended(there: Ship24Server, client: HttpClient) -> None:
    ship24.close(TRACKER, asking(there).credentials, client)
    there.says("PATCH", 500, None)
    with pytest.raises(Unreachable):
        ship24.close(TRACKER, asking(there).credentials, client)


def read(*events: Any, **fields: Any) -> Snapshot:
    answer = {"data": {"trackings": [tracking(TRACKER, *events, **fields)]}}
    return parse("ship24", answer, NUMBER)


def test_a_scan_is_known_by_the_carriers_id_and_else_by_what_it_says() -> None:
    named, unnamed = read(event("a"), event("", statusCode="transit_handover")).scans
    assert named.key == "ship24|a"
    assert unnamed.key == "ship24|2026-03-01T12:00:00|transit_handover|1"


def test_what_moved_and_was_reworded_is_the_same_scan() -> None:
    (before,) = read(event("a")).scans
    (after,) = read(event("a", "delivered", "2026-03-02T08:00:00+01:00", status="Handed over")).scans
    assert before.key == after.key


def test_order_decides_between_events_of_one_moment() -> None:
    scans = read(event("late", order=9), event("early", order=2)).scans
    assert [(scan.key, scan.rank) for scan in scans] == [("ship24|early", 0), ("ship24|late", 1)]


def test_a_day_alone_stands_behind_what_is_listed_before_it() -> None:
    scans = read(event("a", at="2026-03-01T18:00:00"), event("b", at="2026-03-01")).scans
    assert [scan.key for scan in scans] == ["ship24|a", "ship24|b"]
    assert scans[1].placed == scans[0].placed


def test_local_times_take_the_accounts_zone() -> None:
    answer = {"data": {"trackings": [tracking(TRACKER, event("a", at="2026-03-01T12:00:00"))]}}
    (scan,) = parse("ship24", answer, NUMBER, time_zone="Asia/Bangkok").scans
    assert f"{scan.moment.instant:%H:%M}" == "05:00"
    assert (scan.moment.certainty, scan.moment.written) == ("zone_assumed", "2026-03-01T12:00:00")


def test_a_local_time_takes_the_zone_of_its_place_where_that_names_a_country_of_one_time() -> None:
    local = {"at": "2026-03-01T12:00:00"}
    scans = read(
        event("a", location="Bangkok, Thailand", **local),
        event("b", location="Chicago, IL", **local),
        event("c", location="Lisboa, Portugal", **local),
        event("d", location="Paris, FR", utcOffset="-03:00", **local),
    ).scans
    found = {scan.key[-1]: (f"{scan.moment.instant:%H:%M}", scan.moment.certainty.value) for scan in scans}
    assert found == {
        "a": ("05:00", "zone_assumed"),
        "b": ("12:00", "zone_assumed"),
        "c": ("12:00", "zone_assumed"),
        "d": ("15:00", "offset_assumed"),
    }


def test_a_day_alone_begins_when_it_begins_at_its_place() -> None:
    (scan,) = read(event("a", at="2026-03-01", location="Bangkok, Thailand")).scans
    assert f"{scan.moment.instant:%d %H:%M}" == "28 17:00"
    assert (scan.moment.certainty, scan.moment.written) == ("date_only", "2026-03-01")


def test_a_scan_without_an_id_is_known_by_its_wall_clock_in_whatever_zone_that_is_read() -> None:
    at = "2026-03-01T12:00:00"
    (before,) = read(event("", at=at, location="Bangkok", eventId=None)).scans
    (after,) = read(event("", at=at, location="Bangkok, Thailand", eventId=None)).scans
    assert before.key == after.key
    assert before.moment.instant != after.moment.instant


def test_the_category_does_not_stand_in_for_an_unknown_code() -> None:
    snapshot = read(event("a", statusCode="delivery_by_drone", statusCategory="delivery"))
    assert snapshot.scans[0].status_code is None
    assert [one.code for one in snapshot.unmapped] == ["delivery_by_drone"]


def test_their_courier_and_source_are_kept_beside_ours() -> None:
    (scan,) = read(event("a", eventTrackingNumber="1Z")).scans
    assert (scan.courier, scan.source) == ("ship24", "ship24-tracking")
    assert scan.raw == {
        "courierCode": "gb-post",
        "sourceCode": "gb-post-tracking",
        "eventTrackingNumber": "1Z",
    }


def test_the_shipment_is_read_and_what_is_personal_is_kept_apart() -> None:
    delivery = {
        "estimatedDeliveryDate": "2026-03-04T18:00:00",
        "service": "Tracked",
        "signedBy": "R. Ecipient",
    }
    shipment = {"originCountryCode": "gb", "destinationCountryCode": 7, "delivery": delivery}
    snapshot = read(event("a"), shipment=shipment | {"recipient": {"name": "R. Ecipient", "city": "Austin"}})
    assert (snapshot.shipment.service, snapshot.shipment.origin_country_code) == ("Tracked", "GB")
    assert snapshot.shipment.destination_country_code is None
    assert snapshot.shipment.estimated_to
    assert snapshot.shipment.estimated_to.written == "2026-03-04T18:00:00"
    assert snapshot.personal.signed_by == "R. Ecipient"
    assert "Ecipient" not in repr((snapshot.scans, snapshot.shipment))


def test_without_our_id_the_number_must_be_ours() -> None:
    def told(number: str) -> dict[str, Any]:
        one = tracking(TRACKER, event("a"), tracker={"clientTrackerId": None, "trackingNumber": number})
        return {"data": {"trackings": [one]}}

    assert parse("ship24", told(NUMBER.lower()), NUMBER).scans
    assert isinstance(error_of("ship24", told("ANOTHER1"), NUMBER), BadResponse)


@pytest.mark.parametrize(
    "code", ["delivery_delivered", "exception_return", "exception_lost", "exception_discarded"]
)
def test_a_last_word_is_final(code: str) -> None:
    assert [scan.final for scan in read(event("a", statusCode=code)).scans] == [True]


def unpacked(body: Any) -> list[Pushed]:
    return ship24.unpacked(json.dumps(body).encode())


def test_a_push_is_unpacked_by_tracker_in_the_order_it_was_written() -> None:
    later = tracking(TRACKER, event("b"), metadata={"generatedAt": "2026-03-02T00:00:00.000Z"})
    sooner = tracking(TRACKER, event("a"), metadata={"generatedAt": "2026-03-01T00:00:00.000Z"})
    (one,) = unpacked({"trackings": [later, sooner, tracking("no id of ours"), 7, {}]})
    snapshot = ship24.parse_pushed(one, query("ship24", NUMBER))
    assert one.tracker_id == TRACKER
    assert (snapshot.partial, [scan.key for scan in snapshot.scans]) == (True, ["ship24|a", "ship24|b"])


def test_proofs_of_delivery_tell_no_events() -> None:
    assert unpacked(push(tracking(TRACKER, event("a")), topic="tracking/pod")) == []


@pytest.mark.parametrize("body", [[], {}, {"trackings": None}, {"trackings": {}}, {"trackings": [1] * 1001}])
def test_what_is_no_push_is_a_bad_response(body: Any) -> None:
    with pytest.raises(BadResponse):
        unpacked(body)


@given(value=VALUES)
def test_any_push_is_read_or_refused(value: Any) -> None:
    hostile = tracking(TRACKER, value, metadata=value, shipment=value) | {"events": [value, value]}
    for one in unpacked({"trackings": [hostile, value]}):
        assert_storable(ship24.parse_pushed(one, query("ship24", NUMBER)))


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("RR123456785GB", True),
        ("rr123456785gb", True),
        ("RR123456784GB", False),
        ("RR123456785QQ", False),
        ("RR12345678GB", False),
        ("EX000000005US", True),
        ("R\u0661\u0661\u0661456785GB", False),
    ],
)
def test_the_check_digit_of_a_postal_item(number: str, right: bool) -> None:
    assert postal.is_right(number) is right
    assert ship24.check(number) is right


def test_what_is_kept_of_a_push_is_read_again_as_the_push_was() -> None:
    (told,) = ship24.unpacked(json.dumps(push(tracking(TRACKER, event("a"), event("b", order=2)))).encode())
    asked = query("ship24", NUMBER)
    snapshot = ship24.parse_pushed(told, asked)
    assert ship24.reread(json.loads(json.dumps(snapshot.part)), asked) == snapshot
    assert snapshot.partial
