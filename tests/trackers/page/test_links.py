"""`trackingPageUrl`: wherever a tracker is read by REST, and nowhere where Ship24's own shape is."""

import json
import logging
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import branding
from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory
from trackers.models import Tracker
from webhooks.models import Message

pytestmark = pytest.mark.django_db

NUMBER = {"trackingNumber": "SHIP24_SAMPLE_DELIVERED_001"}


def test_each_route_that_tells_a_tracker_tells_the_same_link(as_alice: APIClient) -> None:
    made = as_alice.post("/v1/trackers", NUMBER, format="json").json()["data"]["tracker"]
    path, url = f"/v1/trackers/{made['trackerId']}", made["trackingPageUrl"]
    assert url.startswith("http://testserver/track/")
    assert Client().get(url).status_code == 200
    read = as_alice.get(path).json()
    told = [
        read,
        read["data"]["tracker"],
        as_alice.get("/v1/trackers").json()["data"]["trackers"][0],
        as_alice.get(f"/public{path}").json(),
        as_alice.patch(path, {}, format="json").json(),
        as_alice.post(f"{path}/retrack").json()["data"]["tracker"],
        as_alice.post("/v1/trackers/bulk", [NUMBER], format="json").json()["data"][0]["tracker"],
        json.loads(next(iter(as_alice.get("/v1/export").streaming_content)).splitlines()[0])["tracker"],
    ]
    assert {one["trackingPageUrl"] for one in told} == {url}


def test_the_link_leads_to_where_shoppers_come_from(as_alice: APIClient, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://parcels.shop.example"
    made = as_alice.post("/v1/trackers", NUMBER, format="json").json()["data"]["tracker"]
    assert made["trackingPageUrl"].startswith("https://parcels.shop.example/track/")


def test_there_is_none_while_pages_are_off_and_once_the_tracker_is_erased(
    as_alice: APIClient, alice: Merchant
) -> None:
    made = as_alice.post("/v1/trackers", NUMBER, format="json").json()["data"]["tracker"]
    path = f"/v1/trackers/{made['trackerId']}"
    branding.change(alice.id, {"page_is_enabled": False})
    assert as_alice.get(path).json()["trackingPageUrl"] is None
    branding.change(alice.id, {"page_is_enabled": True})
    assert as_alice.get(path).json()["trackingPageUrl"] == made["trackingPageUrl"]
    assert as_alice.post(f"{path}/erase").json()["data"]["tracker"]["trackingPageUrl"] is None


def test_results_and_messages_are_as_they_were(
    alice: Merchant, as_alice: APIClient, follow: Callable[..., Tracker], poll_all: Callable[[], int]
) -> None:
    EndpointFactory(merchant=alice)
    tracker = follow(alice, NUMBER["trackingNumber"], courierCode="sandbox")
    poll_all()
    assert b"trackingPageUrl" not in as_alice.get(f"/v1/trackers/{tracker.id}/results").content
    bodies = [bytes(one.body) for one in Message.objects.all()]
    assert bodies
    assert not [body for body in bodies if b"trackingPageUrl" in body]


def test_links_cost_no_statement(as_alice: APIClient, count_statements: Callable[..., int]) -> None:
    as_alice.post("/v1/trackers", NUMBER, format="json")
    assert (
        count_statements(lambda: as_alice.get("/v1/trackers")) == 4
    )  # the key, the page, its watches, the total


def test_a_secret_that_no_key_opens_costs_the_link_and_nothing_else(
    as_alice: APIClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    as_alice.post("/v1/trackers", NUMBER, format="json")
    settings.FIELD_ENCRYPTION_KEYS = ["A" * 43 + "="]
    with caplog.at_level(logging.ERROR):
        (told,) = as_alice.get("/v1/trackers").json()["data"]["trackers"]
    assert told["trackingPageUrl"] is None
    assert "opens the page secret" in caplog.text


def test_each_merchant_has_a_secret_of_its_own(alice: Merchant, bob: Merchant) -> None:
    assert alice.page_secret != bob.page_secret
    assert len(alice.page_secret) > 100
