"""A deleted endpoint: its secrets go first, its row last."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from accounts.models import Merchant
from tests.webhooks.aging import DAY, OLD, ended_as
from tests.webhooks.cast import EndpointFactory, a_test_of, ended, owe
from tests.webhooks.test_claims import lose_leases
from tests.webhooks.test_recovering import recovery
from webhooks import holding, retention
from webhooks.claims import take
from webhooks.loading import load
from webhooks.models import SECRET_COLUMNS, Delivery, Endpoint, Lane, Notice, Recovery, Tally
from webhooks.settling import settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice, headers=json.dumps({"X-Own": "1"}), old_secrets="[]")


def columns(endpoint: Endpoint) -> dict[str, str | None]:
    """What the database has in the secret columns."""
    with connection.cursor() as cursor:
        names = ", ".join(SECRET_COLUMNS)
        cursor.execute(f"SELECT {names} FROM webhooks_endpoint WHERE id = %s", [endpoint.id])
        return dict(zip(SECRET_COLUMNS, cursor.fetchone(), strict=True))


def has_secrets(endpoint: Endpoint) -> bool:
    found = columns(endpoint)
    gone = {"secret": "", "old_secrets": None, "headers": ""}
    assert found == gone or all(found.values())
    return found != gone


def delete(endpoint: Endpoint, ago: timedelta = timedelta(0)) -> None:
    assert holding.delete(endpoint.merchant_id, endpoint.id)
    Endpoint.objects.filter(id=endpoint.id).update(deleted_at=Now() - ago)


def test_its_secrets_are_wiped_and_those_of_others_are_not(alice: Merchant, endpoint: Endpoint) -> None:
    other = EndpointFactory(merchant=alice, old_secrets="[]")
    owe(endpoint, 3)
    delete(endpoint)
    retention.forget(5)
    assert (has_secrets(endpoint), has_secrets(other)) == (False, True)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"cancelled"}


@pytest.mark.parametrize("state", ["pending", "held"])
def test_they_stay_until_what_it_was_owed_is_cancelled(endpoint: Endpoint, state: str) -> None:
    ended_as(state, endpoint)
    Endpoint.objects.update(deleted_at=Now())
    retention.forget(5)
    assert has_secrets(endpoint)
    holding.reconcile()
    retention.forget(5)
    assert not has_secrets(endpoint)


def test_they_stay_until_its_last_try_has_ended(endpoint: Endpoint) -> None:
    owe(endpoint)
    (claimed,) = take(1)
    delete(endpoint)
    retention.forget(5)
    assert has_secrets(endpoint)
    settle([(claimed, ended(claimed.delivery_id))])
    retention.forget(5)
    assert not has_secrets(endpoint)


def test_they_stay_until_its_last_test_has_ended(endpoint: Endpoint) -> None:
    a_test_of(endpoint)
    (claimed,) = take(1)
    delete(endpoint)
    retention.forget(5)
    assert has_secrets(endpoint)
    lose_leases()
    holding.reconcile()
    retention.forget(5)
    assert (claimed.trigger, has_secrets(endpoint)) == ("test", False)


def test_the_row_goes_with_all_that_is_kept_of_it_once_its_deliveries_are_gone(endpoint: Endpoint) -> None:
    ended_as("delivered", endpoint)
    recovery(endpoint, state="running")
    Lane.objects.create(endpoint=endpoint)
    Notice.objects.create(endpoint=endpoint, reason="gone")
    Tally.objects.create(endpoint=endpoint, since=Now(), error="", tries=1, duration_ms=1, slowest_ms=1)
    delete(endpoint, OLD)
    retention.forget(5)
    assert not Delivery.objects.exists()
    assert Endpoint.objects.exists()
    retention.forget(5)
    assert not any(each.objects.exists() for each in (Endpoint, Recovery, Lane, Notice, Tally))


def test_the_row_stays_as_long_as_deliveries_are_kept(endpoint: Endpoint) -> None:
    delete(endpoint, OLD - 2 * DAY)
    retention.forget(5)
    assert Endpoint.objects.exists()


def test_the_row_stays_while_a_delivery_is_kept(endpoint: Endpoint) -> None:
    ended_as("delivered", endpoint, age=OLD)
    ended_as("delivered", endpoint, age=DAY)
    delete(endpoint, OLD)
    retention.forget(5)
    retention.forget(5)
    assert (Endpoint.objects.count(), Delivery.objects.count()) == (1, 1)


def test_one_that_is_not_deleted_stays_for_ever(endpoint: Endpoint) -> None:
    Endpoint.objects.update(state="disabled", disabled_at=Now() - 400 * DAY, created_at=Now() - 400 * DAY)
    retention.forget(5)
    assert has_secrets(endpoint)


def test_wiped_ones_do_not_make_our_keys_look_wrong(alice: Merchant, endpoint: Endpoint, monkeypatch) -> None:
    monkeypatch.setattr("webhooks.loading._ASKED", 1)
    broken = EndpointFactory(merchant=alice)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_endpoint SET headers = 'no token' WHERE id = %s", [broken.id])
    delete(newest := EndpointFactory(merchant=alice))
    retention.forget(5)
    assert not has_secrets(newest)
    assert load([broken.id]).keys() == {broken.id}


def test_staff_sees_that_the_secrets_are_gone(client: Client, endpoint: Endpoint) -> None:
    delete(endpoint)
    retention.forget(5)
    client.force_login(User.objects.create_superuser("operator"))
    page = client.get(f"/admin/webhooks/endpoint/{endpoint.id}/change/")
    assert "removed" in page.content.decode()
