"""An endpoint is changed by its merchant, field by field."""

import json
from functools import partial
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests.together import at_once
from tests.webhooks.broken import break_it
from tests.webhooks.cast import EndpointFactory, owe
from webhooks.claims import take
from webhooks.filters import fingerprint
from webhooks.keyring import read_old
from webhooks.models import Delivery, Endpoint
from webhooks.requesting import request

pytestmark = pytest.mark.django_db

URL, OTHER = "https://93.184.216.34/hook", "https://93.184.216.34/other"


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice, url=URL, headers=json.dumps({"X-Own": "1"}), description="mine")


def patch(client: APIClient, endpoint: Endpoint, body: Any) -> Any:
    return client.patch(f"/v1/webhooks/{endpoint.id}", body, format="json")


def patched(client: APIClient, endpoint: Endpoint, **body: Any) -> dict[str, Any]:
    answer = patch(client, endpoint, body)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["data"]["webhook"]
    return found


def row(endpoint: Endpoint) -> dict[str, Any]:
    return Endpoint.objects.filter(id=endpoint.id).values().get()


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("url", OTHER, OTHER),
        ("types", ["tracker.*", "tracker.*"], ["tracker.*"]),
        ("couriers", ["all24"], ["all24"]),
        ("description", "", ""),
        ("headers", {"Authorization": "Bearer me"}, {"Authorization": None}),
        ("headers", {}, {}),
        ("retrySchedule", [1, 2], [1, 2]),
        ("ordered", True, True),
        ("maxInFlight", 100, 100),
        ("rateLimit", 1, 1),
        ("rateLimit", 10_000, 10_000),
    ],
)
def test_one_field_changes_and_the_others_stay(
    as_alice: APIClient, endpoint: Endpoint, field: str, value: Any, shown: Any
) -> None:
    before = as_alice.get(f"/v1/webhooks/{endpoint.id}").json()["data"]["webhook"]
    assert patched(as_alice, endpoint, **{field: value}) == before | {field: shown}
    now = row(endpoint)
    assert now["fingerprint"] == fingerprint(now["url"], now["types"], now["couriers"])
    assert (now["secret"], now["state"]) == (endpoint.secret, "active")


def test_everything_changes_at_once(as_alice: APIClient, endpoint: Endpoint) -> None:
    wishes = {
        "url": OTHER,
        "types": ["*"],
        "couriers": ["247express"],
        "description": "other",
        "headers": {"X-Other": "2"},
        "retrySchedule": [60],
        "ordered": True,
        "maxInFlight": 1,
        "rateLimit": 5,
        "signature": "v1a",
    }
    shown = patched(as_alice, endpoint, **wishes)
    assert {name: shown[name] for name in wishes} == wishes | {"headers": {"X-Other": None}}


def test_a_rate_limit_is_lifted_with_null(as_alice: APIClient, endpoint: Endpoint) -> None:
    patched(as_alice, endpoint, rateLimit=5)
    assert patched(as_alice, endpoint, rateLimit=None)["rateLimit"] is None


def test_nothing_asked_changes_nothing(as_alice: APIClient, endpoint: Endpoint) -> None:
    before = row(endpoint)
    assert "secret" not in patched(as_alice, endpoint)
    assert row(endpoint) == before


def test_without_a_body_it_is_refused(as_alice: APIClient, endpoint: Endpoint) -> None:
    before = row(endpoint)
    path = f"/v1/webhooks/{endpoint.id}"
    for answer in (as_alice.patch(path), as_alice.generic("PATCH", path, "", "application/json")):
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["code"]) == (400, "validation_error")
        assert error["message"] == "The body is not a JSON object."
    assert row(endpoint) == before


def test_it_wakes_nothing(as_alice: APIClient, endpoint: Endpoint) -> None:
    Endpoint.objects.update(state="paused")
    owe(endpoint)
    before = list(Delivery.objects.values())
    assert patched(as_alice, endpoint, url=OTHER, types=["tracker.*"])["state"] == "paused"
    assert list(Delivery.objects.values()) == before


def test_the_next_try_goes_to_the_new_url_with_the_new_headers(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    owe(endpoint)
    patched(as_alice, endpoint, url=OTHER, headers={"X-New": "2"})
    outgoing = request(*take(1))
    assert outgoing.url == OTHER
    assert dict(outgoing.headers)["X-New"] == "2"
    assert "X-Own" not in dict(outgoing.headers)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"url": "https://127.0.0.1/"}, "url: "),
        ({"url": "http://93.184.216.34/"}, "url: "),
        ({"url": None}, "url: "),
        ({"types": []}, "types: "),
        ({"types": None}, "types: "),
        ({"couriers": ["ALL 24"]}, "couriers[0]: "),
        ({"description": None}, "description: "),
        ({"headers": {"Host": "evil"}}, "headers: "),
        ({"headers": None}, "headers: "),
        ({"retrySchedule": []}, "retrySchedule: "),
        ({"maxInFlight": 0}, "maxInFlight: "),
        ({"maxInFlight": None}, "maxInFlight: "),
        ({"rateLimit": 0}, "rateLimit: "),
        ({"ordered": 1}, "ordered: "),
        ({"signature": "v2"}, "signature: "),
        ({"secret": "whsec_AAAA"}, "secret: "),
        ({"publicKey": "whpk_AAAA"}, "publicKey: "),
        ({"state": "active"}, "state: "),
        ({"webhookId": "1"}, "webhookId: "),
        ([], "The body"),
        (None, "The body"),
    ],
)
def test_a_bad_field_is_refused_by_name_and_nothing_changes(
    as_alice: APIClient, endpoint: Endpoint, body: Any, named: str
) -> None:
    before = row(endpoint)
    text = json.dumps(body if not isinstance(body, dict) else {"description": "new"} | body)
    answer = as_alice.generic("PATCH", f"/v1/webhooks/{endpoint.id}", text, "application/json")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"]) == (400, "validation_error")
    assert error["message"].startswith(named)
    assert row(endpoint) == before


def test_a_strangers_and_a_deleted_one_are_not_there(
    as_alice: APIClient, as_bob: APIClient, endpoint: Endpoint
) -> None:
    before = row(endpoint)
    assert patch(as_bob, endpoint, {"description": "bobs"}).status_code == 404
    assert row(endpoint) == before
    as_alice.delete(f"/v1/webhooks/{endpoint.id}")
    answer = patch(as_alice, endpoint, {"description": "gone"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "webhook_not_found")


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ({"url": OTHER}, {"url": OTHER}),
        ({"types": ["tracker.*", "tracking.*"]}, {"types": ["tracking.*", "tracker.*", "tracking.*"]}),
        ({"url": OTHER, "types": ["tracker.*"]}, {"url": OTHER, "types": ["tracker.*"], "couriers": []}),
    ],
)
def test_what_another_endpoint_is_already_is_a_conflict(
    as_alice: APIClient, alice: Merchant, endpoint: Endpoint, there: dict[str, Any], asked: dict[str, Any]
) -> None:
    EndpointFactory(merchant=alice, **({"url": URL} | there))
    before = row(endpoint)
    answer = patch(as_alice, endpoint, asked | {"description": "new"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "webhook_conflict")
    assert row(endpoint) == before


def test_it_is_no_conflict_with_itself_with_a_strangers_or_with_a_deleted_one(
    as_alice: APIClient, bob: Merchant, endpoint: Endpoint
) -> None:
    EndpointFactory(merchant=bob, url=OTHER)
    EndpointFactory(merchant_id=endpoint.merchant_id, url=OTHER, deleted_at="2026-01-01T00:00:00Z")
    assert patched(as_alice, endpoint, url=URL, types=["*"])["url"] == URL
    assert patched(as_alice, endpoint, url=OTHER)["url"] == OTHER


def test_another_kind_of_signature_brings_other_keys_and_back(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    two = patched(as_alice, endpoint, signature="v1a")
    assert (two["signature"], two["publicKey"][:5], "secret" in two) == ("v1a", "whpk_", False)
    one = patched(as_alice, endpoint, signature="v1")
    assert (one["signature"], one["publicKey"], one["secret"][:6]) == ("v1", None, "whsec_")
    now = row(endpoint)
    assert (now["secret"], now["public_key"]) == (one["secret"], "")
    newest, oldest = read_old(now["old_secrets"])
    assert newest.secret.startswith("whsk_")
    assert oldest.secret == endpoint.secret
    owe(endpoint)
    signed = dict(request(*take(1)).headers)["webhook-signature"]
    assert [each.partition(",")[0] for each in signed.split()] == ["v1", "v1a", "v1"]


@pytest.mark.parametrize("kind", ["v1", "v1a"])
def test_the_kind_that_it_has_already_rotates_nothing(
    as_alice: APIClient, endpoint: Endpoint, kind: str
) -> None:
    if kind == "v1a":
        patched(as_alice, endpoint, signature=kind)
    before = row(endpoint)
    assert "secret" not in patched(as_alice, endpoint, signature=kind)
    assert row(endpoint) == before


@pytest.mark.parametrize("how", ["keys of headers", "no json", "no object"])
def test_new_headers_repair_an_endpoint_whose_headers_are_lost(
    as_alice: APIClient, endpoint: Endpoint, how: str
) -> None:
    break_it(endpoint, how)
    assert patched(as_alice, endpoint, description="still")["disabledReason"] == "secret_unreadable"
    shown = patched(as_alice, endpoint, headers={"X-New": "2"})
    assert (shown["state"], shown["headers"]) == ("active", {"X-New": None})
    owe(endpoint)
    assert dict(request(*take(1)).headers)["X-New"] == "2"


def test_one_whose_secret_is_lost_can_be_changed_too(as_alice: APIClient, endpoint: Endpoint) -> None:
    break_it(endpoint, "keys of secret")
    shown = patched(as_alice, endpoint, description="still", headers={"X-New": "2"})
    assert (shown["description"], shown["disabledReason"]) == ("still", "secret_unreadable")
    assert patched(as_alice, endpoint, signature="v1a")["headers"] == {"X-New": None}


@pytest.mark.django_db(transaction=True)
def test_of_a_change_and_a_create_at_once_to_the_same_url_one_is_a_conflict(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    for number in range(8):
        url = f"{OTHER}/{number}"
        change = partial(patch, as_alice, endpoint, {"url": url})
        create = partial(as_alice.post, "/v1/webhooks", {"url": url, "types": ["*"]}, format="json")
        statuses = [answer.status_code for answer in at_once(change, create)]
        assert sorted(statuses) in ([200, 409], [201, 409])
        assert Endpoint.objects.filter(url=url).count() == 1


@pytest.mark.django_db(transaction=True)
def test_changes_of_different_fields_at_once_are_all_kept(as_alice: APIClient, endpoint: Endpoint) -> None:
    for number in range(1, 6):
        url, couriers = f"{OTHER}/{number}", [f"courier{number}"]
        at_once(
            partial(patch, as_alice, endpoint, {"url": url}),
            partial(patch, as_alice, endpoint, {"couriers": couriers}),
        )
        now = row(endpoint)
        assert (now["url"], now["couriers"]) == (url, couriers)
        assert now["fingerprint"] == fingerprint(url, now["types"], couriers)


@pytest.mark.django_db(transaction=True)
def test_endpoints_that_swap_their_urls_at_once_end_with_one_each(
    as_alice: APIClient, alice: Merchant, endpoint: Endpoint
) -> None:
    other = EndpointFactory(merchant=alice, url=OTHER)
    answers = at_once(
        partial(patch, as_alice, endpoint, {"url": OTHER}), partial(patch, as_alice, other, {"url": URL})
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert {*Endpoint.objects.values_list("url", flat=True)} == {URL, OTHER}
