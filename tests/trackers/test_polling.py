"""Polling and recording: real HTTP, real PostgreSQL, in this process."""

import zlib
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.adapter import Answer, Credentials, Query
from carriers.fetching import Fetched
from carriers.models import CarrierAccount, UnmappedCode
from carriers.registry import adapter
from events.models import Event
from events.statuses import Milestone
from tests.carrier_server import DATA, CarrierServer, order
from tests.factories import CarrierAccountFactory
from trackers.claims import Claim, claim
from trackers.concluding import conclude
from trackers.models import PersonalData, RawAnswer, Tracker, Watch
from trackers.polling import Asked
from trackers.rebuilding import check
from trackers.schedule import CADENCE
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
Poll = Callable[[], int]
Count = Callable[[Callable[[], object]], int]
HOUR = timedelta(hours=1)
NEVER = datetime.max.replace(tzinfo=UTC)


def silent_for(time: timedelta) -> None:
    """As if nothing new had been heard for that long, although somebody could ask."""
    Tracker.objects.update(created_at=timezone.now() - time)
    Watch.objects.update(assigned_at=timezone.now() - time)


def make_due(**watches: Any) -> None:
    """As if the time of the next poll had come."""
    Watch.objects.filter(**watches).update(next_poll_at=timezone.now() - HOUR)


def answered(one: Claim, reply: tuple[int, bytes]) -> tuple[Asked, Fetched[Asked]]:
    """What a claimed watch's carrier answered, without asking it."""
    credentials = Credentials(one.account, "https://carrier.example", "key", "Asia/Bangkok")
    query = Query(one.number, credentials, one.claimed_at, one.since, one.tracker)
    parsed = adapter(one.courier).parse(Answer(reply[0], {}, reply[1]), query)
    asked = Asked(one, own_account=True)
    return asked, Fetched(asked, snapshot=parsed)


def elsewhere(statement: str) -> None:
    """Run SQL in a carrier's thread, which is to leave no connection behind."""
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)


def outcome(tracker: Tracker) -> tuple[str | None, str | None]:
    watch = tracker.watches.get()
    return watch.last_outcome, watch.last_error


@pytest.fixture
def sample(carrier: CarrierServer, account: CarrierAccount) -> bytes:
    """The carrier answers with its own published sample."""
    body = (DATA / "all24" / "delivered.json").read_bytes()
    carrier.replies["HSBY37H7"] = (200, body)
    return body


@pytest.mark.usefixtures("sample")
class TestTheSampleOrder:
    def test_it_ends_delivered_with_five_scans_in_the_carriers_order(
        self, alice: Merchant, as_alice: APIClient, follow: Follow, poll_all: Poll
    ) -> None:
        tracker = follow(alice, "HSBY37H7")
        assert poll_all() == 1
        results = as_alice.get(f"/v1/trackers/{tracker.id}/results").json()["data"]["trackings"][0]
        scans = results["events"]
        assert results["shipment"]["statusMilestone"] == "delivered"
        codes = [scan["carrierEventCode"] for scan in scans]
        assert codes == ["500000", "300000", "200000", "100000", "050000"]
        assert [scan["order"] for scan in scans] == [5, 4, 3, 2, 1]
        assert scans[0]["occurrenceDatetime"] == "2015-08-18T12:02:00+07:00"
        assert scans[0]["datetime"] == scans[1]["datetime"] == "2015-08-18T05:02:00.000Z"
        assert (scans[0]["timeCertainty"], scans[0]["utcOffset"]) == ("offset_assumed", "+07:00")
        assert results["statistics"]["timestamps"] == {
            "infoReceivedDatetime": "2015-08-18T12:00:59+07:00",
            "inTransitDatetime": "2015-08-18T12:01:30+07:00",
            "outForDeliveryDatetime": None,
            "failedAttemptDatetime": None,
            "availableForPickupDatetime": None,
            "exceptionDatetime": None,
            "deliveredDatetime": "2015-08-18T12:02:00+07:00",
        }

    def test_polled_ten_times_more_it_has_five_scans(
        self, alice: Merchant, carrier: CarrierServer, follow: Follow, poll_all: Poll
    ) -> None:
        tracker = follow(alice, "HSBY37H7")
        poll_all()
        events = Event.objects.count()
        for _ in range(10):
            make_due()
            assert poll_all() == 1
        assert len(carrier.asked) == 11
        assert Event.objects.count() == events
        assert outcome(tracker) == ("unchanged", None)
        assert list(check()) == []

    def test_its_own_account_leaves_personal_data_and_the_answer_beside_the_log(
        self, alice: Merchant, follow: Follow, poll_all: Poll
    ) -> None:
        follow(alice, "HSBY37H7")
        poll_all()
        assert "The Met Condo" in str(PersonalData.objects.get().recipient)
        assert b"The Met Condo" in zlib.decompress(RawAnswer.objects.get().body)

    def test_a_house_account_leaves_neither_personal_data_nor_the_answer(
        self, bob: Merchant, as_bob: APIClient, account: CarrierAccount, follow: Follow, poll_all: Poll
    ) -> None:
        CarrierAccount.objects.update(merchant=None)
        tracker = follow(bob, "HSBY37H7")
        poll_all()
        results = as_bob.get(f"/v1/trackers/{tracker.id}/results").json()["data"]["trackings"][0]
        assert len(results["events"]) == 5
        assert results["shipment"]["recipient"] is None
        assert not PersonalData.objects.exists()
        assert not RawAnswer.objects.exists()

    def test_the_api_tells_how_polling_goes(
        self, alice: Merchant, as_alice: APIClient, follow: Follow, poll_all: Poll
    ) -> None:
        tracker = follow(alice, "HSBY37H7")
        poll_all()
        shown = as_alice.get(f"/v1/trackers/{tracker.id}").json()
        assert (shown["lastPollOutcome"], shown["lastPollError"], shown["stopReason"]) == ("ok", None, None)
        assert shown["lastPolledAt"] < shown["nextPollAt"]


NAN = b'{"HSNEIGHB": {"history": NaN}, "response_code": 200, "error_codes": []}'
HOSTILE: dict[str, tuple[int, bytes]] = {
    "an HTML page": (200, b"<html><body>Maintenance</body></html>"),
    "truncated": (200, order("HSAAAA00", "050000")[1][:-40]),
    "an array": (200, b"[1, 2]"),
    "NaN": (200, NAN),
    "NUL bytes": (200, b"\x00" * 100),
    "nothing": (200, b""),
    "deeply nested": (200, b'{"a":' * 50_000),
    "no history": (
        200,
        b'{"HSAAAA00": {"hs_order_ref": "HSAAAA00"}, "response_code": 200}',
    ),
    "not UTF-8": (200, b"\xff\xfe\xfa"),
}


@pytest.mark.usefixtures("account")
class TestHostileAnswers:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_that_tracker_shows_a_clear_error_and_its_neighbours_are_recorded(
        self, alice: Merchant, carrier: CarrierServer, follow: Follow, poll_all: Poll, name: str
    ) -> None:
        carrier.replies["HSAAAA00"] = HOSTILE[name]
        bad = follow(alice, "HSAAAA00")
        good = [follow(alice, f"HSBBBB{n:02}") for n in range(4)]
        for tracker in good:
            carrier.replies[tracker.tracking_number] = order(tracker.tracking_number, "050000", "100000")
        assert poll_all() == 5
        assert outcome(bad)[0] == "bad_response"
        assert outcome(bad)[1]
        assert [outcome(tracker)[0] for tracker in good] == ["ok"] * 4
        assert Event.objects.filter(type="tracking.scanned").count() == 8

    def test_a_body_of_fifty_megabytes_is_not_read_to_its_end(
        self, alice: Merchant, carrier: CarrierServer, follow: Follow, poll_all: Poll
    ) -> None:
        carrier.replies["HSAAAA00"] = (200, b" " * 50_000_000)
        carrier.replies["HSBBBB00"] = order("HSBBBB00", "050000")
        bad, good = follow(alice, "HSAAAA00"), follow(alice, "HSBBBB00")
        poll_all()
        assert outcome(bad)[0] == "bad_response"
        assert outcome(good)[0] == "ok"

    def test_nul_and_lone_surrogates_in_texts_are_recorded_as_replacement_characters(
        self, alice: Merchant, carrier: CarrierServer, follow: Follow, poll_all: Poll
    ) -> None:
        status, body = order("HSAAAA00", "050000")
        carrier.replies["HSAAAA00"] = (status, body.replace(b"Event 050000", rb"A\u0000B\ud800C"))
        tracker = follow(alice, "HSAAAA00")
        poll_all()
        tracker.refresh_from_db()
        assert tracker.state["scans"][0]["status"] == "A\ufffdB\ufffdC"

    def test_a_scan_with_an_unreadable_date_is_set_aside_and_its_neighbours_are_recorded(
        self, alice: Merchant, carrier: CarrierServer, follow: Follow, poll_all: Poll
    ) -> None:
        status, body = order("HSAAAA00", "050000", "100000", "200000")
        carrier.replies["HSAAAA00"] = (status, body.replace(b"12:01:00", b"25:61:00"))
        tracker = follow(alice, "HSAAAA00")
        poll_all()
        tracker.refresh_from_db()
        assert [scan["carrierEventCode"] for scan in tracker.state["scans"]] == ["050000", "200000"]
        assert tracker.watches.get().set_aside == 1

    def test_an_unknown_code_is_recorded_and_counted(
        self, alice: Merchant, carrier: CarrierServer, follow: Follow, poll_all: Poll
    ) -> None:
        carrier.replies["HSAAAA00"] = order("HSAAAA00", "100000", "777777")
        tracker = follow(alice, "HSAAAA00")
        poll_all()
        tracker.refresh_from_db()
        assert (tracker.milestone, len(tracker.state["scans"])) == ("in_transit", 2)
        assert UnmappedCode.objects.get().code == "777777"


@pytest.mark.usefixtures("account")
class TestOutcomes:
    @pytest.mark.parametrize(
        ("status", "expected", "waits"),
        [
            (400, "refused", 24 * HOUR),
            (402, "refused", 24 * HOUR),
            (429, "throttled", HOUR / 60),
            (500, "unreachable", HOUR / 120),
            (503, "unreachable", HOUR / 120),
        ],
    )
    def test_each_is_shown_and_asked_again_in_its_own_time(
        self,
        alice: Merchant,
        carrier: CarrierServer,
        follow: Follow,
        poll_all: Poll,
        status: int,
        expected: str,
        waits: timedelta,
    ) -> None:
        carrier.replies["HSAAAA00"] = (status, b'{"response_code": 0, "error_codes": []}')
        tracker = follow(alice, "HSAAAA00")
        poll_all()
        watch = tracker.watches.get()
        assert watch.last_outcome == expected
        assert watch.next_poll_at is not None
        assert watch.next_poll_at - (watch.last_polled_at or timezone.now()) >= waits
        assert watch.next_poll_at - timezone.now() < waits * 1.2
        assert Event.objects.count() == 1

    def test_a_number_that_is_not_found_yet_has_a_pace_of_its_own(
        self, alice: Merchant, follow: Follow, poll_all: Poll
    ) -> None:
        tracker = follow(alice, "HSAAAA00")
        poll_all()
        watch = tracker.watches.get()
        assert (watch.last_outcome, watch.last_error) == ("not_found", None)
        pace = CADENCE[Milestone.PENDING][0]
        waited = (watch.next_poll_at or NEVER) - (watch.last_polled_at or NEVER)
        assert min(pace[1:]) <= waited < max(pace[1:]) * 1.2

    def test_a_refused_key_suspends_the_account_and_nothing_more_is_sent_with_it(
        self, alice: Merchant, carrier: CarrierServer, account: CarrierAccount, follow: Follow, poll_all: Poll
    ) -> None:
        for n in range(30):
            carrier.replies[f"HSAAAA{n:02}"] = (401, b"{}")
            follow(alice, f"HSAAAA{n:02}")
        poll_all()
        account.refresh_from_db()
        assert account.state == "suspended"
        asked = len(carrier.asked)
        assert asked <= 10  # what was in flight when the first answer came
        make_due()
        poll_all()
        assert len(carrier.asked) == asked

    def test_after_a_failure_the_wait_doubles(
        self, alice: Merchant, carrier: CarrierServer, follow: Follow, poll_all: Poll
    ) -> None:
        carrier.replies["HSAAAA00"] = (500, b"")
        tracker = follow(alice, "HSAAAA00")
        for failures in (1, 2, 3):
            poll_all()
            assert tracker.watches.get().failures == failures
            make_due()
        carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
        poll_all()
        assert tracker.watches.get().failures == 0


@pytest.mark.usefixtures("account")
def test_recording_a_batch_takes_a_constant_number_of_statements(
    alice: Merchant, as_alice: APIClient, follow: Follow, settings: Settings, count_statements: Count
) -> None:
    """With a subscriber: for one changed tracker, and for thirty."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.POLL_IN_FLIGHT_PER_ACCOUNT = 100
    as_alice.post("/v1/webhooks", {"url": "http://127.0.0.1:9/hook"}, format="json")

    def statements_for(*numbers: str) -> int:
        for number in numbers:
            follow(alice, number)
        batch = [answered(one, order(one.number, "050000", "100000", "300000")) for one in claim(100)]
        assert len(batch) == len(numbers)
        return count_statements(lambda: conclude(batch))

    one = statements_for("HSAAAA00")
    thirty = statements_for(*(f"HSBBBB{n:02}" for n in range(30)))
    assert thirty == one
    assert Delivery.objects.count() == 31
    assert Event.objects.filter(type="tracking.scanned").count() == 31 * 3


@pytest.mark.usefixtures("account")
def test_a_batch_of_unchanged_answers_is_one_statement(
    alice: Merchant, follow: Follow, count_statements: Count
) -> None:
    for number in ("HSAAAA00", "HSAAAA01", "HSAAAA02"):
        follow(alice, number)
    conclude([answered(one, order(one.number, "050000")) for one in claim(100)])
    make_due()
    batch = [answered(one, order(one.number, "050000")) for one in claim(100)]
    assert len(batch) == 3
    assert count_statements(lambda: conclude(batch)) == 1


def test_a_worker_that_lost_its_claim_changes_nothing(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> None:
    tracker = follow(alice, "HSAAAA00")

    def stolen() -> tuple[int, bytes]:
        elsewhere("UPDATE trackers_watch SET claim_id = gen_random_uuid()")
        return order("HSAAAA00", "050000")

    carrier.replies["HSAAAA00"] = stolen
    poll_all()
    assert Event.objects.filter(type="tracking.scanned").count() == 0
    assert tracker.watches.get().last_outcome is None


class TestPollNow:
    @pytest.fixture
    def tracker(self, alice: Merchant, account: CarrierAccount, follow: Follow, poll_all: Poll) -> Tracker:
        tracker = follow(alice, "HSAAAA00")
        poll_all()
        return tracker

    def test_it_makes_the_tracker_due_at_once(
        self, as_alice: APIClient, tracker: Tracker, carrier: CarrierServer, poll_all: Poll
    ) -> None:
        assert as_alice.post(f"/v1/trackers/{tracker.id}/poll").status_code == 202
        poll_all()
        assert len(carrier.asked) == 2

    def test_sooner_than_the_interval_it_is_throttled(self, as_alice: APIClient, tracker: Tracker) -> None:
        as_alice.post(f"/v1/trackers/{tracker.id}/poll")
        answer = as_alice.post(f"/v1/trackers/{tracker.id}/poll")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (429, "too_many_requests")
        assert 1 <= int(answer["Retry-After"]) <= 60

    def test_while_a_poll_is_in_flight_it_is_polled_again(
        self, as_alice: APIClient, tracker: Tracker, carrier: CarrierServer, poll_all: Poll
    ) -> None:
        """The answer under way may be older than the wish."""

        def asked_for_meanwhile() -> tuple[int, bytes]:
            elsewhere(
                "UPDATE trackers_watch SET poll_requested_at = clock_timestamp(),"
                " next_poll_at = clock_timestamp()"
            )
            carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000", "100000")
            return order("HSAAAA00", "050000")

        carrier.replies["HSAAAA00"] = asked_for_meanwhile
        make_due()
        poll_all()
        assert len(carrier.asked) == 3
        tracker.refresh_from_db()
        assert len(tracker.state["scans"]) == 2

    def test_an_unsubscribed_tracker_is_not_polled(self, as_alice: APIClient, tracker: Tracker) -> None:
        Tracker.objects.update(is_subscribed=False)
        answer = as_alice.post(f"/v1/trackers/{tracker.id}/poll")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "tracker_not_updatable")

    def test_a_stopped_tracker_is_polled_once_when_asked_for(
        self, as_alice: APIClient, tracker: Tracker, carrier: CarrierServer, poll_all: Poll
    ) -> None:
        silent_for(timedelta(days=31))
        make_due()
        poll_all()
        stopped = as_alice.get(f"/v1/trackers/{tracker.id}").json()
        told = {name: stopped[name] for name in ("isTracked", "stopReason", "nextPollAt")}
        assert told == {"isTracked": False, "stopReason": "no_news", "nextPollAt": None}
        assert Event.objects.latest("position").type == "tracker.stopped"
        as_alice.post(f"/v1/trackers/{tracker.id}/poll")
        poll_all()
        assert len(carrier.asked) == 3
        assert tracker.watches.get().next_poll_at is None
        assert list(check()) == []


def test_a_rebuilt_tracker_is_the_fold_of_its_log(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> None:
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000", "100000")
    tracker = follow(alice, "HSAAAA00")
    poll_all()
    assert list(check()) == []
    Tracker.objects.update(milestone="delivered", version=9)
    (difference,) = check()
    assert (difference.tracker_id, set(difference.fields)) == (tracker.id, {"milestone", "version"})


def test_the_cadence_follows_the_milestone_that_the_answer_brought(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> None:
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000", "500000")
    tracker = follow(alice, "HSAAAA00")
    poll_all()
    watch = tracker.watches.get()
    assert watch.next_poll_at is not None
    assert watch.next_poll_at - timezone.now() > timedelta(hours=11)


def test_a_poll_asks_with_the_merchants_own_account_before_the_house(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow
) -> None:
    house = CarrierAccountFactory(merchant=None, courier="all24", base_url=carrier.url)
    assert follow(alice, "HSAAAA00").watches.get().carrier_account == account
    CarrierAccount.objects.filter(id=account.id).update(state="suspended")
    assert follow(alice, "HSAAAA01").watches.get().carrier_account == house
