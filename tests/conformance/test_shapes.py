"""The schemas refuse what they should: without this, an answer that passes them would prove little."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conformance.shapes import FOLDER, FORMATS, faults

TRACKER: dict[str, Any] = {
    "trackerId": "0195f0c2-7a51-7cc0-8b1a-1f2e3d4c5b6a",
    "trackingNumber": "HSBY37H7",
    "shipmentReference": None,
    "courierCode": ["all24"],
    "clientTrackerId": "order-1002",
    "isSubscribed": True,
    "isTracked": True,
    "createdAt": "2026-03-01T11:09:00.000Z",
}
EVENT: dict[str, Any] = {
    "eventId": "1",
    "trackingNumber": "HSBY37H7",
    "eventTrackingNumber": "HSBY37H7",
    "status": "Delivered",
    "occurrenceDatetime": "2026-03-02",
    "order": 1,
    "location": None,
    "sourceCode": "all24-tracking",
    "courierCode": "all24",
    "statusCode": "delivery_delivered",
    "statusCategory": "delivery",
    "statusMilestone": "delivered",
    "datetime": "2026-03-02T00:00:00.000Z",
    "utcOffset": None,
    "hasNoTime": True,
}
STATISTICS = {
    "timestamps": {
        f"{name}Datetime": None
        for name in (
            "infoReceived",
            "inTransit",
            "outForDelivery",
            "failedAttempt",
            "availableForPickup",
            "exception",
            "delivered",
        )
    }
}
SHIPMENT: dict[str, Any] = {
    "shipmentId": None,
    "statusCode": None,
    "statusCategory": None,
    "statusMilestone": "delivered",
    "originCountryCode": "TH",
    "destinationCountryCode": None,
    "delivery": {
        "estimatedDeliveryDate": None,
        "courierEstimatedDeliveryDate": {"from": None, "to": "2026-03-02T18:00:00+07:00"},
        "service": None,
        "signedBy": None,
    },
    "trackingNumbers": [{"tn": "HSBY37H7"}],
    "recipient": {"name": "N", "address": None, "postCode": None, "city": None, "subdivision": None},
}
TRACKING = {"tracker": TRACKER, "shipment": SHIPMENT, "events": [EVENT], "statistics": STATISTICS}
GOOD: dict[str, Any] = {
    "create": {"data": {"tracker": TRACKER}},
    "list": {"data": {"trackers": [TRACKER]}},
    "tracker": TRACKER | {"data": {"tracker": TRACKER}},
    "results": {"data": {"trackings": [TRACKING]}},
    "number_results": {"data": {"trackings": [TRACKING]}},
    "call": {"data": {"trackings": [{"shipment": SHIPMENT, "events": [EVENT], "statistics": STATISTICS}]}},
    "couriers": {
        "data": {
            "couriers": [
                {
                    "courierCode": "all24",
                    "courierName": "ALL24",
                    "website": None,
                    "isPost": False,
                    "countryCode": "TH",
                    "requiredFields": None,
                    "isDeprecated": False,
                }
            ]
        }
    },
    "resend": {"data": {"summary": {"totalResent": "8"}}},
    "error": {"errors": [{"code": "tracker_not_found", "message": "Tracker not found."}], "data": None},
    "bulk": {
        "status": "partial",
        "summary": {"totalInputs": 2, "totalCreated": 1, "totalExisting": 0, "totalErrors": 1},
        "data": [
            {"itemStatus": "created", "inputData": {}, "tracker": TRACKER, "errors": None},
            {
                "itemStatus": "error",
                "inputData": {},
                "tracker": None,
                "errors": [{"code": "validation_error", "message": "trackingNumber: missing"}],
            },
        ],
        "error": None,
    },
    "history": {
        "metadata": {
            "trackingNumber": "HSBY37H7",
            "trackerId": "1",
            "clientTrackerId": None,
            "webhookUrl": None,
            "lastSuccessfulPushAt": None,
            "lastFailedPushAt": "2026-03-01T11:09:00.000Z",
        },
        "webhooks": [
            {
                "status": "failed",
                "pushTimestamp": "2026-03-01T11:09:00.000Z",
                "requestBody": {},
                "responseBody": None,
                "responseHeaders": {},
                "responseStatusCode": "503",
            }
        ],
    },
}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member of every object in it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        if isinstance(value, dict):
            yield (*path, name)
        yield from leaves(inner, (*path, name))


def parent(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        value = value[step]
    return value


EVERY_FIELD = [(shape, path) for shape, good in GOOD.items() for path in leaves(good)]


def test_there_is_a_sample_of_every_schema() -> None:
    assert set(GOOD) | {"words"} == {path.stem for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("shape", GOOD)
def test_the_schemas_are_schemas_and_take_the_samples(shape: str) -> None:
    Draft202012Validator.check_schema(json.loads((FOLDER / f"{shape}.json").read_text()))
    assert faults(GOOD[shape], shape) == []


@pytest.mark.parametrize(("shape", "path"), EVERY_FIELD)
def test_no_field_may_be_missing(shape: str, path: tuple[Any, ...]) -> None:
    bad = copy.deepcopy(GOOD[shape])
    del parent(bad, path)[path[-1]]
    assert faults(bad, shape)


@pytest.mark.parametrize(("shape", "path"), EVERY_FIELD)
def test_no_field_may_be_of_another_type(shape: str, path: tuple[Any, ...]) -> None:
    if path[-1] == "responseBody":
        return  # whatever the subscriber said
    bad = copy.deepcopy(GOOD[shape])
    parent(bad, path)[path[-1]] = 3.5
    assert faults(bad, shape)


@pytest.mark.parametrize(
    ("shape", "path", "value"),
    [
        ("create", ("data", "tracker", "createdAt"), "2026-03-01T11:09:00"),
        ("create", ("data", "tracker", "createdAt"), "2026-02-30T11:09:00Z"),
        ("create", ("data", "tracker", "trackerId"), "HSBY37H7"),
        ("create", ("data", "tracker", "courierCode"), ["a", "b", "c", "d"]),
        ("create", ("data", "tracker", "isTracked"), None),
        ("results", ("data", "trackings"), []),
        ("results", ("data", "trackings", 0, "shipment", "statusMilestone"), "lost"),
        ("results", ("data", "trackings", 0, "shipment", "originCountryCode"), "tha"),
        ("results", ("data", "trackings", 0, "events", 0, "statusCode"), "delivered"),
        ("results", ("data", "trackings", 0, "events", 0, "occurrenceDatetime"), "01.03.2026"),
        ("results", ("data", "trackings", 0, "events", 0, "datetime"), "2026-03-02"),
        ("results", ("data", "trackings", 0, "events", 0, "utcOffset"), "+7"),
        ("couriers", ("data", "couriers", 0, "requiredFields"), ["courierAccount"]),
        ("resend", ("data", "summary", "totalResent"), 8),
        ("call", ("data", "trackings", 0, "tracker"), TRACKER),
        ("bulk", ("data", 0, "errors"), [{"code": "x", "message": "y"}]),
        ("bulk", ("data", 1, "tracker"), TRACKER),
        ("bulk", ("status",), "ok"),
        ("error", ("errors",), []),
        ("history", ("webhooks", 0, "responseStatusCode"), 503),
        ("history", ("webhooks", 0, "status"), "pending"),
    ],
)
def test_a_wrong_value_is_refused(shape: str, path: tuple[Any, ...], value: Any) -> None:
    bad = copy.deepcopy(GOOD[shape])
    parent(bad, path)[path[-1]] = value
    assert faults(bad, shape)


@pytest.mark.parametrize(
    "moment", ["2022-10-23T15:13:37", "2022-12-21T17:01:12+02:00", "2022-09-03T23:58:12Z", "2022-08-14"]
)
def test_the_four_logistic_forms_are_taken(moment: str) -> None:
    assert FORMATS.conforms(moment, "logistic-date-time")
    assert not FORMATS.conforms(f"{moment} ", "logistic-date-time")
