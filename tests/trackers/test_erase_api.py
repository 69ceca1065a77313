"""`POST /v1/trackers/{id}/erase`: what it answers and tells, and what meets it on the way."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from rest_framework.test import APIClient

from accounts import idempotency
from accounts.idempotency import Asked, Claim, Kept
from accounts.models import IdempotencyKey, Merchant
from carriers.models import CarrierAccount
from events.models import Event
from tests.carrier_server import CarrierServer
from tests.polled import poll_due
from tests.trackers.persons import PERSONAL, RECIPIENT, all24_order, places
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory, ended
from trackers import concluding, keeping
from trackers.models import PersonalData, RawAnswer, Tracker, Watch
from trackers.rebuilding import check
from webhooks.claims import take
from webhooks.models import Attempt, Delivery, Message
from webhooks.settling import settle

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
NUMBER = "HSBY37H7"


@pytest.fixture
def parcel(alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow) -> Tracker:
    """Polled once, with all that is personal."""
    carrier.replies[NUMBER] = all24_order(NUMBER, "100000")
    tracker = follow(alice, NUMBER, clientTrackerId="mine", recipient=RECIPIENT)
    poll_due()
    assert RawAnswer.objects.count() == PersonalData.objects.count() == 1
    return tracker


def erase(client: APIClient, tracker: Tracker, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/v1/trackers/{tracker.id}/erase", headers=headers)


def erasures(tracker: Tracker) -> int:
    return Event.objects.filter(stream=tracker.id, type="tracker.erased").count()


def _in_thread(work: Callable[[], object]) -> threading.Thread:
    """On a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    return threading.Thread(target=run)


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")
        waits: bool = cursor.fetchone()[0]
    return waits


def due_again() -> None:
    Watch.objects.update(next_poll_at=Now() - timedelta(hours=1))


def test_it_answers_with_the_tracker_which_says_since_when(as_alice: APIClient, parcel: Tracker) -> None:
    answer = erase(as_alice, parcel)
    assert answer.status_code == 200
    told = answer.json()["data"]["tracker"]
    assert told == as_alice.get(f"/v1/trackers/{parcel.id}").json()["data"]["tracker"]
    parcel.refresh_from_db()
    assert parcel.erased_at == Event.objects.get(type="tracker.erased").recorded_at
    assert told["erasedAt"][:19] == f"{parcel.erased_at:%Y-%m-%dT%H:%M:%S}"


def test_before_it_erased_at_is_null(as_alice: APIClient, parcel: Tracker) -> None:
    assert as_alice.get(f"/v1/trackers/{parcel.id}").json()["erasedAt"] is None


def test_the_merchants_own_id_names_it_too(as_alice: APIClient, parcel: Tracker) -> None:
    assert as_alice.post("/v1/trackers/mine/erase?searchBy=clientTrackerId").status_code == 200
    assert places() == {}


def test_another_merchants_is_not_found_and_stays_whole(as_bob: APIClient, parcel: Tracker) -> None:
    answer = erase(as_bob, parcel)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "tracker_not_found")
    assert PersonalData.objects.count() == RawAnswer.objects.count() == 1


def test_a_second_time_tells_nothing(as_alice: APIClient, parcel: Tracker) -> None:
    first, again = erase(as_alice, parcel), erase(as_alice, parcel)
    assert again.json() == first.json()
    assert erasures(parcel) == 1


def test_its_own_answer_is_kept_for_a_repeat(as_alice: APIClient, parcel: Tracker) -> None:
    first, again = erase(as_alice, parcel, "once"), erase(as_alice, parcel, "once")
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"


def test_results_go_on_without_what_was_personal(as_alice: APIClient, parcel: Tracker) -> None:
    before = as_alice.get(f"/v1/trackers/{parcel.id}/results")
    erase(as_alice, parcel)
    after = as_alice.get(
        f"/v1/trackers/{parcel.id}/results", headers={"If-None-Match": before.headers["ETag"]}
    )
    assert after.status_code == 200
    (tracking,) = after.json()["data"]["trackings"]
    assert (tracking["shipment"]["recipient"], tracking["shipment"]["delivery"]["signedBy"]) == (None, None)
    assert tracking["events"] == before.json()["data"]["trackings"][0]["events"]
    assert as_alice.get(f"/v1/trackers/{parcel.id}/raw").json()["data"]["answers"] == []


def test_the_parcel_is_followed_as_before(
    as_alice: APIClient, parcel: Tracker, carrier: CarrierServer
) -> None:
    erase(as_alice, parcel)
    carrier.replies[NUMBER] = all24_order(NUMBER, "100000", "500000")
    due_again()
    assert poll_due() == 1
    parcel.refresh_from_db()
    assert (parcel.milestone, parcel.is_tracked) == ("delivered", True)
    assert places() == {}
    assert not list(check())


def test_an_archived_tracker_can_be_erased(as_alice: APIClient, parcel: Tracker) -> None:
    as_alice.patch(f"/v1/trackers/{parcel.id}", {"isSubscribed": False}, format="json")
    assert erase(as_alice, parcel).status_code == 200
    assert places() == {}


def test_subscribers_are_told_once(as_alice: APIClient, alice: Merchant, parcel: Tracker) -> None:
    EndpointFactory(merchant=alice)
    erase(as_alice, parcel)
    erase(as_alice, parcel)
    message = Message.objects.get(stream=parcel.id)
    assert message.type == "tracker.erased"
    assert b'"recipient":null' in message.body


def test_it_takes_a_constant_number_of_statements(
    as_alice: APIClient, alice: Merchant, parcel: Tracker, count_statements: Callable[..., int]
) -> None:
    EndpointFactory(merchant=alice)
    erase(as_alice, parcel)
    few = count_statements(lambda: erase(as_alice, parcel))
    as_alice.post(f"/v1/trackers/{parcel.id}/webhook-events/resend")
    for nth in range(5):
        as_alice.post("/v1/trackers", {"trackingNumber": f"HS{nth}"}, headers={"Idempotency-Key": f"{nth}"})
    assert count_statements(lambda: erase(as_alice, parcel)) == few


def test_a_poll_under_way_brings_nothing_back(
    as_alice: APIClient, parcel: Tracker, carrier: CarrierServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier.replies[NUMBER] = all24_order(NUMBER, "100000", "200000")
    due_again()
    conclude = concluding.conclude

    def erased_first(*given: Any) -> None:
        assert erase(as_alice, parcel).status_code == 200
        conclude(*given)

    monkeypatch.setattr("trackers.books.conclude", erased_first)
    poll_due()
    assert Event.objects.filter(stream=parcel.id, type="tracking.scanned").count() == 2
    assert places() == {}


def test_an_unreadable_answer_under_way_is_not_kept(
    as_alice: APIClient, parcel: Tracker, carrier: CarrierServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier.replies[NUMBER] = (200, PERSONAL["all24 recipient_location.addressline1"].encode())
    due_again()
    keep = keeping.keep_useless

    def erased_first(*given: Any) -> None:
        assert erase(as_alice, parcel).status_code == 200
        keep(*given)

    monkeypatch.setattr("trackers.concluding.keep_useless", erased_first)
    poll_due()
    assert RawAnswer.objects.count() == 0


def test_what_a_try_under_way_hears_is_not_kept(
    as_alice: APIClient, alice: Merchant, parcel: Tracker, carrier: CarrierServer
) -> None:
    EndpointFactory(merchant=alice)
    carrier.replies[NUMBER] = all24_order(NUMBER, "100000", "200000")
    due_again()
    poll_due()
    (claimed,) = take(10)
    erase(as_alice, parcel)
    settle([(claimed, ended(claimed.delivery_id, x_recipient="Named"))])
    attempt = Attempt.objects.get()
    assert (attempt.response_body, attempt.response_headers, attempt.status_code) == ("", {}, 200)
    assert Delivery.objects.get(id=claimed.delivery_id).state == "delivered"


def test_settling_and_erasing_at_one_moment_leave_nothing(
    as_alice: APIClient, alice: Merchant, parcel: Tracker, carrier: CarrierServer
) -> None:
    """Whichever of the two holds the delivery first: here settling has to wait."""
    EndpointFactory(merchant=alice)
    carrier.replies[NUMBER] = all24_order(NUMBER, "100000", "200000")
    due_again()
    poll_due()
    (claimed,) = take(10)
    thread = _in_thread(lambda: settle([(claimed, ended(claimed.delivery_id))]))
    with transaction.atomic():
        erase(as_alice, parcel)
        thread.start()
        eventually(_somebody_waits)
    thread.join(10)
    assert Attempt.objects.get().response_body == ""


def test_what_an_endpoint_that_comes_later_answers_to_old_messages_is_not_kept(
    as_alice: APIClient, alice: Merchant, parcel: Tracker
) -> None:
    EndpointFactory(merchant=alice, types=["tracker.erased"])
    erase(as_alice, parcel)
    EndpointFactory(merchant=alice)
    assert as_alice.post(f"/v1/trackers/{parcel.id}/webhook-events/resend").status_code == 201
    settle([(one, ended(one.delivery_id)) for one in take(10)])
    assert list(Attempt.objects.values_list("response_body", flat=True)) == ["", ""]


def test_answers_about_other_parcels_stay(as_alice: APIClient, alice: Merchant, parcel: Tracker) -> None:
    call = {"headers": {"Idempotency-Key": "other"}, "format": "json"}
    first = as_alice.post("/v1/trackers", {"trackingNumber": "HSOTHER1"}, **call)
    erase(as_alice, parcel)
    again = as_alice.post("/v1/trackers", {"trackingNumber": "HSOTHER1"}, **call)
    assert again["Idempotent-Replayed"] == "true"
    assert again.content == first.content


def _call_under_way(merchant: Merchant) -> Claim:
    claim = idempotency.claim(Asked(merchant.id, "POST trackers/track", "k" * 64, "d" * 64))
    assert isinstance(claim, Claim)
    return claim


def _told_of(*ids: UUID) -> Kept:
    return Kept(200, {}, " ".join(f'"{one}"' for one in ids))


def test_a_call_under_way_that_read_it_before_is_not_kept(
    as_alice: APIClient, alice: Merchant, parcel: Tracker
) -> None:
    claim = _call_under_way(alice)
    erase(as_alice, parcel)
    assert not idempotency.keep(claim, _told_of(parcel.id))
    idempotency.release(claim)
    assert not IdempotencyKey.objects.exists()


def test_a_call_under_way_about_another_parcel_is_kept(
    as_alice: APIClient, alice: Merchant, parcel: Tracker
) -> None:
    claim = _call_under_way(alice)
    erase(as_alice, parcel)
    assert idempotency.keep(claim, _told_of(alice.id))


def test_a_call_that_began_while_it_was_erased_is_not_kept_either(
    as_alice: APIClient, alice: Merchant, parcel: Tracker
) -> None:
    claims: list[Claim] = []
    with transaction.atomic():
        erase(as_alice, parcel)
        thread = _in_thread(lambda: claims.append(_call_under_way(alice)))
        thread.start()
        thread.join(10)
    assert not idempotency.keep(claims[0], _told_of(parcel.id))


def test_another_merchants_calls_are_not_concerned(
    as_alice: APIClient, bob: Merchant, parcel: Tracker
) -> None:
    claim = _call_under_way(bob)
    erase(as_alice, parcel)
    assert idempotency.keep(claim, _told_of(parcel.id))
