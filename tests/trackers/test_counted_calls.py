"""Every call that goes to a carrier is counted, whoever makes it; and never one more than the quota."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers import accounts, closing, days
from carriers.closing import close_due, close_later
from carriers.models import CarrierAccount, Closing, DailyUse, Health
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.polled import poll_due
from tests.ship24_server import KEY, event, ship24_server
from trackers.dues import in_flight
from trackers.models import Tracker, Watch
from trackers.polling import Poller

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]


def reserved() -> int:
    return DailyUse.objects.exclude(account=None).get().reserved


def quota(calls: int) -> None:
    CarrierAccount.objects.update(daily_quota=calls)


@pytest.fixture(autouse=True)
def _far_from_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "MARGIN", timedelta(0))


class TestPolls:
    def test_a_poll_is_one_call_and_an_answer_of_any_kind_was_one(
        self, alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow
    ) -> None:
        for number, status in (("HSAAAA00", 200), ("HSAAAA01", 500), ("HSAAAA02", 404)):
            carrier.replies[number] = (status, order(number, "050000")[1])
            follow(alice, number)
        poll_due()
        assert (len(carrier.asked), reserved()) == (3, 3)

    def test_polls_never_exceed_the_quota_and_go_on_the_next_day(
        self, alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow
    ) -> None:
        quota(4)
        for n in range(9):
            follow(alice, f"HSAAAA{n:02}")
        poll_due()
        assert (len(carrier.asked), reserved()) == (4, 4)
        DailyUse.objects.update(day=Now() - timedelta(days=2))
        poll_due()
        assert len(carrier.asked) == 8

    def test_what_is_not_sent_after_a_refused_key_is_returned(
        self,
        alice: Merchant,
        account: CarrierAccount,
        carrier: CarrierServer,
        follow: Follow,
    ) -> None:
        """What was sent is counted: the carrier may have counted it."""
        for n in range(9):
            carrier.replies[f"HSAAAA{n:02}"] = (401, b"{}")
            follow(alice, f"HSAAAA{n:02}")
        poll_due()
        assert reserved() == len(carrier.asked)

    def test_calls_that_could_not_start_before_midnight_there_are_returned_and_the_watch_waits(
        self,
        alice: Merchant,
        account: CarrierAccount,
        carrier: CarrierServer,
        follow: Follow,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        watch = follow(alice, "HSAAAA00").watches.get()
        monkeypatch.setattr("carriers.starting.monotonic", lambda: float("inf"))
        Poller().run(0.1)
        watch.refresh_from_db()
        assert (carrier.asked, reserved()) == ([], 0)
        assert (watch.claim_id, watch.last_outcome, watch.last_polled_at) == (None, None, None)
        assert watch.next_poll_at is not None

    def test_a_key_that_changes_between_claim_and_call_is_not_asked_with_unreserved(
        self,
        alice: Merchant,
        account: CarrierAccount,
        carrier: CarrierServer,
        follow: Follow,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Its calls would be counted for the key before it."""
        follow(alice, "HSAAAA00")
        usable = accounts.usable

        def changed_first(account_ids: Any) -> Any:
            accounts.replace_key(CarrierAccount.objects.get(id=account.id), "another")
            return usable(account_ids)

        monkeypatch.setattr(accounts, "usable", changed_first)
        Poller().run(0.1)
        assert (carrier.asked, reserved()) == ([], 0)
        assert Watch.objects.get().claim_id is None


class TestShip24:
    @pytest.fixture
    def own(self, alice: Merchant, settings: Settings) -> Any:
        settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
        with ship24_server() as server:
            server.finds = [event("a", "delivered")]
            yield (
                CarrierAccountFactory(merchant=alice, courier="ship24", key=KEY, base_url=server.url),
                server,
            )

    def test_a_poll_counts_the_calls_that_it_made(self, alice: Merchant, own: Any, follow: Follow) -> None:
        follow(alice, "RR123456785GB", courierCode="ship24")
        poll_due()
        assert reserved() == len(own[1].methods) == 3
        Watch.objects.update(next_poll_at=Now())
        poll_due()
        assert reserved() == len(own[1].methods) == 4

    def test_what_is_ended_there_counts_too(self, alice: Merchant, own: Any, follow: Follow) -> None:
        tracker = follow(alice, "RR123456785GB", courierCode="ship24")
        poll_due()
        before = len(own[1].methods)
        close_later([(own[0].id, "ship24", tracker.id)])
        assert close_due(60, in_flight) == 1
        assert (len(own[1].methods) - before, reserved()) == (1, before + 1)

    def test_without_calls_left_it_is_put_off_and_no_failure(
        self, alice: Merchant, own: Any, follow: Follow
    ) -> None:
        tracker = follow(alice, "RR123456785GB", courierCode="ship24")
        poll_due()
        quota(reserved())
        close_later([(own[0].id, "ship24", tracker.id)])
        close_due(60, in_flight)
        (left,) = Closing.objects.all()
        assert (left.failures, left.claim_id, own[1].methods.count("PATCH")) == (0, None, 0)

    def test_it_keeps_to_the_places_of_its_account(
        self, alice: Merchant, own: Any, follow: Follow, settings: Settings
    ) -> None:
        settings.POLL_IN_FLIGHT_PER_ACCOUNT = 1
        tracker = follow(alice, "RR123456785GB", courierCode="ship24")
        Watch.objects.update(claim_id=tracker.id, claimed_until=Now() + timedelta(minutes=1))
        close_later([(own[0].id, "ship24", tracker.id)])
        close_due(60, in_flight)
        assert own[1].methods == []
        assert Closing.objects.get().failures == 0
        assert closing.AT_ONCE == 10


class TestQuestions:
    def test_a_search_is_counted_and_withheld_beyond_the_quota(
        self, as_alice: APIClient, account: CarrierAccount, carrier: CarrierServer
    ) -> None:
        carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
        quota(1)
        answers = [
            as_alice.post(
                "/v1/tracking/search", {"trackingNumber": "HSAAAA00", "courierCode": "all24"}, format="json"
            )
            for _ in range(2)
        ]
        assert [one.status_code for one in answers] == [201, 503]
        assert int(answers[1]["Retry-After"]) >= 5
        assert "used up" in answers[1].json()["errors"][0]["message"]
        assert (len(carrier.asked), reserved()) == (1, 1)

    def test_where_ones_own_account_has_no_calls_left_the_house_is_asked(
        self, as_alice: APIClient, account: CarrierAccount, carrier: CarrierServer
    ) -> None:
        carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
        quota(1)
        DailyUse.objects.create(account=account, courier="all24", day=days_now(), reserved=1)
        house = CarrierAccountFactory(merchant=None, courier="all24", base_url=carrier.url)
        body = {"trackingNumber": "HSAAAA00", "courierCode": "all24"}
        assert as_alice.post("/v1/tracking/search", body, format="json").status_code == 201
        assert DailyUse.objects.get(account=house).reserved == 1

    def test_the_test_of_a_key_is_counted_and_says_when_nothing_is_left(
        self, as_alice: APIClient, account: CarrierAccount, carrier: CarrierServer
    ) -> None:
        quota(1)
        outcomes = [
            as_alice.post(f"/v1/carrier-accounts/{account.id}/test").json()["data"]["test"] for _ in range(2)
        ]
        assert [one["outcome"] for one in outcomes] == ["ok", "throttled"]
        assert outcomes[1]["error"] == "The day's calls of this account are used up."
        assert len(carrier.asked) == 1

    def test_while_a_carrier_cannot_be_reached_a_search_says_so_at_once(
        self, as_alice: APIClient, account: CarrierAccount, carrier: CarrierServer
    ) -> None:
        Health.objects.update(circuit="open", open_until=Now() + timedelta(minutes=2))
        body = {"trackingNumber": "HSAAAA00", "courierCode": "all24"}
        answer = as_alice.post("/v1/tracking/search", body, format="json")
        assert (answer.status_code, carrier.asked) == (503, [])
        assert "cannot be reached" in answer.json()["errors"][0]["message"]


def days_now() -> Any:
    found = days.today("all24", timezone.now())
    assert found is not None
    return found.date
