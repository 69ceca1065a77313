"""Alice, who has something everywhere, told apart from anybody else's; and bob, who has heard of it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.http import HttpResponse
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from accounts.models import ApiKey, Merchant
from carriers.models import CarrierAccount
from events.models import Event
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.polled import poll_due
from tests.webhooks.cast import EndpointFactory
from trackers.models import Tracker
from webhooks.claims import take
from webhooks.exchanges import Result
from webhooks.models import Attempt, Delivery, Endpoint, Message, Recovery
from webhooks.settling import settle

#: Stands in every text of alice's.
MARK = "alices"
#: What she follows.
FIRST = {
    "trackingNumber": "HSALICES",
    "courierCode": "all24",
    "clientTrackerId": "alices-order",
    "shipmentReference": "alices-reference",
    "orderNumber": "alices-number",
    "title": "alices shoes",
    "courierName": "alices courier",
    "trackingUrl": "https://alices.example/track",
    "destinationPostCode": "alices",
    "recipient": {"name": "Alices Aunt", "email": "aunt@alices.example"},
}
#: What bob names: alice's own, and for each what never was.
Names = Mapping[str, str]
NOBODY: Names = {
    "number": "HSNOBODY",
    "client": "nobodys-order",
    "reference": "nobodys-reference",
    "text": "nobodys-number",
    "idempotency": "nobodys-key",
    "url": "http://127.0.0.1:9/nobodys",
    "token": "nobodys-token-that-never-was",
}
_LOCATION = {
    "location_name": "Alices {}",
    "addressline1": "Alices street",
    "service_area": "",
    "postcode": "",
}
_VOLATILE = {
    "<link>": r"(?<=/track/)[A-Za-z0-9_-]{40,}",
    "<uuid>": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<time>": r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)?",
    "<secret>": r"wh(sec|pk)_[A-Za-z0-9+/=]+",
    "<day>": r"-\d{8}\.json",
}
#: Characters from which on a text is told from others.
_TELLING = 6
_OF_THE_CALL = {"x-request-id", "content-length", "retry-after"}


@dataclass(frozen=True)
class Ask:
    """One call, with `{names}` in it. `alike`: even its owner is told nothing that is hers."""

    path: str
    body: Any = None
    headers: Mapping[str, str] | None = None
    alike: bool = False
    keyless: bool = False

    def said(self, names: Names) -> list[str]:
        """Whatever the caller says that may come back to it, the longest first."""
        told = json.dumps([self.path, self.body, dict(self.headers or {})])
        named = {value for name, value in names.items() if "{" + name + "}" in told}
        return sorted(named | set(_texts(self.filled(names).body)), key=len, reverse=True)

    def filled(self, names: Names) -> "Ask":
        told = json.dumps([self.path, self.body, dict(self.headers or {})])
        for name, value in names.items():
            told = told.replace("{" + name + "}", value)
        path, body, headers = json.loads(told)
        return replace(self, path=path, body=body, headers=headers)


@dataclass(frozen=True)
class Told:
    """An answer as text: status, headers and body."""

    status: int
    text: str

    def without(self, said: Sequence[str]) -> str:
        """The text without what the caller said."""
        text = self.text
        for value in said:
            text = text.replace(value, "<said>")
        return text

    def normal(self, said: Sequence[str]) -> tuple[int, str]:
        """The same for two calls that differ only in what was said."""
        text = self.without(said)
        for word, pattern in _VOLATILE.items():
            text = re.sub(pattern, word, text)
        return self.status, text


@dataclass(frozen=True)
class World:
    """Both merchants' keys, and what alice has."""

    alice_key: str
    bob_key: str
    alices: Names
    nobodys: Names
    #: Ids of alice's that bob has not heard of.
    unheard: frozenset[str]
    #: Bob's own row, which he may change.
    bobs: frozenset[tuple[str, str]] = frozenset()

    def ask(self, method: str, ask: Ask, names: Names, key: str) -> Told:
        """Call, as the holder of the key."""
        names = {**names, "key": key}
        call = ask.filled(names)
        headers = {**({} if call.keyless else {"Authorization": f"Bearer {key}"}), **(call.headers or {})}
        body = () if call.body is None else (json.dumps(call.body), "application/json")
        return _told(APIClient().generic(method, f"/{call.path}", *body, headers=headers))

    def leaks(self, told: Told, said: Sequence[str]) -> list[str]:
        """What of alice's is in an answer, beside what the caller said."""
        text = told.without(said).casefold()
        return [one for one in (MARK, *self.unheard) if one.casefold() in text]


def _told(answer: HttpResponse) -> Told:
    headers = [
        f"{name}: {value}"
        for name, value in answer.items()
        if name.lower() not in _OF_THE_CALL and "ratelimit" not in name.lower()
    ]
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return Told(answer.status_code, "\n".join([*sorted(headers), body.decode()]))


def _texts(body: Any) -> Iterator[str]:
    """The texts in a body that are long enough to be told from others."""
    if isinstance(body, str):
        yield from [body] if len(body) >= _TELLING else []
    elif isinstance(body, Mapping | list):
        for inner in body.values() if isinstance(body, Mapping) else body:
            yield from _texts(inner)


def rows() -> set[tuple[str, str]]:
    """Every row of every table."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True):
            cursor.execute(f'SELECT "{table}"::text FROM "{table}"')
            found |= {(table, row[0]) for row in cursor.fetchall()}
    return found


def world(alice: Merchant, bob: Merchant, carrier: CarrierServer) -> World:
    """Alice with a parcel that was polled and told, another that waits for a push, and all her accounts."""
    Merchant.objects.filter(id=alice.id).update(contact_email="owner@alices.example", page_name="alices shop")
    key, bob_key = ApiKey.issue(alice)[1], ApiKey.issue(bob)[1]
    account = CarrierAccountFactory(merchant=alice, key="alices-carrier-key", base_url=carrier.url)
    pushes = _pushing(alice, "alices-push-secret", carrier)
    bobs = _pushing(bob, "bobs-push-secret", carrier)
    endpoint = _endpoint(alice)
    _answering(carrier)
    tracker = _create(key, FIRST, {"Idempotency-Key": "alices-key"})
    _tell()
    other = _create(key, {"trackingNumber": "ALICES-2", "courierCode": "ship24", "title": "alices second"})
    delivery = Delivery.objects.filter(message__stream=tracker.id).latest("id")
    message = delivery.message_id
    alices = {
        "tracker": str(tracker.id),
        "pushed": str(other.id),
        "number": tracker.tracking_number,
        "client": "alices-order",
        "reference": "alices-reference",
        "text": "alices-number",
        "idempotency": "alices-key",
        "url": endpoint.url,
        "endpoint": str(endpoint.id),
        "delivery": str(delivery.id),
        "message": str(message),
        "recovery": str(_recovery(endpoint).id),
        "account": str(account.id),
        "token": str(pushes.push_token),
        "event": str(Event.objects.filter(stream=tracker.id).latest("position").id),
    }
    ids = ("tracker", "pushed", "endpoint", "delivery", "message", "recovery", "account", "event")
    shared = {"bobs_token": str(bobs.push_token), "secret": "alices-push-secret"}
    nobodys = {**NOBODY, **{name: str(uuid7()) for name in ids}, **shared}
    # A key says when it was used last, to the minute: that is noted now.
    APIClient().get("/v1/trackers", headers={"Authorization": f"Bearer {bob_key}"})
    bobs = frozenset(row for row in rows() if row[1].startswith(f"({bob.id},"))
    return World(key, bob_key, alices | shared, nobodys, frozenset(_ids(alice) - set(alices.values())), bobs)


def _pushing(merchant: Merchant, secret: str, carrier: CarrierServer) -> CarrierAccount:
    found: CarrierAccount = CarrierAccountFactory(
        merchant=merchant, courier="ship24", base_url=carrier.url, push_secret=secret
    )
    return found


def _endpoint(alice: Merchant) -> Endpoint:
    headers = json.dumps({"X-Alices": "alices-header"})
    made: Endpoint = EndpointFactory(
        merchant=alice, url="http://127.0.0.1:9/alices", description="alices endpoint", headers=headers
    )
    return made


def _recovery(endpoint: Endpoint) -> Recovery:
    spans = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
    return Recovery.objects.create(endpoint=endpoint, states=["exhausted"], **spans)


def _answering(carrier: CarrierServer) -> None:
    places = {
        f"{who}_location": {name: text.format(who) for name, text in _LOCATION.items()}
        for who in ("sender", "recipient")
    }
    status, body = order("HSALICES", "050000", "100000", **places)
    carrier.replies["HSALICES"] = (
        status,
        body.replace(b"Event", b"Alices event").replace(b"Depot", b"Alices depot"),
    )


def _create(key: str, body: Mapping[str, Any], headers: Mapping[str, str] = {}) -> Tracker:
    headers = {"Authorization": f"Bearer {key}", **headers}
    made = APIClient().post("/v1/trackers", body, format="json", headers=headers)
    assert made.status_code == 201, made.content
    return Tracker.objects.get(id=made.json()["data"]["tracker"]["trackerId"])


def _tell() -> None:
    """Poll, and have every message answered by alice's server."""
    poll_due()
    settle(
        (each, Result(each.delivery_id, None, 200, 12, b"alices answer", {"x": "alices"}, "127.0.0.1"))
        for each in take(100)
    )


def _ids(alice: Merchant) -> set[str]:
    of = {"merchant_id": alice.id}
    tables = (Tracker, Event, Message, Endpoint, CarrierAccount)
    found = {str(id_) for table in tables for id_ in table.objects.filter(**of).values_list("id", flat=True)}
    deliveries = Delivery.objects.filter(endpoint__merchant=alice).values_list("id", flat=True)
    attempts = Attempt.objects.filter(delivery__endpoint__merchant=alice).values_list("id", flat=True)
    recoveries = Recovery.objects.filter(endpoint__merchant=alice).values_list("id", flat=True)
    return found | {str(id_) for id_ in (*deliveries, *attempts, *recoveries)} | {str(alice.id)}
