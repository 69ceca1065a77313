"""Ship24 calls: what it pushes is recorded, once, for the trackers it may speak of."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount, UnmappedCode
from events.models import Event
from tests.factories import CarrierAccountFactory
from tests.ship24_server import KEY, Ship24Server, event, push, tracking
from trackers import pushing
from trackers.claims import claim
from trackers.models import PersonalData, RawAnswer, Tracker, Watch
from trackers.rebuilding import check

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "whsec_of_alice"
NUMBER = "RR123456785GB"
Follow = Callable[..., Tracker]


def account_of(merchant: Merchant | None, there: Ship24Server) -> CarrierAccount:
    return CarrierAccountFactory(
        merchant=merchant, courier="ship24", key=KEY, base_url=there.url, push_secret=SECRET, time_zone=""
    )


@pytest.fixture
def own(alice: Merchant, there: Ship24Server) -> CarrierAccount:
    return account_of(alice, there)


@pytest.fixture
def tracker(alice: Merchant, own: CarrierAccount, follow: Follow) -> Tracker:
    return follow(alice, NUMBER, courierCode="ship24")


def call(account: CarrierAccount | None, body: Any, secret: str = SECRET, **headers: str) -> Any:
    token = account.push_token if account else "x" * 43
    shown = {"HTTP_AUTHORIZATION": f"Bearer {secret}"} | headers
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return APIClient().post(
        f"/v1/carriers/ship24/push/{token}", content, content_type="application/json", **shown
    )


def keys(tracker: Tracker) -> list[str]:
    tracker.refresh_from_db()
    return [scan["scanKey"].removeprefix("ship24|") for scan in tracker.state["scans"]]


def test_a_push_is_recorded_and_told(tracker: Tracker, own: CarrierAccount) -> None:
    answer = call(
        own, push(tracking(tracker.id, event("a"), event("b", "delivered", "2026-03-02T09:00:00Z")))
    )
    assert (answer.status_code, answer.json()) == (200, {"data": {"received": 1}})
    assert keys(tracker) == ["a", "b"]
    assert tracker.milestone == "delivered"
    assert not list(check())


def test_the_same_push_again_is_silent(tracker: Tracker, own: CarrierAccount) -> None:
    body = push(tracking(tracker.id, event("a")))
    call(own, body)
    before = Event.objects.count()
    assert call(own, body).status_code == 200
    assert Event.objects.count() == before


def test_push_and_poll_of_one_scan_are_one_scan(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server, poll_all: Callable[[], int]
) -> None:
    call(own, push(tracking(tracker.id, event("b", at="2026-03-02T09:00:00Z"))))
    there.finds = [event("a"), event("b", at="2026-03-02T09:00:00Z")]
    poll_all()
    call(own, push(tracking(tracker.id, event("a"))))
    assert keys(tracker) == ["a", "b"]
    assert Event.objects.filter(type="tracking.scanned").count() == 2
    assert not Event.objects.filter(type="tracking.scan_amended").exists()


def test_a_push_disturbs_no_claim(tracker: Tracker, own: CarrierAccount) -> None:
    (held,) = claim(1)
    before = Watch.objects.values().get(tracker=tracker)
    call(own, push(tracking(tracker.id, event("a"))))
    assert keys(tracker) == ["a"]
    heard = {"told_at", "last_digest"}
    after = Watch.objects.values().get(tracker=tracker)
    assert {name for name, value in after.items() if value != before[name]} == heard
    assert before["claim_id"] == held.claim


@pytest.mark.parametrize(
    ("token", "secret", "headers"),
    [
        (True, "wrong", {}),
        (True, "", {}),
        (True, SECRET, {"HTTP_AUTHORIZATION": SECRET}),
        (True, SECRET, {"HTTP_AUTHORIZATION": f"Basic {SECRET}"}),
        (True, SECRET, {"HTTP_AUTHORIZATION": ""}),
        (True, "\u00e4\u00ff", {}),
        (False, SECRET, {}),
    ],
)
def test_a_wrong_address_and_a_wrong_secret_are_told_alike(
    tracker: Tracker, own: CarrierAccount, token: bool, secret: str, headers: dict[str, str]
) -> None:
    answer = call(own if token else None, push(tracking(tracker.id, event("a"))), secret, **headers)
    assert answer.status_code == 401
    assert [error["code"] for error in answer.json()["errors"]] == ["auth_invalid_push"]
    assert keys(tracker) == []


def test_without_a_secret_an_account_takes_no_push(tracker: Tracker, own: CarrierAccount) -> None:
    CarrierAccount.objects.update(push_secret=None)
    assert call(own, push(tracking(tracker.id, event("a"))), "").status_code == 401


@pytest.mark.parametrize("state", ["suspended", "paused"])
def test_nothing_comes_by_an_account_that_is_not_active(
    tracker: Tracker, own: CarrierAccount, state: str
) -> None:
    CarrierAccount.objects.update(state=state)
    assert call(own, push(tracking(tracker.id, event("a")))).status_code == 401
    assert keys(tracker) == []


def test_a_secret_that_cannot_be_decrypted_is_no_secret(
    tracker: Tracker, own: CarrierAccount, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    assert call(own, push(tracking(tracker.id, event("a")))).status_code == 401


@pytest.mark.parametrize("path", ["ship24/push/%00", "pigeon/push/x", "all24/push/x"])
def test_an_address_that_is_none_is_told_like_a_wrong_one(own: CarrierAccount, path: str) -> None:
    answer = APIClient().post(f"/v1/carriers/{path}", {}, format="json", HTTP_AUTHORIZATION="Bearer x")
    assert answer.status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\x00", b'{"trackings": 1}', b'{"trackings": NaN}'])
def test_a_body_that_is_no_push_is_refused(own: CarrierAccount, body: bytes) -> None:
    answer = call(own, body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "parsing_error")


def test_a_push_touches_only_what_is_watched_through_that_account(
    alice: Merchant, bob: Merchant, there: Ship24Server, tracker: Tracker, own: CarrierAccount, follow: Follow
) -> None:
    theirs = account_of(bob, there)
    bobs = follow(bob, NUMBER, courierCode="ship24")
    elsewhere = follow(alice, "HSBY37H7")
    told = [tracking(one, event("a")) for one in (tracker.id, bobs.id, elsewhere.id, uuid4(), "x")]
    assert call(theirs, push(*told)).json() == {"data": {"received": 4}}
    assert (keys(tracker), keys(bobs), keys(elsewhere)) == ([], ["a"], [])


def test_a_house_accounts_push_is_cut_by_merchant_and_keeps_nothing_personal(
    alice: Merchant, bob: Merchant, there: Ship24Server, follow: Follow
) -> None:
    house = account_of(None, there)
    both = [follow(one, NUMBER, courierCode="ship24") for one in (alice, bob)]
    shipment = {"delivery": {"signedBy": "R. Ecipient"}, "recipient": {"name": "R. Ecipient"}}
    call(house, push(*[tracking(one.id, event("a"), shipment=shipment) for one in both]))
    assert [keys(one) for one in both] == [["a"], ["a"]]
    assert not PersonalData.objects.exists()
    assert not RawAnswer.objects.exists()
    scanned = Event.objects.filter(type="tracking.scanned")
    assert set(scanned.values_list("merchant_id", "stream")) == {(one.merchant_id, one.id) for one in both}


def test_an_own_accounts_push_keeps_who_signed_out_of_the_log(tracker: Tracker, own: CarrierAccount) -> None:
    shipment = {"delivery": {"signedBy": "R. Ecipient"}, "recipient": {"name": "R. Ecipient"}}
    call(own, push(tracking(tracker.id, event("a"), shipment=shipment)))
    assert PersonalData.objects.get(tracker=tracker).signed_by == "R. Ecipient"
    assert RawAnswer.objects.count() == 1
    assert not any("Ecipient" in json.dumps(one.data) for one in Event.objects.all())


def test_a_tracker_that_stopped_by_itself_hears_of_news_and_stays_stopped(
    tracker: Tracker, own: CarrierAccount
) -> None:
    Tracker.objects.update(stop_reason="no_news")
    call(own, push(tracking(tracker.id, event("a"))))
    assert keys(tracker) == ["a"]
    assert not tracker.is_tracked


def test_a_tracker_that_is_not_subscribed_hears_nothing(tracker: Tracker, own: CarrierAccount) -> None:
    Tracker.objects.update(is_subscribed=False)
    call(own, push(tracking(tracker.id, event("a"))))
    assert keys(tracker) == []


def test_a_proof_of_delivery_is_taken_and_ignored(tracker: Tracker, own: CarrierAccount) -> None:
    answer = call(own, push(tracking(tracker.id, event("a")), topic="tracking/pod"))
    assert (answer.status_code, keys(tracker)) == (200, [])


def test_an_unreadable_part_does_not_hold_up_its_neighbours(
    alice: Merchant, tracker: Tracker, own: CarrierAccount, follow: Follow
) -> None:
    other = follow(alice, "RR123456799GB", courierCode="ship24")
    call(own, push(tracking(other.id) | {"events": 7}, tracking(tracker.id, event("a"))))
    assert keys(tracker) == ["a"]


def test_what_is_unmapped_is_counted(tracker: Tracker, own: CarrierAccount) -> None:
    call(own, push(tracking(tracker.id, event("a", statusCode="delivery_by_drone"))))
    assert UnmappedCode.objects.get(courier="ship24").code == "delivery_by_drone"


def test_where_nothing_could_be_stored_the_carrier_is_to_call_again(
    tracker: Tracker, own: CarrierAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OperationalError("down")

    body = push(tracking(tracker.id, event("a")))
    with monkeypatch.context() as down:
        down.setattr(pushing, "record", refuse)
        assert call(own, body).status_code == 503
    assert call(own, body).status_code == 200
    assert keys(tracker) == ["a"]


def test_pushes_and_a_poll_at_once_give_each_scan_once(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server, poll_all: Callable[[], int]
) -> None:
    events = [event(name, at=f"2026-03-0{day}T09:00:00Z") for day, name in enumerate("abc", start=1)]
    there.finds = events

    def act(nth: int) -> int:
        try:
            return call(own, push(tracking(tracker.id, events[nth % 3]))).status_code if nth else poll_all()
        finally:
            connection.close()

    with ThreadPoolExecutor(7) as threads:
        assert list(threads.map(act, range(7)))[1:] == [200] * 6
    assert keys(tracker) == ["a", "b", "c"]
    assert Event.objects.filter(type="tracking.scanned").count() == 3
    assert not list(check())
