"""`POST /v1/trackers/stop`, `POST /v1/trackers/delete`, `DELETE /v1/trackers/{id}`."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.errors import ApiError
from accounts.models import Merchant
from carriers.exceptions import BadResponse
from carriers.fetching import Fetched
from carriers.models import CarrierAccount, Closing
from events.models import Event
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from trackers import choosing
from trackers.asking import poll_now
from trackers.claims import claim
from trackers.concluding import conclude
from trackers.models import PersonalData, RawAnswer, Tracker, Watch
from trackers.polling import Asked
from trackers.rebuilding import check
from webhooks.models import Delivery, Message

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
Poll = Callable[[], int]
WAYS = ("stop", "delete")
CHANGED = {"stop": "stopped", "delete": "deleted"}


def post(client: APIClient, way: str, **body: Any) -> Any:
    return client.post(f"/v1/trackers/{way}", body, format="json")


def summary(answer: Any) -> Any:
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]["summary"]


def followed(way: str) -> int:
    """How many trackers are left of this way's point of view."""
    return Tracker.objects.filter(**({"is_subscribed": True} if way == "stop" else {})).count()


@pytest.fixture
def hook(as_alice: APIClient) -> None:
    body = {"url": "https://93.184.215.14/hook", "types": ["*"]}
    assert as_alice.post("/v1/webhooks", body, format="json").status_code == 201


@pytest.fixture
def three(alice: Merchant, follow: Follow) -> list[Tracker]:
    return [follow(alice, f"HSAAAA{n:02}", clientTrackerId=f"order-{n}") for n in range(3)]


@pytest.mark.parametrize("way", WAYS)
class TestEitherWay:
    def test_by_ids_what_is_unknown_is_told(
        self, as_alice: APIClient, bob: Merchant, follow: Follow, three: list[Tracker], way: str
    ) -> None:
        strangers = str(follow(bob, "HSBBBB00").id)
        nobody = "00000000-0000-0000-0000-000000000000"
        ids = [str(three[1].id), "x", nobody, str(three[0].id), strangers, str(three[1].id), "x"]
        answer = post(as_alice, way, trackerIds=ids)
        assert summary(answer) == {"matched": 2, CHANGED[way]: 2, "unknown": ["x", nobody, strangers]}
        assert answer.json()["data"]["hasMore"] is False
        assert followed(way) == 2

    def test_by_the_merchants_own_ids(
        self, as_alice: APIClient, bob: Merchant, follow: Follow, three: list[Tracker], way: str
    ) -> None:
        follow(bob, "HSBBBB00", clientTrackerId="order-9")
        answer = post(as_alice, way, clientTrackerIds=["order-0", "order-9", "order-2"])
        assert summary(answer) == {"matched": 2, CHANGED[way]: 2, "unknown": ["order-9"]}
        assert followed(way) == 2

    def test_by_a_filter(
        self, as_alice: APIClient, bob: Merchant, follow: Follow, three: list[Tracker], way: str
    ) -> None:
        follow(bob, "HSAAAA00")
        answer = post(as_alice, way, filter={"text": "order-1", "status": "pending", "isSubscribed": True})
        assert summary(answer) == {"matched": 1, CHANGED[way]: 1, "unknown": []}
        assert followed(way) == 3

    def test_all_of_ones_own_where_that_is_said(
        self, as_alice: APIClient, bob: Merchant, follow: Follow, three: list[Tracker], way: str
    ) -> None:
        follow(bob, "HSBBBB00")
        assert summary(post(as_alice, way, filter={}, all=True))[CHANGED[way]] == 3
        assert followed(way) == 1
        assert summary(post(as_alice, way, all=True)) == {"matched": 0, CHANGED[way]: 0, "unknown": []}

    def test_more_than_one_call_takes_is_said_and_the_next_goes_on(
        self, as_alice: APIClient, three: list[Tracker], way: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(choosing, "MOST", 2)
        monkeypatch.setattr(choosing, "BATCH", 1)
        first, second = post(as_alice, way, all=True), post(as_alice, way, all=True)
        assert (summary(first)[CHANGED[way]], first.json()["data"]["hasMore"]) == (2, True)
        assert (summary(second)[CHANGED[way]], second.json()["data"]["hasMore"]) == (1, False)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"all": False},
            {"filter": {}},
            {"filter": {"colour": "red"}},
            {"filter": {"status": "lost"}},
            {"filter": "all"},
            {"filter": None},
            {"trackerIds": []},
            {"trackerIds": "x"},
            {"trackerIds": [1]},
            {"trackerIds": [None]},
            {"trackerIds": ["x"] * 1001},
            {"trackerIds": ["x\x00"]},
            {"clientTrackerIds": ["\ud800"]},
            {"trackerIds": ["x"], "clientTrackerIds": ["x"]},
            {"trackerIds": ["x"], "all": True},
            {"everything": True},
        ],
    )
    def test_a_choice_that_is_none_is_refused_and_nothing_happens(
        self, as_alice: APIClient, three: list[Tracker], way: str, body: dict[str, Any]
    ) -> None:
        answer = as_alice.post(f"/v1/trackers/{way}", json.dumps(body), content_type="application/json")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "validation_error")
        assert followed(way) == 3

    def test_of_a_list_that_is_too_long_not_every_fault_is_told(self, as_alice: APIClient, way: str) -> None:
        answer = post(as_alice, way, trackerIds=[1] * 10_000)
        assert answer.status_code == 400
        assert len(answer.json()["errors"]) == 1

    def test_many_take_the_statements_of_one(
        self,
        alice: Merchant,
        as_alice: APIClient,
        hook: None,
        follow: Follow,
        count_statements: Callable[[Callable[[], Any]], int],
        way: str,
    ) -> None:
        trackers = [follow(alice, f"HSCCCC{n:02}", courierCode=["all24", "247express"]) for n in range(8)]
        ids = [str(tracker.id) for tracker in trackers]
        post(as_alice, way, trackerIds=["x"])  # the key's first use is written down
        one = count_statements(lambda: post(as_alice, way, trackerIds=ids[:1]))
        assert count_statements(lambda: post(as_alice, way, trackerIds=ids[1:])) == one

    def test_it_is_told_once_each(
        self, as_alice: APIClient, hook: None, three: list[Tracker], way: str
    ) -> None:
        reason = {"stop": "unsubscribed", "delete": "deleted"}[way]
        for _ in range(2):
            post(as_alice, way, trackerIds=[str(tracker.id) for tracker in three])
        stops = Event.objects.filter(type="tracker.stopped")
        assert [event.data for event in stops] == [{"reason": reason}] * 3
        messages = Message.objects.filter(type="tracker.stopped")
        assert {message.stream for message in messages} == {tracker.id for tracker in three}
        told = json.loads(bytes(messages[0].body))["trackings"][0]["tracker"]
        assert (told["isSubscribed"], told["isTracked"]) == (False, False)
        assert Delivery.objects.filter(message__type="tracker.stopped", state="pending").count() == 3
        assert list(check()) == []


@pytest.fixture
def at_ship24(alice: Merchant, follow: Follow) -> Tracker:
    """A tracker at a carrier that keeps something open for it."""
    CarrierAccountFactory(merchant=alice, courier="ship24")
    return follow(alice, "HSAAAA00", courierCode="ship24")


@pytest.mark.parametrize("way", WAYS)
def test_what_a_carrier_keeps_open_is_owed_its_end(as_alice: APIClient, at_ship24: Tracker, way: str) -> None:
    post(as_alice, way, all=True)
    assert Closing.objects.get().tracker_id == at_ship24.id


def test_what_is_taken_up_again_is_not_closed(as_alice: APIClient, at_ship24: Tracker) -> None:
    path = f"/v1/trackers/{at_ship24.id}"
    as_alice.patch(path, {"isSubscribed": False}, format="json")
    assert Closing.objects.count() == 1
    as_alice.patch(path, {"isSubscribed": True}, format="json")
    assert not Closing.objects.exists()


def test_a_courier_that_is_taken_away_is_closed_although_the_tracker_goes_on(
    as_alice: APIClient, at_ship24: Tracker
) -> None:
    path = f"/v1/trackers/{at_ship24.id}"
    as_alice.patch(path, {"isSubscribed": False}, format="json")
    as_alice.patch(path, {"isSubscribed": True, "courierCode": "all24"}, format="json")
    assert Closing.objects.get().tracker_id == at_ship24.id
    as_alice.patch(path, {"courierCode": "ship24"}, format="json")
    assert not Closing.objects.exists()


def test_what_is_stopped_is_asked_no_more_and_readable(
    alice: Merchant, as_alice: APIClient, three: list[Tracker], account: CarrierAccount, poll_all: Poll
) -> None:
    post(as_alice, "stop", all=True)
    assert poll_all() == 0
    shown = as_alice.get(f"/v1/trackers/{three[0].id}").json()
    assert (shown["isSubscribed"], shown["isTracked"], shown["stopReason"]) == (False, False, "unsubscribed")


class TestDeletion:
    @pytest.fixture
    def known(
        self,
        alice: Merchant,
        account: CarrierAccount,
        carrier: CarrierServer,
        follow: Follow,
        poll_all: Poll,
        hook: None,
    ) -> Tracker:
        """A tracker with scans, personal data and a raw answer."""
        carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
        tracker = follow(alice, "HSAAAA00", recipient={"name": "R N"}, clientTrackerId="mine")
        poll_all()
        return tracker

    def test_the_rows_go_and_the_log_stays(self, as_alice: APIClient, known: Tracker) -> None:
        before = Event.objects.filter(stream=known.id).count()
        owed = Delivery.objects.filter(state="pending").count()
        answer = as_alice.delete(f"/v1/trackers/{known.id}")
        assert (answer.status_code, answer.content) == (204, b"")
        for gone in (Tracker, Watch, PersonalData, RawAnswer):
            assert not gone.objects.exists()
        assert Event.objects.filter(stream=known.id).count() == before + 1
        assert Delivery.objects.filter(state="pending").count() == owed + 1
        assert as_alice.get(f"/v1/trackers/{known.id}").status_code == 404
        assert as_alice.delete(f"/v1/trackers/{known.id}").status_code == 404
        assert as_alice.get("/v1/events").json()["data"]["events"][-1]["data"] == {"reason": "deleted"}

    def test_by_the_merchants_own_id_and_never_a_strangers(
        self, as_alice: APIClient, as_bob: APIClient, known: Tracker
    ) -> None:
        path = "/v1/trackers/mine?searchBy=clientTrackerId"
        assert as_bob.delete(path).status_code == 404
        assert as_bob.delete(f"/v1/trackers/{known.id}").status_code == 404
        assert as_alice.delete(path).status_code == 204

    def test_one_that_was_unsubscribed_before_is_told_of_too(
        self, as_alice: APIClient, known: Tracker
    ) -> None:
        post(as_alice, "stop", all=True)
        post(as_alice, "delete", all=True)
        stops = Event.objects.filter(type="tracker.stopped").order_by("version")
        assert [event.data["reason"] for event in stops] == ["unsubscribed", "deleted"]

    def test_the_same_payload_makes_another_tracker(
        self, alice: Merchant, as_alice: APIClient, known: Tracker, follow: Follow
    ) -> None:
        as_alice.delete(f"/v1/trackers/{known.id}")
        assert follow(alice, "HSAAAA00", clientTrackerId="mine").id != known.id

    def test_useless_answers_of_one_that_is_gone_leave_the_neighbours_theirs(
        self, alice: Merchant, as_alice: APIClient, account: CarrierAccount, follow: Follow
    ) -> None:
        trackers = [follow(alice, f"HSAAAA{n:02}") for n in range(2)]
        asked = [Asked(one, own_account=True) for one in claim(10)]
        assert as_alice.delete(f"/v1/trackers/{trackers[0].id}").status_code == 204
        useless = BadResponse("no JSON", excerpt=b"<html>")
        conclude([(one, Fetched(one, error=useless)) for one in asked])
        assert RawAnswer.objects.get().watch.tracker_id == trackers[1].id

    def test_a_poll_asked_for_at_the_same_time_finds_it_gone(
        self, alice: Merchant, as_alice: APIClient, follow: Follow
    ) -> None:
        stopped, gone = follow(alice, "HSAAAA00"), follow(alice, "HSAAAA01")
        post(as_alice, "stop", trackerIds=[str(stopped.id)])
        post(as_alice, "delete", trackerIds=[str(gone.id)])
        for stale, code in ((stopped, "tracker_not_updatable"), (gone, "tracker_not_found")):
            with pytest.raises(ApiError) as refused:
                poll_now(stale)
            assert refused.value.code == code
        assert Watch.objects.get().next_poll_at is None

    @pytest.mark.parametrize("reply", [order("HSAAAA00", "050000"), (200, b"not json")])
    def test_a_poll_under_way_finds_nothing_to_record_and_hurts_no_neighbour(
        self,
        alice: Merchant,
        as_alice: APIClient,
        account: CarrierAccount,
        carrier: CarrierServer,
        follow: Follow,
        poll_all: Poll,
        reply: tuple[int, bytes],
    ) -> None:
        gone = follow(alice, "HSAAAA00")
        carrier.replies["HSAAAA01"] = (200, b"not json")

        def deleted_meanwhile() -> tuple[int, bytes]:
            follow(alice, "HSAAAA01")
            try:
                assert as_alice.delete(f"/v1/trackers/{gone.id}").status_code == 204
            finally:
                connection.close()
            return reply

        carrier.replies["HSAAAA00"] = deleted_meanwhile
        poll_all()
        assert Event.objects.filter(stream=gone.id, type="tracking.scanned").count() == 0
        assert Watch.objects.get().last_outcome == "bad_response"
        assert RawAnswer.objects.get().watch_id == Watch.objects.get().id
