"""`PATCH /v1/trackers/{id}`: a merchant changes its mind."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount
from events.models import Event
from tests.carrier_server import CarrierServer, order
from trackers import updating
from trackers.models import RawAnswer, Tracker, Watch
from trackers.rebuilding import check
from webhooks.models import Message

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
Poll = Callable[[], int]

TODAY = f"{timezone.now():%Y-%m-%d}"


def patch(client: APIClient, tracker: Tracker | str, query: str = "", **body: Any) -> Any:
    path = f"/v1/trackers/{getattr(tracker, 'id', tracker)}{query}"
    return client.patch(path, body, format="json")


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def types(tracker: Tracker) -> list[str]:
    return list(Event.objects.filter(stream=tracker.id).order_by("version").values_list("type", flat=True))


def couriers(tracker: Tracker) -> list[str]:
    return sorted(tracker.watches.values_list("courier", flat=True))


@pytest.fixture
def hook(as_alice: APIClient) -> None:
    """A subscriber that hears all; nothing is sent to it here."""
    body = {"url": "https://93.184.215.14/hook", "types": ["*"]}
    assert as_alice.post("/v1/webhooks", body, format="json").status_code == 201


@pytest.fixture
def found(
    carrier: CarrierServer, account: CarrierAccount, alice: Merchant, follow: Follow, poll_all: Poll
) -> Tracker:
    """A tracker whose parcel a carrier knows."""
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000", day=TODAY)
    tracker = follow(alice, "HSAAAA00", originCountryCode="TH", shippingDate=TODAY, clientTrackerId="mine")
    poll_all()
    return tracker


class TestBeforeAnythingIsFound:
    def test_every_field_can_be_changed_and_cleared(
        self, alice: Merchant, as_alice: APIClient, follow: Follow, hook: None
    ) -> None:
        tracker = follow(alice, "HSAAAA00", destinationPostCode="10110")
        answer = patch(
            as_alice,
            tracker,
            originCountryCode="THA",
            destinationCountryCode="vn",
            destinationPostCode=None,
            shippingDate="2099-01-02",
        )
        shape = answer.json()["data"].pop("tracker")
        assert answer.status_code == 200
        assert answer.json() == shape | {"data": {}}
        tracker.refresh_from_db()
        assert (tracker.origin_country_code, tracker.destination_country_code) == ("TH", "VN")
        assert (tracker.destination_post_code, tracker.shipping_date) == (None, "2099-01-02")
        event = Event.objects.get(type="tracker.updated")
        assert sorted(event.data["changed"]) == [
            "destinationCountryCode",
            "destinationPostCode",
            "originCountryCode",
            "shippingDate",
        ]
        assert event.data["originCountryCode"] == "TH"
        body = json.loads(bytes(Message.objects.get(type="tracker.updated").body))
        metadata = body["trackings"][0]["metadata"]
        assert (metadata["sequence"], metadata["previousSequence"]) == (2, 1)
        assert body["trackings"][0]["events"] == []
        assert list(check()) == []

    def test_what_changes_nothing_is_no_event(
        self, alice: Merchant, as_alice: APIClient, follow: Follow
    ) -> None:
        tracker = follow(
            alice, "HSAAAA00", courierCode=["all24", "247express"], shippingDate="2099-01-02", title="x"
        )
        same = {
            "isSubscribed": True,
            "courierCode": ["247express", "all24"],
            "shippingDate": "2099-01-02T10:00:00Z",
            "originCountryCode": "",
            "destinationPostCode": None,
            "title": "ignored",
        }
        assert patch(as_alice, tracker, **same).status_code == 200
        assert patch(as_alice, tracker).status_code == 200
        assert types(tracker) == ["tracker.created"]

    def test_new_couriers_get_watches_and_those_taken_away_lose_theirs(
        self, alice: Merchant, as_alice: APIClient, follow: Follow, account: CarrierAccount
    ) -> None:
        tracker = follow(alice, "HSAAAA00", courierCode=["all24"])
        patch(as_alice, tracker, courierCode=["247express", "sandbox"])
        assert couriers(tracker) == ["247express", "sandbox"]
        assert tracker.watches.filter(next_poll_at__lte=timezone.now()).count() == 2
        answer = patch(as_alice, tracker, courierCode=None)
        assert couriers(tracker) == ["all24"]
        assert answer.json()["courierCode"] == []
        assert tracker.watches.get().carrier_account_id == account.id

    def test_without_a_courier_that_fits_detection_goes_on_later(
        self, alice: Merchant, as_alice: APIClient, follow: Follow
    ) -> None:
        tracker = follow(alice, "a/b.c/d", courierCode="all24")
        patch(as_alice, tracker, courierCode=[])
        tracker.refresh_from_db()
        assert couriers(tracker) == []
        assert tracker.undetected_at is not None

    def test_a_tracker_is_given_so_many_couriers_in_all(
        self, alice: Merchant, as_alice: APIClient, follow: Follow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(updating, "MOST_COURIERS", 2)
        tracker = follow(alice, "HSAAAA00", courierCode="all24")
        assert patch(as_alice, tracker, courierCode="247express").status_code == 200
        assert patch(as_alice, tracker, courierCode=["all24", "247express"]).status_code == 200
        assert code(patch(as_alice, tracker, courierCode="sandbox")) == (400, "validation_error")
        assert couriers(tracker) == ["247express", "all24"]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"isSubscribed": None}, "isSubscribed"),
            ({"isSubscribed": "false"}, "isSubscribed"),
            ({"courierCode": ["all24"] * 4}, "courierCode"),
            ({"courierCode": "nobody"}, "courierCode"),
            ({"courierCode": "247express"}, "courierCode"),
            ({"originCountryCode": "XX"}, "originCountryCode"),
            ({"destinationPostCode": "x" * 33}, "destinationPostCode"),
            ({"destinationPostCode": "a\x00"}, "destinationPostCode"),
            ({"shippingDate": "soon"}, "shippingDate"),
        ],
    )
    def test_a_bad_field_is_named_and_nothing_is_changed(
        self, alice: Merchant, as_alice: APIClient, follow: Follow, body: dict[str, Any], field: str
    ) -> None:
        tracker = follow(alice, "HS/12345")
        answer = patch(as_alice, tracker, **body, destinationCountryCode="VN")
        assert code(answer) == (400, "validation_error")
        assert answer.json()["errors"][0]["message"].startswith(field)
        tracker.refresh_from_db()
        assert tracker.destination_country_code is None
        assert types(tracker) == ["tracker.created"]

    def test_a_date_too_long_ago_is_outdated(
        self, alice: Merchant, as_alice: APIClient, follow: Follow
    ) -> None:
        answer = patch(as_alice, follow(alice, "HSAAAA00"), shippingDate="2020-01-01")
        assert code(answer) == (400, "shipping_date_outdated")

    def test_the_first_payload_goes_on_to_decide_what_is_the_same(
        self, alice: Merchant, as_alice: APIClient, follow: Follow
    ) -> None:
        tracker = follow(alice, "HSAAAA00")
        patch(as_alice, tracker, destinationCountryCode="VN")
        assert follow(alice, "HSAAAA00").id == tracker.id
        assert follow(alice, "HSAAAA00", destinationCountryCode="VN").id != tracker.id


class TestOnceItIsFound:
    @pytest.mark.parametrize(
        "body",
        [
            {"courierCode": "247express"},
            {"courierCode": None},
            {"originCountryCode": "VN"},
            {"destinationCountryCode": "VN"},
            {"shippingDate": "2099-01-03"},
        ],
    )
    def test_what_the_carrier_decides_is_frozen_and_nothing_else_changes_with_it(
        self, as_alice: APIClient, found: Tracker, body: dict[str, Any]
    ) -> None:
        before = types(found)
        answer = patch(as_alice, found, **body, destinationPostCode="10110", isSubscribed=False)
        assert code(answer) == (400, "tracker_not_updatable")
        assert next(iter(body)) in answer.json()["errors"][0]["message"]
        found.refresh_from_db()
        assert (found.destination_post_code, found.is_subscribed) == (None, True)
        assert types(found) == before

    def test_the_same_values_and_the_post_code_are_taken(self, as_alice: APIClient, found: Tracker) -> None:
        same = {"courierCode": "all24", "originCountryCode": "tha", "shippingDate": f"{TODAY}T01:00:00"}
        answer = patch(as_alice, found, **same, destinationPostCode="10110")
        assert answer.status_code == 200
        assert types(found)[-1] == "tracker.updated"
        assert Event.objects.get(type="tracker.updated").data["changed"] == ["destinationPostCode"]


class TestUnsubscribing:
    def test_nobody_asks_any_more_and_what_is_known_stays(
        self, as_alice: APIClient, found: Tracker, poll_all: Poll, hook: None
    ) -> None:
        tracker = patch(as_alice, found, isSubscribed=False).json()
        assert (tracker["isSubscribed"], tracker["isTracked"]) == (False, False)
        assert (tracker["stopReason"], tracker["nextPollAt"]) == ("unsubscribed", None)
        assert Event.objects.get(type="tracker.stopped").data == {"reason": "unsubscribed"}
        message = json.loads(bytes(Message.objects.get(type="tracker.stopped").body))
        assert message["trackings"][0]["tracker"]["isSubscribed"] is False
        assert poll_all() == 0
        assert (
            len(as_alice.get(f"/v1/trackers/{found.id}/results").json()["data"]["trackings"][0]["events"])
            == 1
        )
        assert code(as_alice.post(f"/v1/trackers/{found.id}/poll")) == (400, "tracker_not_updatable")
        assert list(check()) == []

    def test_unsubscribing_twice_is_one_stop(self, as_alice: APIClient, found: Tracker) -> None:
        for _ in range(2):
            assert patch(as_alice, found, isSubscribed=False).status_code == 200
        assert types(found).count("tracker.stopped") == 1

    @pytest.mark.parametrize("known_before", [True, False])
    def test_a_poll_under_way_brings_no_news_after_the_stop(
        self,
        alice: Merchant,
        as_alice: APIClient,
        account: CarrierAccount,
        carrier: CarrierServer,
        follow: Follow,
        poll_all: Poll,
        known_before: bool,
    ) -> None:
        """Whether its answer would be news or nothing new: it neither records nor reschedules."""
        tracker = follow(alice, "HSAAAA00")
        carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
        if known_before:
            poll_all()
            Watch.objects.update(next_poll_at=timezone.now())

        def unsubscribed_meanwhile() -> tuple[int, bytes]:
            try:
                assert patch(as_alice, tracker, isSubscribed=False).status_code == 200
            finally:
                connection.close()
            return order("HSAAAA00", "050000")

        carrier.replies["HSAAAA00"] = unsubscribed_meanwhile
        assert poll_all() == 1
        assert types(tracker)[-1] == "tracker.stopped"
        watch = tracker.watches.get()
        assert (watch.next_poll_at, watch.claim_id) == (None, None)
        assert poll_all() == 0

    def test_a_poll_that_was_asked_for_before_is_forgotten(
        self, as_alice: APIClient, found: Tracker, poll_all: Poll
    ) -> None:
        assert as_alice.post(f"/v1/trackers/{found.id}/poll").status_code == 202
        patch(as_alice, found, isSubscribed=False)
        assert poll_all() == 0

    def test_its_client_tracker_id_and_payload_are_free_again(
        self, alice: Merchant, as_alice: APIClient, found: Tracker, follow: Follow
    ) -> None:
        patch(as_alice, found, isSubscribed=False)
        other = follow(alice, "HSBBBB00", clientTrackerId="mine")
        assert other.id != found.id

    def test_by_the_merchants_own_id(self, as_alice: APIClient, found: Tracker) -> None:
        answer = patch(as_alice, "mine", "?searchBy=clientTrackerId", isSubscribed=False)
        assert (answer.status_code, answer.json()["trackerId"]) == (200, str(found.id))
        assert answer.json()["isSubscribed"] is False


class TestTakingUpAgain:
    def test_it_is_asked_at_once_and_silence_counts_from_now(
        self, as_alice: APIClient, found: Tracker, poll_all: Poll, hook: None
    ) -> None:
        patch(as_alice, found, isSubscribed=False)
        long_ago = timezone.now() - timedelta(days=60)
        Tracker.objects.update(created_at=long_ago, news_at=long_ago, milestone_at=long_ago)
        Watch.objects.update(assigned_at=long_ago)
        tracker = patch(as_alice, found, isSubscribed=True).json()
        assert (tracker["isSubscribed"], tracker["isTracked"], tracker["stopReason"]) == (True, True, None)
        assert types(found)[-1] == "tracker.restarted"
        assert Message.objects.filter(type="tracker.restarted").count() == 1
        assert poll_all() == 1
        assert types(found)[-1] == "tracker.restarted"
        assert Watch.objects.get().next_poll_at is not None

    def test_one_that_the_engine_stopped_is_taken_up_when_it_is_said(
        self, as_alice: APIClient, found: Tracker, poll_all: Poll
    ) -> None:
        long_ago = timezone.now() - timedelta(days=60)
        Tracker.objects.update(created_at=long_ago, news_at=long_ago, milestone_at=long_ago)
        Watch.objects.update(assigned_at=long_ago, next_poll_at=timezone.now())
        poll_all()
        found.refresh_from_db()
        assert found.stop_reason == "no_news"
        assert patch(as_alice, found, destinationPostCode="10110").json()["isTracked"] is False
        assert patch(as_alice, found, isSubscribed=True).json()["isTracked"] is True
        assert poll_all() == 1
        assert types(found)[-2:] == ["tracker.updated", "tracker.restarted"]

    def test_stopping_and_taking_up_goes_on_for_ever(self, as_alice: APIClient, found: Tracker) -> None:
        for wish in (False, True) * 3:
            assert patch(as_alice, found, isSubscribed=wish).status_code == 200
        assert types(found).count("tracker.restarted") == 3
        assert list(check()) == []

    @pytest.mark.parametrize(
        "body", [{"number": "HSBBBB00", "clientTrackerId": "mine"}, {"number": "HSAAAA00"}]
    )
    def test_not_where_another_one_took_its_place(
        self, alice: Merchant, as_alice: APIClient, follow: Follow, body: dict[str, Any]
    ) -> None:
        mine = {"clientTrackerId": body["clientTrackerId"]} if "clientTrackerId" in body else {}
        tracker = follow(alice, "HSAAAA00", **mine)
        patch(as_alice, tracker, isSubscribed=False)
        follow(alice, body.pop("number"), **body)
        answer = patch(as_alice, tracker, isSubscribed=True, destinationPostCode="10110")
        assert code(answer) == (400, "tracker_conflict")
        tracker.refresh_from_db()
        assert (tracker.is_subscribed, tracker.destination_post_code) == (False, None)
        assert types(tracker)[-1] == "tracker.stopped"

    def test_not_beyond_the_quota(self, alice: Merchant, as_alice: APIClient, follow: Follow) -> None:
        tracker = follow(alice, "HSAAAA00")
        patch(as_alice, tracker, isSubscribed=False)
        follow(alice, "HSBBBB00")
        Merchant.objects.update(tracker_limit=1)
        assert code(patch(as_alice, tracker, isSubscribed=True)) == (403, "quota_limit_reached")
        Merchant.objects.update(tracker_limit=2)
        assert patch(as_alice, tracker, isSubscribed=True).status_code == 200

    def test_couriers_changed_meanwhile_are_asked_from_then_on(
        self, alice: Merchant, as_alice: APIClient, follow: Follow, account: CarrierAccount
    ) -> None:
        tracker = follow(alice, "HSAAAA00", courierCode="247express")
        patch(as_alice, tracker, isSubscribed=False)
        patch(as_alice, tracker, courierCode="all24")
        assert couriers(tracker) == ["all24"]
        assert tracker.watches.get().next_poll_at is None
        patch(as_alice, tracker, isSubscribed=True)
        assert tracker.watches.get().next_poll_at is not None

    def test_without_an_account_it_waits_and_says_so(self, as_alice: APIClient, found: Tracker) -> None:
        patch(as_alice, found, isSubscribed=False)
        CarrierAccount.objects.update(state="suspended")
        tracker = patch(as_alice, found, isSubscribed=True).json()
        assert (tracker["lastPollOutcome"], tracker["nextPollAt"]) == ("no_carrier_account", None)

    def test_an_answer_from_before_does_not_stop_it_again(
        self, as_alice: APIClient, found: Tracker, carrier: CarrierServer, poll_all: Poll
    ) -> None:
        """Asked while it was silent for long, answered after it was taken up: that answer is not heard."""
        long_ago = timezone.now() - timedelta(days=60)
        Tracker.objects.update(created_at=long_ago, news_at=long_ago, milestone_at=long_ago)
        Watch.objects.update(assigned_at=long_ago, next_poll_at=timezone.now())

        def taken_up_meanwhile() -> tuple[int, bytes]:
            carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000", day=TODAY)
            try:
                for wish in (False, True):
                    assert patch(as_alice, found, isSubscribed=wish).status_code == 200
            finally:
                connection.close()
            return order("HSAAAA00", "050000", day=TODAY)

        carrier.replies["HSAAAA00"] = taken_up_meanwhile
        poll_all()
        found.refresh_from_db()
        assert found.stop_reason is None
        assert types(found)[-1] == "tracker.restarted"
        assert len(carrier.asked) == 3


def test_another_merchants_tracker_is_not_found(alice: Merchant, as_bob: APIClient, follow: Follow) -> None:
    tracker = follow(alice, "HSAAAA00", clientTrackerId="mine")
    assert code(patch(as_bob, tracker, isSubscribed=False)) == (404, "tracker_not_found")
    assert code(patch(as_bob, "mine", "?searchBy=clientTrackerId")) == (404, "tracker_not_found")
    tracker.refresh_from_db()
    assert tracker.is_subscribed


def test_many_changes_at_once_are_one_after_the_other(
    alice: Merchant, client_of: Callable[[Merchant], APIClient], follow: Follow
) -> None:
    tracker = follow(alice, "HSAAAA00")
    statuses: list[int] = []

    def change(n: int) -> None:
        try:
            client = client_of(alice)
            statuses.append(
                patch(client, tracker, destinationPostCode=str(n), isSubscribed=bool(n % 2)).status_code
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    assert types(tracker).count("tracker.updated") == 8
    assert list(check()) == []


def test_what_a_courier_that_was_taken_away_said_goes_with_its_watch(
    alice: Merchant,
    as_alice: APIClient,
    follow: Follow,
    account: CarrierAccount,
    carrier: CarrierServer,
    poll_all: Poll,
) -> None:
    carrier.replies["HSAAAA00"] = (200, b"not json")
    tracker = follow(alice, "HSAAAA00")
    poll_all()
    assert RawAnswer.objects.count() == 1
    assert patch(as_alice, tracker, courierCode="247express").status_code == 200
    assert not RawAnswer.objects.exists()
