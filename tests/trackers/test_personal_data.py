"""What is personal is readable by REST, and stands in no log, message, attempt, projection or error."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.adapter import Answer, Credentials, Query
from carriers.fetching import Fetched
from carriers.registry import adapter
from tests.carrier_server import DATA
from tests.factories import CarrierAccountFactory
from tests.subscribers import Handler, Subscriber, subscriber
from trackers.claims import Claim, claim
from trackers.concluding import conclude
from trackers.models import Tracker
from trackers.polling import Asked
from webhooks import pump

pytestmark = pytest.mark.django_db(transaction=True)

ALL24 = DATA / "all24" / "delivered.json"
#: Every personal field that the carriers' documents know, and the merchant's own.
PERSONAL = {
    "sender_location.location_name": "Fashion F200",
    "sender_location.addressline1": "588 Kampaeng Phet",
    "recipient_location.addressline1": "The Met Condo",
    "receiverName": "Tran Receiver",
    "confirmImage": "https://pictures.example/signature-4711.jpg",
    "recipient.name": "Named Recipient",
    "recipient.email": "named@recipient.example",
}
#: The tables that hold what was learned and told; all columns of all rows are looked at.
PUBLIC_TABLES = (
    "events_event",
    "webhooks_message",
    "webhooks_delivery",
    "webhooks_attempt",
    "trackers_tracker",
    "trackers_watch",
)


def express_order(number: str) -> bytes:
    order = {
        "orderCode": number,
        "status": "DELIVERED",
        "receiverName": PERSONAL["receiverName"],
        "confirmImage": PERSONAL["confirmImage"],
        "statuses": [{"time": "2026-03-02T10:00:00", "status": "DELIVERED", "statusName": "Delivered"}],
    }
    return json.dumps(order).encode()


def ended(one: Claim) -> tuple[Asked, Fetched[Asked]]:
    body = ALL24.read_bytes() if one.courier == "all24" else express_order(one.number)
    credentials = Credentials(one.account, "https://carrier.example", "key", "Asia/Ho_Chi_Minh")
    query = Query(one.number, credentials, one.claimed_at, one.since, one.tracker)
    asked = Asked(one, own_account=True)
    return asked, Fetched(asked, snapshot=adapter(one.courier).parse(Answer(200, {}, body), query))


def stored(table: str) -> str:
    """Every row of a table as text, bodies of messages readable."""
    columns = "convert_from(body, 'UTF8')" if table == "webhooks_message" else "''"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT row_to_json(one)::text || {columns} FROM {table} AS one")
        rows = [row[0] for row in cursor.fetchall()]
    assert rows, f"{table} is empty: nothing was proved"
    return "\n".join(rows)


@pytest.fixture
def echo(settings: Settings) -> Iterator[Subscriber]:
    """A subscriber that answers what it was sent, so that attempts hold whatever left the house."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]

    def answer(handler: Handler) -> None:
        body = handler.server.heard("/hook")[-1].body
        handler.send_response(200)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with subscriber() as server:
        server.answer("/hook", answer)
        yield server


@pytest.fixture
def results(
    alice: Merchant, as_alice: APIClient, echo: Subscriber, follow: Callable[..., Tracker]
) -> list[Any]:
    """Both seed carriers' parcels, polled, recorded and told; what REST shows of them."""
    hook = {"url": echo.url(), "types": ["*"], "maxInFlight": 1}
    assert as_alice.post("/v1/webhooks", hook, format="json").status_code == 201
    recipient = {"name": PERSONAL["recipient.name"], "email": PERSONAL["recipient.email"]}
    trackers = []
    for number, courier in (("HSBY37H7", "all24"), ("VN-000123", "247express")):
        CarrierAccountFactory(merchant=alice, courier=courier)
        trackers.append(follow(alice, number, courierCode=courier, recipient=recipient))
    conclude([ended(one) for one in claim(10)])
    assert pump.run(60) == 4
    return [as_alice.get(f"/v1/trackers/{tracker.id}/results").json() for tracker in trackers]


@pytest.mark.parametrize("table", PUBLIC_TABLES)
def test_no_personal_field_stands_in_what_is_kept_and_told(results: list[Any], table: str) -> None:
    text = stored(table)
    assert [field for field, value in PERSONAL.items() if value in text] == []


def test_no_personal_field_was_sent(results: list[Any], echo: Subscriber) -> None:
    sent = b"\n".join(heard.body for heard in echo.heard()).decode()
    assert [field for field, value in PERSONAL.items() if value in sent] == []


def test_the_merchant_reads_them_by_rest(results: list[Any]) -> None:
    all24, express = (json.dumps(one) for one in results)
    assert PERSONAL["recipient_location.addressline1"] in all24
    assert PERSONAL["receiverName"] in express
    assert PERSONAL["recipient.name"] in express
