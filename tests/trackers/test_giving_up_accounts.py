"""Deleting a carrier account strands no parcel, whatever is under way."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers import accounts
from carriers.exceptions import KeyExhausted, NotYourParcel
from carriers.fetching import Fetched
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.polled import poll_due
from tests.trackers.test_faults import held_elsewhere, lock_timeout
from tests.waiting import eventually
from trackers.assignment import assign
from trackers.carrier_accounts import owning
from trackers.claims import claim, renew
from trackers.concluding import conclude
from trackers.detection import settle_accounts
from trackers.models import Tracker, Watch
from trackers.polling import Asked, heed_all

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]


def test_its_parcels_move_to_another_account(
    alice: Merchant, as_alice: APIClient, account: CarrierAccount, carrier: CarrierServer, follow: Follow
) -> None:
    follow(alice, "HSAAAA00")
    other = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    assert as_alice.delete(f"/v1/carrier-accounts/{account.id}").status_code == 204
    assert as_alice.delete(f"/v1/carrier-accounts/{account.id}").status_code == 404
    settle_accounts()
    assert Watch.objects.get().carrier_account == other


def test_without_another_they_wait_and_go_on_when_one_comes(
    alice: Merchant, as_alice: APIClient, account: CarrierAccount, carrier: CarrierServer, follow: Follow
) -> None:
    tracker = follow(alice, "HSAAAA00")
    as_alice.delete(f"/v1/carrier-accounts/{account.id}")
    settle_accounts()
    assert as_alice.get(f"/v1/trackers/{tracker.id}").json()["lastPollOutcome"] == "no_carrier_account"
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    settle_accounts()
    assert poll_due() == 1


def test_a_parcel_that_another_account_follows_does_not_say_that_none_does(
    alice: Merchant, as_alice: APIClient, account: CarrierAccount, carrier: CarrierServer, follow: Follow
) -> None:
    """Its next poll, which tells anew, may be half a day away."""
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "500000")
    tracker = follow(alice, "HSAAAA00")
    poll_due()
    CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    as_alice.delete(f"/v1/carrier-accounts/{account.id}")
    settle_accounts()
    told = as_alice.get(f"/v1/trackers/{tracker.id}").json()
    assert (told["lastPollOutcome"], told["nextPollAt"] is None) == (None, False)


def test_a_parcel_that_nobody_asks_about_any_more_keeps_its_last_outcome(
    alice: Merchant, as_alice: APIClient, account: CarrierAccount, follow: Follow
) -> None:
    tracker = follow(alice, "HSAAAA00")
    Watch.objects.update(next_poll_at=None, last_polled_at=Now(), last_outcome="ok")
    as_alice.delete(f"/v1/carrier-accounts/{account.id}")
    assert as_alice.get(f"/v1/trackers/{tracker.id}").json()["lastPollOutcome"] == "ok"


def test_stopped_parcels_are_let_go_of_too(
    alice: Merchant, as_alice: APIClient, account: CarrierAccount, follow: Follow
) -> None:
    follow(alice, "HSAAAA00")
    Watch.objects.update(next_poll_at=None)
    assert as_alice.delete(f"/v1/carrier-accounts/{account.id}").status_code == 204
    assert Watch.objects.get().carrier_account is None


def test_a_poll_under_way_ends_quietly_and_the_parcel_is_asked_again(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow
) -> None:
    tracker = follow(alice, "HSAAAA00")
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    carrier.gate.clear()
    with ThreadPoolExecutor(1) as thread:
        polling = thread.submit(_poll)
        eventually(lambda: carrier.asked)
        owning.give_up(alice.id, account.id)
        carrier.gate.set()
        assert polling.result(120) == 1
    tracker.refresh_from_db()
    assert (tracker.milestone, Watch.objects.get().claim_id) == ("pending", None)
    CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    settle_accounts()
    assert poll_due() == 1
    tracker.refresh_from_db()
    assert tracker.milestone == "info_received"


def _poll() -> int:
    try:
        return poll_due()
    finally:
        connection.close()


def test_the_next_account_is_not_blamed_for_what_the_deleted_one_heard(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow
) -> None:
    follow(alice, "HSAAAA00")
    asked = Asked(claim(1)[0], own_account=True)
    owning.give_up(alice.id, account.id)
    other = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    settle_accounts()
    renew([asked.claim])
    heard = Fetched(asked, error=NotYourParcel())
    heed_all([heard])
    conclude([(asked, heard)])
    watch = Watch.objects.get()
    assert (watch.carrier_account, watch.refused_account_ids, watch.claim_id) == (other, [], None)


def test_a_new_key_need_not_rest_for_what_the_old_one_hears_late(
    alice: Merchant, account: CarrierAccount, follow: Follow
) -> None:
    """It was replaced because its look-ups were used up: then all that is under way says so."""
    follow(alice, "HSAAAA00")
    asked = Asked(claim(1)[0], own_account=True)
    accounts.replace_key(account, "another key")
    heed_all(
        [Fetched(asked, error=KeyExhausted("used up", resting_until=timezone.now() + timedelta(days=1)))]
    )
    account.refresh_from_db()
    assert account.resting_until is None


@pytest.mark.parametrize("number", range(3))
def test_giving_a_parcel_an_account_that_is_being_deleted_meets_no_fault(
    alice: Merchant, carrier: CarrierServer, follow: Follow, number: int
) -> None:
    """Accounts come and go while parcels look for one; nobody fails, and no watch points at nothing."""
    for n in range(5):
        follow(alice, f"HSAAAA{n:02}")
    watches = list(Watch.objects.values_list("id", flat=True))
    over = threading.Event()

    def look() -> None:
        try:
            while not over.is_set():
                assign(watches)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        looking = [threads.submit(look) for _ in range(2)]
        for _ in range(20):
            made = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
            owning.give_up(alice.id, made.id)
        over.set()
        assert [one.result(120) for one in looking] == [None, None]
    assert set(Watch.objects.values_list("carrier_account", flat=True)) == {None}


def test_letting_go_takes_a_fixed_number_of_statements(
    alice: Merchant,
    account: CarrierAccount,
    carrier: CarrierServer,
    follow: Follow,
    count_statements: Callable[[Callable[[], object]], int],
) -> None:
    follow(alice, "HSAAAA00")
    few = count_statements(lambda: owning.give_up(alice.id, account.id))
    more = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    for n in range(1, 20):
        follow(alice, f"HSAAAA{n:02}")
    assert count_statements(lambda: owning.give_up(alice.id, more.id)) == few


@pytest.mark.parametrize(("method", "path"), [("put", "/key"), ("post", "/pause"), ("delete", "")])
def test_an_account_that_is_being_changed_elsewhere_for_too_long_is_a_conflict(
    as_alice: APIClient, account: CarrierAccount, method: str, path: str
) -> None:
    lock_timeout(100)
    with held_elsewhere("SELECT FROM carriers_carrieraccount WHERE id = %s FOR UPDATE", account.id):
        answer = getattr(as_alice, method)(
            f"/v1/carrier-accounts/{account.id}{path}", {"key": "another"} if path == "/key" else None, "json"
        )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "request_conflict")
    assert answer["Retry-After"]


def test_an_account_cannot_be_added_while_its_merchant_is_changed_for_too_long(
    alice: Merchant, as_alice: APIClient
) -> None:
    lock_timeout(100)
    with held_elsewhere("SELECT FROM accounts_merchant WHERE id = %s FOR UPDATE", alice.id):
        answer = as_alice.post("/v1/carrier-accounts", {"courierCode": "all24", "key": "k"}, "json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "request_conflict")
    assert not CarrierAccount.objects.exists()
