"""Parcelwire polls Parcelwire: what a carrier told alice, bob learns from her by the same protocol."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from accounts.models import Merchant
from carriers.adapter import Answer, Request
from carriers.http import HttpClient
from tests.carriers.payloads import Payload
from tests.dialects.conftest import Learn, account, polled
from tests.waiting import eventually
from trackers.models import PersonalData, Tracker
from trackers.presentation import results_shape

pytestmark = pytest.mark.django_db(transaction=True)

#: What a scan is, whoever tells it.
SAME = (
    "status", "occurrenceDatetime", "order", "location", "sourceCode", "courierCode", "statusCode",
    "statusMilestone", "datetime", "utcOffset", "hasNoTime", "carrierEventCode", "timeCertainty", "reason",
)  # fmt: skip


class OneCallClient(HttpClient):
    """Keeps no connection, since the live server keeps its database session as long."""

    def send(self, request: Request) -> Answer:
        try:
            return super().send(request)
        finally:
            self.close()


@pytest.fixture
def her(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where alice's Parcelwire is called."""
    client = OneCallClient()
    monkeypatch.setattr("carriers.fetching._client", lambda: client)
    yield live_server.url
    eventually(alone)


def alone() -> bool:
    """Whether nobody else has a session of this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return bool(cursor.fetchone()[0])


def scans(tracker: Tracker) -> list[dict[str, Any]]:
    return [{name: scan[name] for name in SAME} for scan in results(tracker)["events"]]


def results(tracker: Tracker) -> dict[str, Any]:
    personal = PersonalData.objects.filter(tracker=tracker).first()
    found: dict[str, Any] = json.loads(json.dumps(results_shape(tracker, personal)))
    return found


def details(tracker: Tracker) -> dict[str, Any]:
    """Of the parcel as a whole; which reference of hers an order goes by is for alice to say."""
    told = tracker.state["shipments"].items()
    return {
        (courier, name): value
        for courier, facts in told
        for name, value in facts["details"].items()
        if name != "order_ref_id"
    }


@pytest.mark.parametrize(
    ("courier", "situation"),
    [
        ("all24", "delivered"),
        ("all24", "in_transit"),
        ("all24", "several_orders"),
        ("all24", "unmapped_code"),
        ("all24", "at_the_recipients"),
        ("247express", "delivered"),
        ("247express", "in_transit"),
        ("247express", "exception"),
        ("247express", "unmapped_code"),
        ("247express", "out_again"),
        ("247express", "one_moment"),
        ("247express", "days_of_the_order"),
    ],
)
def test_what_the_carrier_told_is_learned_from_us(
    alice: Merchant,
    bob: Merchant,
    key: str,
    learn: Learn,
    her: str,
    courier: str,
    situation: str,
) -> None:
    payload = Payload(courier, situation)
    number = payload.expected["number"]
    hers = learn(alice, courier, number, payload.body)
    account(bob, courier, her, key)
    his = polled(bob, courier, number)
    assert scans(hers)
    assert scans(his) == scans(hers)
    assert (his.milestone, his.status_code, his.final) == (hers.milestone, hers.status_code, hers.final)
    for part in ("delivery", "recipient"):
        assert results(his)["shipment"][part] == results(hers)["shipment"][part]
    assert details(hers).items() <= details(his).items()


@pytest.mark.parametrize("courier", ["all24", "247express"])
def test_a_number_that_she_does_not_have_is_not_found(
    bob: Merchant, key: str, learn: Learn, her: str, courier: str
) -> None:
    account(bob, courier, her, key)
    tracker = polled(bob, courier, "HSNEVER0")
    assert tracker.watches.get().last_outcome == "not_found"


@pytest.mark.parametrize("courier", ["all24", "247express"])
def test_a_key_of_nobodys_suspends_the_account_that_asks_with_it(
    bob: Merchant, learn: Learn, her: str, courier: str
) -> None:
    asking = account(bob, courier, her, "apik_nobodys")
    polled(bob, courier, "HSNEVER0")
    asking.refresh_from_db()
    assert asking.state == "suspended"
