"""Endpoints and deliveries over REST."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, due_now, ended, news, owe, tell
from webhooks.backoff import DEFAULT_SCHEDULE
from webhooks.claims import take
from webhooks.models import Delivery, Endpoint
from webhooks.settling import settle
from webhooks.signing import public_key

pytestmark = pytest.mark.django_db

URL = "https://93.184.216.34/hook"


def create(client: APIClient, **body: Any) -> Any:
    return client.post("/v1/webhooks", {"url": URL} | body, format="json")


def message_of(answer: Any) -> str:
    assert answer.json()["data"] is None
    (error,) = answer.json()["errors"]
    assert error["code"] == "validation_error"
    return error["message"]


def test_an_endpoint_comes_with_its_lane(as_alice: APIClient) -> None:
    """So that nobody has to make it when there is something to send."""
    made = create(as_alice).json()["data"]["webhook"]["webhookId"]
    assert Endpoint.objects.get(lane__isnull=False).id == UUID(made)


def test_creating_with_the_defaults(as_alice: APIClient) -> None:
    answer = create(as_alice)
    assert answer.status_code == 201
    webhook = answer.json()["data"]["webhook"]
    assert webhook["secret"].startswith("whsec_")
    assert webhook["createdAt"].endswith("Z")
    assert UUID(webhook["webhookId"])
    assert webhook == {
        "webhookId": webhook["webhookId"],
        "url": URL,
        "types": ["tracking.*"],
        "couriers": [],
        "description": "",
        "headers": {},
        "retrySchedule": list(DEFAULT_SCHEDULE),
        "ordered": False,
        "maxInFlight": 10,
        "rateLimit": None,
        "signature": "v1",
        "publicKey": None,
        "state": "active",
        "disabledReason": None,
        "failingSince": None,
        "createdAt": webhook["createdAt"],
        "secret": webhook["secret"],
    }


def test_creating_with_everything(as_alice: APIClient) -> None:
    wishes = {
        "types": ["tracker.*", "tracking.delivered", "tracker.*"],
        "couriers": ["all24", "247express"],
        "description": "the shop",
        "headers": {"Authorization": "Bearer shop", "X-Shop": "1"},
        "retrySchedule": [1, 86_400],
        "ordered": True,
        "maxInFlight": 3,
        "rateLimit": 10_000,
        "signature": "v1a",
    }
    webhook = create(as_alice, **wishes).json()["data"]["webhook"]
    shown = {name: webhook[name] for name in wishes}
    assert shown == wishes | {
        "types": ["tracker.*", "tracking.delivered"],
        "headers": {"Authorization": None, "X-Shop": None},
    }


def test_the_secret_and_the_headers_values_are_shown_never_again_and_stored_encrypted(
    as_alice: APIClient,
) -> None:
    created = create(as_alice, headers={"Authorization": "Bearer shop"}).json()["data"]["webhook"]
    read = as_alice.get(f"/v1/webhooks/{created['webhookId']}")
    assert read.json()["data"]["webhook"] == {name: created[name] for name in created if name != "secret"}
    assert b"Bearer shop" not in read.content + as_alice.get("/v1/webhooks").content
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret || headers FROM webhooks_endpoint")
        stored = cursor.fetchone()[0]
    assert "whsec_" not in stored
    assert "shop" not in stored
    assert Endpoint.objects.get().own_headers == {"Authorization": "Bearer shop"}


def test_of_two_keys_only_the_public_one_is_ever_shown(as_alice: APIClient) -> None:
    created = create(as_alice, signature="v1a").json()["data"]["webhook"]
    assert created["publicKey"].startswith("whpk_")
    assert "secret" not in created
    read = as_alice.get(f"/v1/webhooks/{created['webhookId']}")
    assert read.json()["data"]["webhook"] == created
    endpoint = Endpoint.objects.get()
    assert endpoint.secret.startswith("whsk_")
    assert public_key(endpoint.secret) == created["publicKey"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": None}, "url"),
        ({"url": 5}, "url"),
        ({"url": ""}, "url"),
        ({"url": "http://93.184.216.34/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://a:b@93.184.216.34/"}, "url"),
        ({"url": "https://nobody.invalid/"}, "url"),
        ({"url": "https://93.184.216.34/\u0000"}, "url"),
        ({"types": []}, "types"),
        ({"types": "tracking.*"}, "types"),
        ({"types": ["traking.*"]}, "types[0]"),
        ({"types": ["*", 5]}, "types[1]"),
        ({"types": ["\ud800"]}, "types[0]"),
        ({"couriers": "all24"}, "couriers"),
        ({"couriers": ["ALL 24"]}, "couriers[0]"),
        ({"description": 5}, "description"),
        ({"description": "a\u0000b"}, "description"),
        ({"description": "\ud800"}, "description"),
        ({"description": "x" * 1001}, "description"),
        ({"headers": []}, "headers"),
        ({"headers": {"X": 5}}, "headers"),
        ({"headers": {"X": "a\r\nY: b"}}, "headers"),
        ({"headers": {"X": ""}}, "headers"),
        ({"headers": {"X": "\U0001f4e6"}}, "headers"),
        ({"headers": {"X Y": "a"}}, "headers"),
        ({"headers": {"X:Y": "a"}}, "headers"),
        ({"headers": {"\ud800": "a"}}, "headers"),
        ({"headers": {"Host": "evil"}}, "headers"),
        ({"headers": {"Content-Length": "0"}}, "headers"),
        ({"headers": {"content-type": "text/plain"}}, "headers"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "headers"),
        ({"headers": {"Connection": "close"}}, "headers"),
        ({"headers": {"User-Agent": "me"}}, "headers"),
        ({"headers": {"Webhook-Signature": "v1,x"}}, "headers"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers"),
        ({"headers": {f"X-{n}": "1" for n in range(21)}}, "headers"),
        ({"retrySchedule": []}, "retrySchedule"),
        ({"retrySchedule": [0]}, "retrySchedule[0]"),
        ({"retrySchedule": [1, 86_401]}, "retrySchedule[1]"),
        ({"retrySchedule": [1.5]}, "retrySchedule[0]"),
        ({"retrySchedule": [True]}, "retrySchedule[0]"),
        ({"retrySchedule": ["5"]}, "retrySchedule[0]"),
        ({"retrySchedule": [1] * 31}, "retrySchedule"),
        ({"retrySchedule": 5}, "retrySchedule"),
        ({"maxInFlight": 0}, "maxInFlight"),
        ({"maxInFlight": 101}, "maxInFlight"),
        ({"maxInFlight": "3"}, "maxInFlight"),
        ({"maxInFlight": True}, "maxInFlight"),
        ({"maxInFlight": 10**400}, "maxInFlight"),
        ({"ordered": 0}, "ordered"),
        ({"ordered": "true"}, "ordered"),
        ({"ordered": None}, "ordered"),
        ({"rateLimit": 0}, "rateLimit"),
        ({"rateLimit": 10_001}, "rateLimit"),
        ({"rateLimit": 0.5}, "rateLimit"),
        ({"rateLimit": False}, "rateLimit"),
        ({"signature": "v2"}, "signature"),
        ({"signature": None}, "signature"),
        ({"signature": ["v1"]}, "signature"),
        ({"signature": "\ud800"}, "signature"),
        ({"adress": "x"}, "adress"),
        ({"secret": "mine"}, "secret"),
        ({"publicKey": "mine"}, "publicKey"),
        ({"\ud800": 1}, "\\ud800"),
    ],
)
def test_a_bad_field_is_refused_by_name_and_nothing_is_stored(
    as_alice: APIClient, body: dict[str, Any], field: str
) -> None:
    answer = as_alice.generic("POST", "/v1/webhooks", json.dumps({"url": URL} | body), "application/json")
    assert answer.status_code == 400
    assert message_of(answer).startswith(f"{field}: ")
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(
    "body", ["[]", "null", "5", '"x"', "", "{", "{'url': 1}", '{"url": NaN}', "[" * 100_000]
)
def test_a_body_that_is_no_object_is_refused(as_alice: APIClient, body: str) -> None:
    answer = as_alice.generic("POST", "/v1/webhooks", body, "application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] in {"validation_error", "parsing_error"}


@pytest.mark.parametrize(
    "bad",
    [
        {"types": ["nonsense"] * 10_000},
        {"couriers": ["ALL 24"] * 10_000},
        {"retrySchedule": [0] * 10_000},
        {str(number): 1 for number in range(10_000)},
    ],
)
def test_an_error_is_not_longer_than_what_it_is_about(as_alice: APIClient, bad: dict[str, Any]) -> None:
    answer = create(as_alice, **bad)
    assert answer.status_code == 400
    assert len(answer.content) < 10_000
    assert not Endpoint.objects.exists()


def test_the_url_is_required_and_every_bad_field_is_named(as_alice: APIClient) -> None:
    answer = as_alice.post("/v1/webhooks", {"maxInFlight": 0, "types": 1}, format="json")
    named = {error["message"].split(":")[0] for error in answer.json()["errors"]}
    assert named == {"url", "maxInFlight", "types"}


def test_a_headers_value_is_not_repeated_in_the_error(as_alice: APIClient) -> None:
    answer = create(as_alice, headers={"X-Key": "secret\n"})
    assert "secret" not in answer.content.decode()


def test_the_same_url_with_the_same_filters_is_a_conflict(as_alice: APIClient, as_bob: APIClient) -> None:
    first = create(as_alice, types=["tracker.*", "tracking.*"]).json()["data"]["webhook"]
    again = create(as_alice, types=["tracking.*", "tracker.*", "tracker.*"])
    assert (again.status_code, again.json()["errors"][0]["code"]) == (409, "webhook_conflict")
    assert create(as_alice, types=["*"]).status_code == 201
    assert create(as_bob, types=["tracker.*", "tracking.*"]).status_code == 201
    as_alice.delete(f"/v1/webhooks/{first['webhookId']}")
    assert create(as_alice, types=["tracker.*", "tracking.*"]).status_code == 201


def test_the_list_is_newest_first_and_pages(as_alice: APIClient, alice: Merchant, bob: Merchant) -> None:
    made = [str(EndpointFactory(merchant=alice).id) for _ in range(5)]
    EndpointFactory(merchant=bob)
    seen, after = [], None
    for _ in range(3):
        query = {"limit": 2} | ({"after": after} if after else {})
        data = as_alice.get("/v1/webhooks", query).json()["data"]
        seen += [webhook["webhookId"] for webhook in data["webhooks"]]
        after = data["next"]
    assert seen == made[::-1]
    assert after is None


def test_a_strangers_ids_are_not_there(as_alice: APIClient, as_bob: APIClient, alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    (delivery,) = owe(endpoint)
    for client, status in ((as_alice, 200), (as_bob, 404)):
        assert client.get(f"/v1/webhooks/{endpoint.id}").status_code == status
        assert client.get(f"/v1/webhooks/{endpoint.id}/deliveries").status_code == status
        assert client.get(f"/v1/deliveries/{delivery.id}").status_code == status
    assert as_bob.delete(f"/v1/webhooks/{endpoint.id}").status_code == 404
    assert as_bob.get(f"/v1/webhooks/{endpoint.id}").json() == {
        "errors": [{"code": "webhook_not_found", "message": "Webhook not found."}],
        "data": None,
    }
    assert as_bob.get(f"/v1/deliveries/{delivery.id}").json()["errors"][0]["code"] == "delivery_not_found"
    assert as_bob.get("/v1/webhooks").json()["data"]["webhooks"] == []


@pytest.mark.parametrize(
    "path", ["webhooks/{}", "webhooks/{}/deliveries", "deliveries/{}", "webhooks/nonsense"]
)
def test_what_never_was_is_404(as_alice: APIClient, path: str) -> None:
    answer = as_alice.get(f"/v1/{path.format(uuid7())}")
    assert answer.status_code == 404
    assert answer.json()["errors"]


def test_the_same_routes_are_under_ship24s_prefix(as_alice: APIClient) -> None:
    assert as_alice.get("/public/v1/webhooks").status_code == 200


def test_no_key_no_answer(alice: Merchant) -> None:
    assert APIClient().get("/v1/webhooks").status_code == 400
    assert APIClient().post("/v1/webhooks", {"url": URL}, format="json").status_code == 400


def test_deleting_is_at_once_and_cancels_what_is_owed(as_alice: APIClient, alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    (delivery,) = owe(endpoint)
    answer = as_alice.delete(f"/v1/webhooks/{endpoint.id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert as_alice.get(f"/v1/webhooks/{endpoint.id}").status_code == 404
    assert as_alice.get(f"/v1/webhooks/{endpoint.id}/deliveries").status_code == 404
    assert as_alice.delete(f"/v1/webhooks/{endpoint.id}").status_code == 404
    assert as_alice.get("/v1/webhooks").json()["data"]["webhooks"] == []
    shown = as_alice.get(f"/v1/deliveries/{delivery.id}").json()["data"]["delivery"]
    assert (shown["state"], shown["nextAttemptAt"]) == ("cancelled", None)
    assert take(10) == []


def test_deliveries_newest_first_in_their_shape(as_alice: APIClient, alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    about_parcel, about_endpoint = news("tracking.delivered"), news("endpoint.disabled")
    tell(alice, about_parcel, about_endpoint)
    data = as_alice.get(f"/v1/webhooks/{endpoint.id}/deliveries").json()["data"]
    newest, oldest = data["deliveries"]
    assert (newest["type"], newest["trackerId"]) == ("endpoint.disabled", None)
    assert oldest == {
        "deliveryId": oldest["deliveryId"],
        "messageId": str(about_parcel.id),
        "type": "tracking.delivered",
        "trackerId": str(about_parcel.stream),
        "sequence": 1,
        "state": "pending",
        "attemptCount": 0,
        "nextAttemptAt": oldest["nextAttemptAt"],
        "createdAt": oldest["createdAt"],
        "deliveredAt": None,
    }
    assert oldest["nextAttemptAt"].endswith("Z")
    assert data["next"] is None


def test_deliveries_page_without_a_hole(as_alice: APIClient, alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    owed = [str(each.id) for each in owe(endpoint, 7)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        with CaptureQueriesContext(connection) as asked:
            data = as_alice.get(f"/v1/webhooks/{endpoint.id}/deliveries", query).json()["data"]
        assert len(asked) <= 4
        seen += [each["deliveryId"] for each in data["deliveries"]]
        if data["next"] is None:
            break
        query["after"] = data["next"]
    assert seen == owed[::-1]


def test_deliveries_filters(as_alice: APIClient, alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    first, second = owe(endpoint, 2)
    claimed = next(each for each in take(10) if each.delivery_id == first.id)
    settle([(claimed, ended(first.id))])
    Delivery.objects.filter(id=first.id).update(created_at="2026-01-01T00:00:00Z")

    def found(**query: str) -> set[str]:
        data = as_alice.get(f"/v1/webhooks/{endpoint.id}/deliveries", query).json()["data"]
        return {each["deliveryId"] for each in data["deliveries"]}

    assert found(state="delivered") == {str(first.id)}
    assert found(state="pending") == {str(second.id)}
    assert found(message=str(second.message_id)) == {str(second.id)}
    assert found(until="2026-01-01T00:00:01Z") == {str(first.id)}
    assert found(until="2026-01-01T00:00:00Z") == set()
    assert found(since="2026-01-01T00:00:00Z") == {str(first.id), str(second.id)}
    assert found(since="2026-01-01T00:00:01Z") == {str(second.id)}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("after=nonsense", "after"),
        ("state=lost", "state"),
        ("since=yesterday", "since"),
        ("until=%00", "until"),
        ("message=%00", "message"),
        ("colour=red", "colour"),
    ],
)
def test_a_bad_query_is_refused_by_name(as_alice: APIClient, alice: Merchant, query: str, field: str) -> None:
    endpoint = EndpointFactory(merchant=alice)
    answer = as_alice.get(f"/v1/webhooks/{endpoint.id}/deliveries?{query}")
    assert answer.status_code == 400
    assert message_of(answer).startswith(f"{field}: ")


def test_a_delivery_shows_its_body_and_every_try(as_alice: APIClient, alice: Merchant) -> None:
    (delivery,) = owe(EndpointFactory(merchant=alice))
    for code in (503, 200):
        settle((each, ended(each.delivery_id, code, x="1")) for each in take(1))
        due_now(delivery)
    shown = as_alice.get(f"/v1/deliveries/{delivery.id}").json()["data"]["delivery"]
    assert shown["body"].encode() == bytes(delivery.message.body)
    assert (shown["state"], shown["attemptCount"]) == ("delivered", 2)
    assert shown["deliveredAt"] is not None
    first, second = shown["attempts"]
    assert first == {
        "number": 1,
        "trigger": "schedule",
        "startedAt": first["startedAt"],
        "durationMs": 12,
        "statusCode": 503,
        "error": "http_status",
        "responseBody": "answer",
        "responseHeaders": {"x": "1"},
        "address": "127.0.0.1",
    }
    assert (second["number"], second["statusCode"], second["error"]) == (2, 200, None)
