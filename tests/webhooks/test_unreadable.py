"""An endpoint whose secret or headers are broken is disabled; the others are sent to all the same."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Merchant
from events.models import Event
from tests.subscribers import Subscriber, subscriber
from tests.webhooks.broken import break_it, of_other_keys
from tests.webhooks.cast import EndpointFactory, attempts_of, owe
from tests.webhooks.test_claims import lose_leases
from webhooks import holding, pump
from webhooks.claims import FORGIVEN, take
from webhooks.exceptions import EndpointUnreadable
from webhooks.models import SECRET_COLUMNS, Delivery, Endpoint
from webhooks.requesting import request

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _rules(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


@pytest.mark.parametrize(
    "how",
    [
        "keys of secret",
        "keys of headers",
        "keys of old_secrets",
        "no base64",
        "empty",
        "no json",
        "no object",
        "no text",
        "two lines",
        "no ascii",
        "no pair",
        "no list",
        "no time",
        "no old key",
    ],
)
def test_a_broken_endpoint_is_disabled_and_the_others_are_sent(
    alice: Merchant, bob: Merchant, server: Subscriber, how: str, caplog
) -> None:
    broken = EndpointFactory(merchant=bob, url=server.url("/broken"))
    stuck = owe(broken, 3)
    owe(EndpointFactory(merchant=alice, url=server.url("/fine")), 3)
    break_it(broken, how)
    with caplog.at_level(logging.ERROR):
        assert pump.run(60) == 3
    assert len(server.heard("/fine")) == 3
    assert server.heard("/broken") == []
    state = Endpoint.objects.filter(id=broken.id).values_list("state", "disabled_reason").get()
    assert state == ("disabled", "secret_unreadable")
    rows = Delivery.objects.filter(endpoint_id=broken.id)
    assert set(rows.values_list("state", "attempt_count", "claim_id")) == {("pending", 0, None)}
    holding.reconcile()
    assert set(rows.values_list("state", flat=True)) == {"held"}
    assert not any(attempts_of(each) for each in stuck)
    (record,) = caplog.records
    assert str(broken.id) in record.getMessage()
    assert "TOPSECRET" not in caplog.text


def test_the_merchants_other_endpoints_are_told_each_time(alice: Merchant, server: Subscriber) -> None:
    broken = EndpointFactory(merchant=alice, url=server.url("/broken"))
    EndpointFactory(merchant=alice, url=server.url("/other"), types=["endpoint.*"])
    owe(broken)
    break_it(broken, "no base64")
    for _ in range(2):
        Endpoint.objects.update(state="active")
        pump.run(60)
    assert Event.objects.filter(type="endpoint.disabled", stream=broken.id).count() == 2
    first = json.loads(server.heard("/other")[0].body)
    assert (first["data"]["reason"], first["data"]["attempt"]) == ("secret_unreadable", 0)
    assert len(server.heard("/other")) == 2


def test_keys_that_open_nothing_disable_nobody(alice: Merchant, bob: Merchant, settings) -> None:
    for merchant in (alice, bob):
        owe(EndpointFactory(merchant=merchant))
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(InvalidToken):
        pump.run(60)
    assert set(Endpoint.objects.values_list("state", flat=True)) == {"active"}
    assert set(Delivery.objects.values_list("attempt_count", "claim_id")) == {(0, None)}


def test_a_broken_endpoint_that_is_due_alone_is_told_from_wrong_keys_by_the_others(
    alice: Merchant, bob: Merchant
) -> None:
    EndpointFactory(merchant=bob)
    broken = EndpointFactory(merchant=alice)
    owe(broken)
    of_other_keys(broken)
    assert pump.run(60) == 0
    assert Endpoint.objects.filter(state="disabled", disabled_reason="secret_unreadable").count() == 1


@pytest.mark.parametrize("column", ["headers", "old_secrets"])
def test_keys_that_open_its_secret_are_not_the_wrong_ones(alice: Merchant, column: str) -> None:
    broken = EndpointFactory(merchant=alice)
    owe(broken)
    of_other_keys(broken, column)
    assert pump.run(60) == 0
    assert Endpoint.objects.filter(state="disabled", disabled_reason="secret_unreadable").count() == 1


def test_an_unreadable_endpoint_says_so_without_what_is_secret(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    owe(endpoint)
    break_it(endpoint, "no json")
    with pytest.raises(EndpointUnreadable) as refused:
        request(*take(1))
    assert refused.value.__suppress_context__
    assert "TOPSECRET" not in str(refused.value)


def test_a_try_that_was_cut_off_before_stays_recorded(alice: Merchant, bob: Merchant) -> None:
    EndpointFactory(merchant=bob)
    broken = EndpointFactory(merchant=alice)
    (delivery,) = owe(broken)
    take(1)
    lose_leases()
    of_other_keys(broken)
    pump.run(60)
    delivery.refresh_from_db()
    assert (delivery.attempt_count, delivery.claim_id) == (1, None)
    assert [(each.number, each.error) for each in attempts_of(delivery)] == [(1, "abandoned")]


@pytest.mark.parametrize("how", ["keys of secret", "no json"])
def test_one_that_was_cut_off_too_often_is_settled_without_the_secret(
    alice: Merchant, bob: Merchant, how: str
) -> None:
    EndpointFactory(merchant=bob)
    broken = EndpointFactory(merchant=alice)
    (delivery,) = owe(broken)
    for _ in range(FORGIVEN + 1):
        take(1)
        lose_leases()
    break_it(broken, how)
    pump.run(60)
    delivery.refresh_from_db()
    assert (delivery.step, delivery.claim_id) == (1, None)
    assert len(attempts_of(delivery)) == FORGIVEN + 1


@pytest.mark.parametrize(
    "how", ["keys of secret", "keys of headers", "keys of old_secrets", "no json", "no object"]
)
def test_it_is_shown_as_disabled_before_the_first_try_too(
    alice: Merchant, as_alice: APIClient, how: str
) -> None:
    fine = EndpointFactory(merchant=alice, headers=json.dumps({"X-Own": "1"}))
    broken = EndpointFactory(merchant=alice)
    break_it(broken, how)
    listed = as_alice.get("/v1/webhooks").json()["data"]["webhooks"]
    assert [
        (each["webhookId"], each["state"], each["disabledReason"], each["headers"]) for each in listed
    ] == [
        (str(broken.id), "disabled", "secret_unreadable", None),
        (str(fine.id), "active", None, {"X-Own": None}),
    ]
    assert as_alice.get(f"/v1/webhooks/{broken.id}").json()["data"]["webhook"] == listed[0]
    assert as_alice.get(f"/v1/webhooks/{broken.id}/deliveries").status_code == 200
    assert as_alice.delete(f"/v1/webhooks/{broken.id}").status_code == 204


def test_a_paused_one_is_shown_as_paused(alice: Merchant, as_alice: APIClient) -> None:
    of_other_keys(EndpointFactory(merchant=alice, state="paused"))
    (listed,) = as_alice.get("/v1/webhooks").json()["data"]["webhooks"]
    assert (listed["state"], listed["disabledReason"], listed["headers"]) == ("paused", None, None)


def test_a_list_is_as_many_statements_with_unreadable_ones(
    alice: Merchant, as_alice: APIClient, count_statements: Callable[..., int]
) -> None:
    EndpointFactory(merchant=alice)
    as_alice.get("/v1/webhooks")
    before = count_statements(lambda: as_alice.get("/v1/webhooks"))
    for _ in range(5):
        of_other_keys(EndpointFactory(merchant=alice))
    assert count_statements(lambda: as_alice.get("/v1/webhooks")) == before


@pytest.mark.parametrize("column", SECRET_COLUMNS)
def test_operations_staff_see_it_too(alice: Merchant, admin_client: Client, column: str) -> None:
    broken = EndpointFactory(merchant=alice)
    (delivery,) = owe(broken)
    of_other_keys(broken, column)
    for path in (
        "endpoint/",
        f"endpoint/{broken.id}/change/",
        "delivery/",
        f"delivery/{delivery.id}/change/",
    ):
        assert admin_client.get(f"/admin/webhooks/{path}").status_code == 200
    assert "unreadable" in admin_client.get(f"/admin/webhooks/endpoint/{broken.id}/change/").content.decode()
    Endpoint.objects.update(state="disabled", disabled_reason="secret_unreadable")
    told = admin_client.get(f"/admin/webhooks/endpoint/{broken.id}/change/").content.decode()
    assert "disabled: secret unreadable. Bring back the key of FIELD_ENCRYPTION_KEYS" in told
