"""Real answers of a merchant that has something everywhere are as the OpenAPI document says."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import Merchant
from carriers.registry import adapters
from tests.carrier_server import CarrierServer, order
from tests.openapi import METHODS, Doc, answer_faults, faults, operations, the_document
from tests.tenants import World, world
from tests.trackers.page.pictures import png
from trackers.views import answering
from webhooks.models import Message

pytestmark = pytest.mark.django_db(transaction=True)

#: What a call needs beside its path: the query.
_QUERIES: Mapping[str, Mapping[str, str]] = {
    "GET /v1/couriers/detect": {"trackingNumber": "HSALICES"},
    "GET /v1/tracking/orders": {"hs_order_ref": "HSALICES"},
    "GET /api/Order/v1/Tracking": {"ordercode": "HSALICES"},
}
#: What an example cannot say here: its host is nowhere.
_PICTURE = "the bytes of the picture"
_BODIES: Mapping[str, Mapping[str, Any]] = {"POST /v1/webhooks": {"url": "http://127.0.0.1:9/example"}}


@pytest.fixture(scope="module")
def doc() -> Doc:
    return the_document()


@pytest.fixture
def alices(
    alice: Merchant,
    bob: Merchant,
    carrier: CarrierServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """Alice and what she has. No carrier but the test's own is asked."""
    for adapter in adapters().values():
        monkeypatch.setattr(type(adapter), "default_base_url", carrier.url)
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.POLL_NOW_MIN_INTERVAL = 0
    settings.TRACK_WAIT = 60
    monkeypatch.setattr("trackers.waiting.until", lambda condition, _ends: condition())  # nobody polls here
    carrier.replies["HSBY37H7"] = order("HSBY37H7", "050000", "100000", "500000")
    return world(alice, bob, carrier)


def call(alices: World, route: str, body: Any = None, *, key: str | None = None, **more: Any) -> HttpResponse:
    """Make the call that a route describes, with alice's key and her ids."""
    method, path = route.split()
    key = alices.alice_key if key is None else key
    for name, value in _names(alices).items():
        path = path.replace(f"{{{name}}}", value)
    query = _QUERIES.get(route, {}) | ({"apikey": key} if path.startswith("/api/") else {})
    secret = alices.alices["secret"] if "/push/" in path and key else key
    headers = {"Authorization": f"Bearer {secret}", "HS-Api-Key": key} if key else {}
    headers |= more.pop("headers", {})
    content = b"" if body is None else json.dumps(body).encode()
    media_type = "application/json"
    if path.endswith("/logo") and body == _PICTURE:
        content, media_type = png(), "image/png"
    return Client().generic(method, path, content, media_type, query_params=query, headers=headers, **more)


def _names(alices: World) -> dict[str, str]:
    return {
        "trackerId": alices.alices["tracker"],
        "trackingNumber": alices.alices["number"],
        "webhookId": alices.alices["endpoint"],
        "deliveryId": alices.alices["delivery"],
        "recoveryId": alices.alices["recovery"],
        "carrierAccountId": alices.alices["account"],
        "courier": "ship24",
        "token": alices.alices["token"],
    }


def example_of(operation: Doc, **more: Any) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    example = next(iter(content.values()))["example"] if content else None
    return example | more if more else example


def in_order(doc: Doc) -> list[tuple[str, Doc]]:
    """Reads first, then changes, deletions last: of many before of one, which the path names."""
    return sorted(operations(doc), key=lambda one: (METHODS.index(one[0].split()[0].lower()), one[0]))


def test_every_operation_answers_its_own_example_as_it_says(doc: Doc, alices: World) -> None:
    wrong = {}
    for route, operation in in_order(doc):
        answer = call(alices, route, example_of(operation, **_BODIES.get(route, {})))
        found = answer_faults(doc, route, answer)
        if found or not 200 <= answer.status_code < 300:
            wrong[route] = [answer.status_code, *found, getattr(answer, "content", b"")[:300]]
    assert wrong == {}


def test_every_operation_refuses_as_it_says(doc: Doc, alices: World) -> None:
    nobody = World(alices.alice_key, alices.bob_key, alices.nobodys, alices.nobodys, frozenset())
    wrong = {}
    for route, operation in in_order(doc):
        example = example_of(operation)
        answers = [
            call(alices, route, example, key=""),
            call(alices, route, example, key="apik_wrong"),
            call(nobody, route, example),
            call(alices, route, example, headers={"Accept": "text/html"}),
        ]
        if example is not None:
            answers += [call(alices, route, ["no", "such"]), call(alices, route, {"trackingNumber": 1})]
        for answer in answers:
            if found := answer_faults(doc, route, answer):
                wrong[route] = found
    assert wrong == {}


def test_no_operation_answers_a_call_without_a_key(doc: Doc, alices: World) -> None:
    for route, operation in operations(doc):
        answer = call(alices, route, example_of(operation), key="")
        if route.startswith("GET /api/"):
            assert json.loads(answer.content)["errorCode"] == "MISSING_APIKEY"
            continue
        assert answer.status_code in {400, 401}, route


def test_every_message_is_as_the_document_says(doc: Doc, alices: World) -> None:
    for route, operation in in_order(doc):
        call(alices, route, example_of(operation))
    told = list(Message.objects.all())
    assert len({one.type for one in told}) >= 3
    for one in told:
        content = doc["webhooks"][one.type]["post"]["requestBody"]["content"]["application/json"]
        assert faults(doc, content["schema"], json.loads(bytes(one.body))) == [], one.type


def test_an_answer_of_another_shape_is_found(
    doc: Doc, alices: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = answering.polled_shape
    monkeypatch.setattr(answering, "polled_shape", lambda *of: shape(*of) | {"mood": "fine"})
    assert answer_faults(doc, "GET /v1/trackers/{trackerId}", call(alices, "GET /v1/trackers/{trackerId}"))
