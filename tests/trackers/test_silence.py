"""Parcels of which nothing is heard: told once a silence, and asked about no more in the end."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount
from events.models import Event
from tests.carrier_server import CarrierServer, order
from trackers.models import Tracker, Watch
from trackers.rebuilding import check
from webhooks.models import Message

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
Poll = Callable[[], int]
NUMBER = "HSAAAA00"
DAY = timedelta(days=1)
MOMENTS = ("news_at", "milestone_at", "restarted_at", "stalled_at")


@pytest.fixture
def tracker(
    alice: Merchant, carrier: CarrierServer, account: CarrierAccount, follow: Follow, poll_all: Poll
) -> Tracker:
    """In transit since now."""
    carrier.replies[NUMBER] = order(NUMBER, "050000", "100000")
    tracker = follow(alice, NUMBER)
    poll_all()
    return tracker


@pytest.fixture(autouse=True)
def hook(as_alice: APIClient, settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    body = {"url": "http://127.0.0.1:9/hook", "types": ["*"]}
    assert as_alice.post("/v1/webhooks", body, format="json").status_code == 201


def pass_time(time: timedelta) -> None:
    """As if that much more time had gone by, and every watch were due."""
    for name in ("created_at", *MOMENTS):
        for one in Tracker.objects.exclude(**{name: None}):
            Tracker.objects.filter(id=one.id).update(**{name: getattr(one, name) - time})
    for watch in Watch.objects.all():
        Watch.objects.filter(id=watch.id).update(assigned_at=watch.assigned_at - time)
    Watch.objects.exclude(next_poll_at=None).update(next_poll_at=timezone.now())


def differing() -> set[str]:
    """What of the rows is not the fold of their logs, but for the moments that time passing moved."""
    return {field for one in check() for field in one.fields} - set(MOMENTS)


def types() -> list[str]:
    return list(Event.objects.order_by("position").values_list("type", flat=True))


def told() -> list[str]:
    return list(Message.objects.order_by("created_at").values_list("type", flat=True))


def shown(client: APIClient, tracker: Tracker) -> Any:
    return client.get(f"/v1/trackers/{tracker.id}").json()


class TestAStalledParcel:
    def test_is_told_with_an_event_a_message_and_on_the_tracker(
        self, as_alice: APIClient, tracker: Tracker, poll_all: Poll
    ) -> None:
        assert shown(as_alice, tracker)["stalledAt"] is None
        pass_time(5 * DAY)
        poll_all()
        event = Event.objects.latest("position")
        assert (event.type, event.data["milestone"]) == ("tracking.stalled", "in_transit")
        message = Message.objects.latest("created_at")
        body = json.loads(bytes(message.body))
        assert message.type == body["type"] == "tracking.stalled"
        assert body["trackings"][0]["events"] == []
        now = shown(as_alice, tracker)
        assert now["stalledAt"] == event.recorded_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert (now["isTracked"], now["stopReason"]) == (True, None)
        assert now["nextPollAt"] is not None

    @pytest.mark.usefixtures("tracker")
    def test_is_told_once_a_silence(self, poll_all: Poll) -> None:
        for _ in range(4):
            pass_time(5 * DAY)
            assert poll_all() == 1
        assert types().count("tracking.stalled") == 1
        assert differing() == set()

    def test_is_none_any_more_with_a_new_scan_and_a_new_silence_is_told_again(
        self, as_alice: APIClient, tracker: Tracker, carrier: CarrierServer, poll_all: Poll
    ) -> None:
        pass_time(5 * DAY)
        poll_all()
        carrier.replies[NUMBER] = order(NUMBER, "050000", "100000", "200000")
        pass_time(DAY)
        poll_all()
        assert shown(as_alice, tracker)["stalledAt"] is None
        pass_time(5 * DAY)
        poll_all()
        assert types().count("tracking.stalled") == told().count("tracking.stalled") == 2
        assert differing() == set()

    @pytest.mark.usefixtures("tracker")
    def test_is_not_told_where_the_same_answer_brings_news(
        self, carrier: CarrierServer, poll_all: Poll
    ) -> None:
        carrier.replies[NUMBER] = order(NUMBER, "050000", "100000", "200000")
        pass_time(6 * DAY)
        poll_all()
        assert "tracking.stalled" not in types()

    @pytest.mark.usefixtures("tracker")
    def test_is_not_told_while_its_carrier_cannot_be_asked(
        self, carrier: CarrierServer, poll_all: Poll
    ) -> None:
        carrier.replies[NUMBER] = (503, b"")
        pass_time(6 * DAY)
        poll_all()
        assert "tracking.stalled" not in types()


class TestAParcelThatIsFollowedForTooLong:
    def test_is_stopped_although_it_has_news_from_time_to_time(
        self, as_alice: APIClient, tracker: Tracker, poll_all: Poll
    ) -> None:
        pass_time(180 * DAY)
        Tracker.objects.update(news_at=timezone.now() - DAY)
        poll_all()
        assert shown(as_alice, tracker)["stopReason"] == "expired"
        assert types()[-1] == told()[-1] == "tracker.stopped"
        assert list(Watch.objects.values_list("next_poll_at", flat=True)) == [None]

    def test_is_stopped_by_the_next_answer_where_this_one_has_news(
        self, as_alice: APIClient, tracker: Tracker, carrier: CarrierServer, poll_all: Poll
    ) -> None:
        pass_time(180 * DAY)
        carrier.replies[NUMBER] = order(NUMBER, "050000", "100000", "200000")
        assert poll_all() == 2
        assert types()[-2:] == ["tracking.scanned", "tracker.stopped"]
        assert shown(as_alice, tracker)["stopReason"] == "expired"

    def test_counts_its_days_anew_once_it_is_taken_up_again(
        self, as_alice: APIClient, tracker: Tracker, poll_all: Poll
    ) -> None:
        pass_time(180 * DAY)
        poll_all()
        assert as_alice.post(f"/v1/trackers/{tracker.id}/retrack").status_code == 200
        poll_all()
        pass_time(20 * DAY)
        poll_all()
        assert shown(as_alice, tracker)["isTracked"] is True
        assert types().count("tracker.stopped") == 1
        assert differing() == set()


class TestTakingUpAgain:
    def test_one_that_is_followed_changes_nothing(
        self, as_alice: APIClient, tracker: Tracker, poll_all: Poll
    ) -> None:
        before = types()
        answer = as_alice.post(f"/v1/trackers/{tracker.id}/retrack")
        assert answer.status_code == 200
        assert answer.json()["data"]["tracker"]["trackerId"] == str(tracker.id)
        assert types() == before
        assert poll_all() == 0

    def test_a_stopped_one_is_asked_at_once_before_others(
        self, as_alice: APIClient, tracker: Tracker, poll_all: Poll
    ) -> None:
        pass_time(31 * DAY)
        poll_all()
        assert shown(as_alice, tracker)["stopReason"] == "no_news"
        again = as_alice.post(f"/v1/trackers/{tracker.id}/retrack").json()["data"]["tracker"]
        assert (again["isTracked"], again["stopReason"]) == (True, None)
        assert types()[-1] == told()[-1] == "tracker.restarted"
        assert Watch.objects.get().urgency == 0
        assert poll_all() == 1

    def test_an_unsubscribed_one_is_followed_by_its_own_name(
        self, alice: Merchant, account: CarrierAccount, as_alice: APIClient, follow: Follow
    ) -> None:
        tracker = follow(alice, "HSBBBB00", clientTrackerId="mine")
        as_alice.patch(f"/v1/trackers/{tracker.id}", {"isSubscribed": False}, format="json")
        answer = as_alice.post("/v1/trackers/mine/retrack?searchBy=clientTrackerId")
        assert answer.json()["data"]["tracker"]["isSubscribed"] is True

    def test_not_where_another_one_took_its_place_or_beyond_the_quota(
        self, alice: Merchant, account: CarrierAccount, as_alice: APIClient, follow: Follow
    ) -> None:
        tracker = follow(alice, NUMBER)
        as_alice.patch(f"/v1/trackers/{tracker.id}", {"isSubscribed": False}, format="json")
        other = follow(alice, NUMBER)
        assert other.id != tracker.id
        taken = as_alice.post(f"/v1/trackers/{tracker.id}/retrack")
        assert (taken.status_code, taken.json()["errors"][0]["code"]) == (400, "tracker_conflict")
        Merchant.objects.update(tracker_limit=1)
        refused = as_alice.post(f"/v1/trackers/{tracker.id}/retrack")
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, "quota_limit_reached")


class TestUrgency:
    def test_follows_the_schedule_from_poll_to_poll(
        self, alice: Merchant, carrier: CarrierServer, account: CarrierAccount, follow: Follow, poll_all: Poll
    ) -> None:
        follow(alice, NUMBER)
        urgencies = [Watch.objects.get().urgency]
        for codes in ([], ["050000", "100000"], ["050000", "100000", "500000"]):
            carrier.replies[NUMBER] = order(NUMBER, *codes) if codes else (404, b"{}")
            poll_all()
            urgencies.append(Watch.objects.get().urgency)
            pass_time(timedelta(minutes=1))
        assert urgencies == [0, 3, 2, 3]

    @pytest.mark.usefixtures("account")
    def test_stays_the_highest_until_the_carrier_answers(
        self, alice: Merchant, carrier: CarrierServer, follow: Follow, poll_all: Poll
    ) -> None:
        follow(alice, NUMBER)
        carrier.replies[NUMBER] = (503, b"")
        poll_all()
        assert Watch.objects.get().urgency == 0
        carrier.replies[NUMBER] = (404, b"{}")
        pass_time(timedelta(minutes=1))
        poll_all()
        assert Watch.objects.get().urgency == 3

    def test_is_highest_where_a_poll_was_asked_for(
        self, as_alice: APIClient, tracker: Tracker, poll_all: Poll
    ) -> None:
        assert Watch.objects.get().urgency == 2
        as_alice.post(f"/v1/trackers/{tracker.id}/poll")
        assert Watch.objects.get().urgency == 0
        poll_all()
        assert Watch.objects.get().urgency == 2

    def test_is_high_on_the_day_that_the_carrier_expects_to_deliver(
        self, alice: Merchant, carrier: CarrierServer, account: CarrierAccount, follow: Follow, poll_all: Poll
    ) -> None:
        expected = f"{timezone.now():%Y-%m-%dT%H:%M:%S}+00:00"
        carrier.replies[NUMBER] = order(NUMBER, "050000", "100000", expected_completion=expected)
        follow(alice, NUMBER)
        poll_all()
        assert Watch.objects.get().urgency == 1
