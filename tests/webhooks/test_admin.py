"""What operations staff see."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, ended, owe
from webhooks.claims import take
from webhooks.models import Attempt, Endpoint, ExtraTry, Lane, Message, Notice, Recovery, Tally
from webhooks.settling import settle

pytestmark = pytest.mark.django_db


MODELS = ["endpoint", "message", "delivery", "attempt", "extratry", "lane", "notice", "recovery", "tally"]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    endpoint = EndpointFactory(merchant=alice, headers=json.dumps({"Authorization": "Bearer shop"}))
    owe(endpoint)
    settle((each, ended(each.delivery_id, 500)) for each in take(1))
    now = "2026-03-01T00:00:00Z"
    ExtraTry.objects.create(delivery=endpoint.deliveries.get(), endpoint=endpoint, trigger="manual")
    Recovery.objects.create(endpoint=endpoint, since=now, until=now, states=["exhausted"])
    Tally.objects.create(endpoint=endpoint, since=now, error="", tries=1, duration_ms=1, slowest_ms=1)
    Notice.objects.create(endpoint=endpoint, reason="gone")
    Lane.objects.get_or_create(endpoint=endpoint)
    return endpoint


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_its_list(staff: Client, endpoint: Endpoint, model: str) -> None:
    page = staff.get(f"/admin/webhooks/{model}/")
    assert page.status_code == 200
    assert staff.get(f"/admin/webhooks/{model}/?q={endpoint.id}").status_code == 200


def test_neither_the_secret_nor_a_headers_value_is_shown(staff: Client, endpoint: Endpoint) -> None:
    page = staff.get(f"/admin/webhooks/endpoint/{endpoint.id}/change/").content.decode()
    assert "Authorization" in page
    assert "Bearer shop" not in page
    assert endpoint.secret not in page


def test_only_the_description_of_an_endpoint_can_be_changed(staff: Client, endpoint: Endpoint) -> None:
    wishes = {"description": "the shop", "url": "https://evil.example/", "state": "paused"}
    staff.post(f"/admin/webhooks/endpoint/{endpoint.id}/change/", wishes)
    changed = Endpoint.objects.get()
    assert (changed.description, changed.url, changed.state) == ("the shop", endpoint.url, "active")
    assert changed.secret == endpoint.secret


def test_what_workers_write_is_for_reading(staff: Client, endpoint: Endpoint) -> None:
    delivery = endpoint.deliveries.get()
    kinds = (Message, Attempt, ExtraTry, Lane, Notice, Recovery, Tally)
    rows = {kind._meta.model_name: kind.objects.first() for kind in kinds} | {"delivery": delivery}
    for model, row in rows.items():
        assert staff.get(f"/admin/webhooks/{model}/{row.pk}/change/").status_code == 200
        assert staff.post(f"/admin/webhooks/{model}/{row.pk}/change/", {}).status_code == 403
        assert staff.post(f"/admin/webhooks/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert staff.get(f"/admin/webhooks/{model}/add/").status_code == 403
    assert staff.get("/admin/webhooks/endpoint/add/").status_code == 403


def test_a_delivery_shows_its_tries_and_its_body_is_with_the_message(
    staff: Client, endpoint: Endpoint
) -> None:
    delivery = endpoint.deliveries.get()
    assert "http_status" in staff.get(f"/admin/webhooks/delivery/{delivery.id}/change/").content.decode()
    page = staff.get(f"/admin/webhooks/message/{delivery.message_id}/change/").content.decode()
    assert "tracking.updated" in page
    assert "Köln" in page


@pytest.mark.parametrize("model", MODELS)
def test_a_search_for_something_else_than_an_id_finds_nothing(
    staff: Client, endpoint: Endpoint, model: str
) -> None:
    assert staff.get(f"/admin/webhooks/{model}/?q=nonsense").status_code == 200
