"""`/v1/carrier-accounts`: a merchant's own keys at carriers."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers import accounts
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, order
from tests.carriers.servers import answer, serving
from tests.factories import CarrierAccountFactory
from tests.polled import poll_due
from trackers.carrier_accounts import owning
from trackers.detection import settle_accounts
from trackers.models import Tracker

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/v1/carrier-accounts"
KEY = "all24-k3y-that-is-secret"
Follow = Callable[..., Tracker]


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that were published."""
    names: list[str] = []
    monkeypatch.setattr("trackers.tasks.publish", lambda task: names.append(task.name))
    return names


@pytest.fixture(autouse=True)
def key_in_no_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert KEY not in caplog.text


def spoil_keys() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE carriers_carrieraccount SET key = 'no token'")


def test_a_key_is_taken_into_use_and_never_shown(
    alice: Merchant, as_alice: APIClient, nudged: list[str]
) -> None:
    body = {
        "courierCode": "all24",
        "key": KEY,
        "baseUrl": "https://all24.example",
        "timeZone": "Asia/Bangkok",
    }
    answered = as_alice.post(URL, body, format="json")
    account = CarrierAccount.objects.get(merchant=alice)
    assert answered.status_code == 201
    shape = answered.json()["data"]["carrierAccount"]
    assert shape == {
        "carrierAccountId": str(account.id),
        "courierCode": "all24",
        "baseUrl": "https://all24.example",
        "timeZone": "Asia/Bangkok",
        "pushUrl": None,
        "state": "active",
        "suspendedReason": None,
        "restingUntil": None,
        "dailyQuota": None,
        "quotaLeft": None,
        "pace": None,
        "health": {
            "status": "operational",
            "reason": None,
            "until": None,
            "circuit": "closed",
            "callsPerSecond": None,
            "lastAnswerAt": None,
            "lastFailureAt": None,
            "lastFailure": None,
        },
        "createdAt": shape["createdAt"],
        "changedAt": shape["createdAt"],
    }
    assert (account.key, nudged) == (KEY, ["trackers.sweep"])
    assert as_alice.get(f"{URL}/{account.id}").json() == answered.json()
    assert as_alice.get(URL).json() == {"data": {"carrierAccounts": [shape], "next": None}}


def test_a_quota_and_a_pace_can_be_set_and_are_shown(as_alice: APIClient) -> None:
    body = {"courierCode": "all24", "key": KEY, "dailyQuota": 500, "pace": 2.5}
    shape = as_alice.post(URL, body, format="json").json()["data"]["carrierAccount"]
    assert (shape["dailyQuota"], shape["quotaLeft"], shape["pace"]) == (500, 500, 2.5)
    assert shape["health"]["callsPerSecond"] == 2.5


def test_a_carriers_own_quota_is_counted_without_one_being_set(as_alice: APIClient) -> None:
    body = {"courierCode": "247express", "key": KEY}
    shape = as_alice.post(URL, body, format="json").json()["data"]["carrierAccount"]
    assert (shape["dailyQuota"], shape["quotaLeft"]) == (None, 200_000)


def test_address_and_zone_are_the_carriers_unless_given(as_alice: APIClient) -> None:
    for left_out in ({}, {"baseUrl": None, "timeZone": None}, {"baseUrl": "", "timeZone": ""}):
        body = {"courierCode": "247express", "key": KEY} | left_out
        shape = as_alice.post(URL, body, format="json").json()["data"]["carrierAccount"]
        assert (shape["baseUrl"], shape["timeZone"]) == (None, None)


def test_an_account_that_is_called_by_its_carrier_shows_where(alice: Merchant, as_alice: APIClient) -> None:
    body = {"courierCode": "ship24", "key": KEY, "pushSecret": "pushed-s3cret"}
    answered = as_alice.post(URL, body, format="json")
    account = CarrierAccount.objects.get(merchant=alice)
    path = f"/v1/carriers/ship24/push/{account.push_token}"
    assert answered.json()["data"]["carrierAccount"]["pushUrl"] == path
    assert "s3cret" not in answered.content.decode()
    assert account.push_secret == "pushed-s3cret"
    pushed = APIClient().post(
        path, {"trackings": []}, format="json", headers={"Authorization": "Bearer pushed-s3cret"}
    )
    assert pushed.status_code == 200


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"courierCode": None}, "courierCode"),
        ({"courierCode": "nobody"}, "courierCode"),
        ({"courierCode": "sandbox"}, "courierCode"),
        ({"courierCode": ["all24"]}, "courierCode"),
        ({"key": ""}, "key"),
        ({"key": None}, "key"),
        ({"key": 5}, "key"),
        ({"key": f"{KEY}\r\nx: y"}, "key"),
        ({"key": f" {KEY}"}, "key"),
        ({"key": f"{KEY}\x00"}, "key"),
        ({"key": KEY * 100}, "key"),
        ({"baseUrl": "http://all24.example"}, "baseUrl"),
        ({"baseUrl": "ftp://all24.example"}, "baseUrl"),
        ({"baseUrl": f"https://user:{KEY}@all24.example"}, "baseUrl"),
        ({"baseUrl": f"https://all24.example/?key={KEY}"}, "baseUrl"),
        ({"baseUrl": "https://\ud800"}, "baseUrl"),
        ({"timeZone": "Middle/Earth"}, "timeZone"),
        ({"timeZone": "../etc/passwd"}, "timeZone"),
        ({"pushSecret": KEY}, "pushSecret"),
        ({"dailyQuota": 0}, "dailyQuota"),
        ({"dailyQuota": "5"}, "dailyQuota"),
        ({"dailyQuota": True}, "dailyQuota"),
        ({"dailyQuota": 10**30}, "dailyQuota"),
        ({"dailyQuota": 4, "courierCode": "ship24"}, "dailyQuota"),
        ({"pace": 0}, "pace"),
        ({"pace": "2"}, "pace"),
        ({"pace": True}, "pace"),
        ({"pace": -1.5}, "pace"),
        ({"pace": 10**400}, "pace"),
        ({"state": "active"}, "state"),
        ({"merchant": None}, "merchant"),
    ],
)
def test_what_is_wrong_is_named_and_the_key_is_not_repeated(
    as_alice: APIClient, wrong: dict[str, Any], field: str
) -> None:
    body = json.dumps({"courierCode": "all24", "key": KEY} | wrong)
    answered = as_alice.post(URL, body, content_type="application/json")
    assert answered.status_code == 400
    errors = answered.json()["errors"]
    assert {one["code"] for one in errors} == {"validation_error"}
    assert all(one["message"].startswith(f"{field}: ") for one in errors)
    assert KEY not in answered.content.decode()
    assert not CarrierAccount.objects.exists()


@pytest.mark.parametrize("body", ["null", "[]", '"key"', "5"])
def test_a_body_that_is_no_object_is_refused(alice: Merchant, as_alice: APIClient, body: str) -> None:
    account = CarrierAccountFactory(merchant=alice)
    for method, url in (("post", URL), ("put", f"{URL}/{account.id}/key")):
        answered = getattr(as_alice, method)(url, body, content_type="application/json")
        assert answered.status_code == 400


def test_the_list_is_paged_newest_first(alice: Merchant, bob: Merchant, as_alice: APIClient) -> None:
    made = [str(CarrierAccountFactory(merchant=alice).id) for _ in range(5)]
    CarrierAccountFactory(merchant=bob)
    CarrierAccountFactory(merchant=None)
    seen, cursor = [], None
    while cursor or not seen:
        page = as_alice.get(URL, {"limit": 2} | ({"after": cursor} if cursor else {})).json()["data"]
        seen += [one["carrierAccountId"] for one in page["carrierAccounts"]]
        cursor = page["next"]
    assert seen == made[::-1]
    for wrong in ({"limit": 0}, {"limit": 501}, {"after": "x"}, {"page": 1}):
        assert as_alice.get(URL, wrong).status_code == 400


def test_a_house_account_is_not_there(as_alice: APIClient) -> None:
    house = CarrierAccountFactory(merchant=None)
    calls = [("get", ""), ("delete", ""), ("post", "/test"), ("post", "/pause"), ("post", "/resume")]
    for method, action in calls:
        answered = getattr(as_alice, method)(f"{URL}/{house.id}{action}")
        assert answered.json()["errors"][0]["code"] == "carrier_account_not_found"
    assert as_alice.put(f"{URL}/{house.id}/key", {"key": KEY}, format="json").status_code == 404
    house.refresh_from_db()
    assert (house.state, house.key) == ("active", "carrier-key")


def test_there_is_room_for_so_many_and_no_more(
    alice: Merchant, as_alice: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owning, "MOST", 2)
    body = {"courierCode": "all24", "key": KEY}
    statuses = [as_alice.post(URL, body, format="json").status_code for _ in range(3)]
    assert statuses == [201, 201, 403]


def test_waiting_parcels_go_at_once_when_a_key_comes(
    alice: Merchant, as_alice: APIClient, carrier: CarrierServer, follow: Follow
) -> None:
    tracker = follow(alice, "HSAAAA00")
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    as_alice.post(URL, {"courierCode": "all24", "key": KEY, "baseUrl": carrier.url}, format="json")
    settle_accounts()
    assert poll_due() == 1
    tracker.refresh_from_db()
    assert tracker.milestone == "info_received"


@pytest.mark.parametrize("stopped", ["suspended", "paused"])
def test_a_new_key_takes_a_stopped_account_up_again(
    as_alice: APIClient, account: CarrierAccount, nudged: list[str], stopped: str
) -> None:
    accounts.suspend(account.id, "refused") if stopped == "suspended" else accounts.pause(account.id)
    url = f"{URL}/{account.id}"
    assert as_alice.get(url).json()["data"]["carrierAccount"]["state"] == stopped
    answered = as_alice.put(f"{url}/key", {"key": KEY}, format="json")
    assert answered.status_code == 200
    assert answered.json()["data"]["carrierAccount"]["state"] == "active"
    account.refresh_from_db()
    assert (account.key, account.suspended_reason, nudged) == (KEY, "", ["trackers.sweep"])


def test_a_key_that_nothing_decrypts_can_be_replaced_and_deleted(
    as_alice: APIClient, account: CarrierAccount
) -> None:
    spoil_keys()
    assert as_alice.get(URL).status_code == 200
    trial = as_alice.post(f"{URL}/{account.id}/test").json()["data"]
    assert (trial["test"]["outcome"], trial["carrierAccount"]["state"]) == ("account_suspended", "suspended")
    assert as_alice.put(f"{URL}/{account.id}/key", {"key": KEY}, format="json").status_code == 200
    spoil_keys()
    assert as_alice.delete(f"{URL}/{account.id}").status_code == 204


def test_a_push_secret_is_replaced_taken_away_or_left(as_alice: APIClient, alice: Merchant) -> None:
    account = CarrierAccountFactory(merchant=alice, courier="ship24", push_secret="first")
    found = []
    for more in ({"pushSecret": "second"}, {}, {"pushSecret": None}):
        as_alice.put(f"{URL}/{account.id}/key", {"key": KEY} | more, format="json")
        account.refresh_from_db()
        found.append(account.push_secret)
    assert found == ["second", "second", None]


def test_nothing_is_sent_with_a_paused_account_until_it_is_resumed(
    alice: Merchant, as_alice: APIClient, account: CarrierAccount, carrier: CarrierServer, follow: Follow,
    nudged: list[str],
) -> None:  # fmt: skip
    tracker = follow(alice, "HSAAAA00")
    nudged.clear()
    paused = as_alice.post(f"{URL}/{account.id}/pause").json()["data"]["carrierAccount"]
    settle_accounts()
    assert (paused["state"], poll_due(), carrier.asked) == ("paused", 0, [])
    assert tracker.watches.get().last_outcome == "no_carrier_account"
    assert as_alice.post(f"{URL}/{account.id}/pause").status_code == 200
    resumed = as_alice.post(f"{URL}/{account.id}/resume").json()["data"]["carrierAccount"]
    settle_accounts()
    assert (resumed["state"], poll_due(), carrier.asked) == ("active", 1, ["HSAAAA00"])
    assert nudged == ["trackers.sweep", "trackers.sweep"]


def test_what_a_merchant_paused_is_not_resumed_by_staff_or_suspended(account: CarrierAccount) -> None:
    accounts.pause(account.id)
    assert (accounts.resume([account.id]), accounts.suspend(account.id, "late")) == (0, False)


def test_an_account_with_the_key_in_its_reason_shows_none(settings: Settings, as_alice: APIClient) -> None:
    """A carrier that repeats the key in its refusal: nothing of it comes out."""
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with serving(answer(json.dumps({"error_codes": [KEY]}).encode(), "401 No")) as server:
        body = {"courierCode": "all24", "key": KEY, "baseUrl": server.url}
        made = as_alice.post(URL, body, format="json").json()["data"]["carrierAccount"]
        told = as_alice.post(f"{URL}/{made['carrierAccountId']}/test")
    assert told.json()["data"]["carrierAccount"]["suspendedReason"]
    assert KEY not in told.content.decode()
