"""Django admin: everything is there, what is append-only is for reading, secrets are never shown."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import branding
from accounts.encryption import opened
from accounts.models import ApiKey, Merchant
from tests.factories import CarrierAccountFactory
from tests.trackers.page.pictures import png

OWN_APPS = {"accounts", "events", "carriers", "webhooks", "trackers"}
MODELS = [model for model in apps.get_models() if model._meta.app_label in OWN_APPS]
READ_ONLY = {
    "accounts.idempotencykey",
    "accounts.pagelogo",
    "events.event",
    "webhooks.message",
    "webhooks.delivery",
    "webhooks.attempt",
    "webhooks.extratry",
    "webhooks.lane",
    "webhooks.notice",
    "webhooks.recovery",
    "webhooks.tally",
    "trackers.tracker",
    "trackers.watch",
    "trackers.personaldata",
    "trackers.rawanswer",
    "trackers.outcomechange",
    "carriers.unmappedcode",
}


@pytest.fixture
def staff(admin_user: User) -> Client:
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.fixture
def everything(as_alice: APIClient, alice: Merchant, settings: Settings) -> list[str]:
    """A row of most models; returns the secrets that no page may show."""
    CarrierAccountFactory(merchant=alice, key="carriers-secret-key")
    _, key = ApiKey.issue(alice)
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    body = {"url": "http://127.0.0.1:9/hook", "headers": {"Authorization": "Bearer hook-header-secret"}}
    answer = as_alice.post("/v1/webhooks", body, format="json", headers={"Idempotency-Key": "once"})
    made = answer.json()["data"]["webhook"]
    recipient = {"name": "R N", "email": "r@example.org"}
    tracker = {"trackingNumber": "SHIP24_SAMPLE_DELIVERED_000", "recipient": recipient}
    as_alice.post("/v1/trackers", tracker, format="json")
    branding.set_logo(alice.id, png())
    page_secret = alice.page_secret
    return [
        "carriers-secret-key",
        "hook-header-secret",
        key,
        made["secret"],
        page_secret,
        opened(page_secret),
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_every_model_is_in_the_admin(model: type[Model]) -> None:
    assert admin.site.is_registered(model)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_its_pages_open_and_show_no_secret(staff: Client, everything: list[str], model: type[Model]) -> None:
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    listed = staff.get(base)
    assert listed.status_code == 200
    pages = [listed, *(staff.get(f"{base}{row.pk}/change/") for row in model._default_manager.all()[:3])]
    pages.append(staff.get(f"{base}?q=12345"))
    if model._meta.label_lower not in READ_ONLY:
        pages.append(staff.get(f"{base}add/"))
    for page in pages:
        assert page.status_code in {200, 403}
        text = page.content.decode()
        assert not [secret for secret in everything if secret in text]


@pytest.mark.parametrize("label", sorted(READ_ONLY))
def test_what_is_not_edited_by_hand_is_for_reading_only(staff: Client, label: str) -> None:
    model = apps.get_model(label)
    request = staff.get("/admin/").wsgi_request
    registered = admin.site.get_model_admin(model)
    assert not registered.has_add_permission(request)
    assert not registered.has_change_permission(request)
    assert not registered.has_delete_permission(request)


def test_a_key_is_shown_once_when_staff_make_it(staff: Client, alice: Merchant) -> None:
    body = {"merchant": alice.id, "scopes": ["native"]}
    answer = staff.post("/admin/accounts/apikey/add/", body, follow=True)
    made = ApiKey.objects.get()
    assert f"{made.shown}" in answer.content.decode()
    assert "shown this once: apik_" in answer.content.decode()
    assert "shown this once" not in staff.get("/admin/accounts/apikey/").content.decode()
