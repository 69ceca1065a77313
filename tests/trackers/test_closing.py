"""What Ship24 keeps open for a tracker is ended there when the tracker stops, and not before."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers import closing
from carriers.accounts import resume
from carriers.adapters.ship24 import Ship24
from carriers.closing import close_due, close_later
from carriers.models import CarrierAccount, Closing
from events.models import Event
from tests.factories import CarrierAccountFactory
from tests.ship24_server import KEY, Ship24Server, event, in_the_middle
from trackers.detection import settle_accounts
from trackers.models import Tracker, Watch
from trackers.tasks import sweep
from trackers.watching import locked, wake

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "RR123456785GB"


@pytest.fixture
def there(there: Ship24Server) -> Ship24Server:
    there.finds = [event("a", "delivered")]
    return there


@pytest.fixture
def own(alice: Merchant, there: Ship24Server) -> CarrierAccount:
    return CarrierAccountFactory(merchant=alice, courier="ship24", key=KEY, base_url=there.url)


@pytest.fixture
def tracker(
    alice: Merchant, own: CarrierAccount, follow: Callable[..., Tracker], poll_all: Callable[[], int]
) -> Tracker:
    """Followed at Ship24 already."""
    made = follow(alice, NUMBER, courierCode="ship24")
    poll_all()
    return made


def owe(tracker: Tracker, account: CarrierAccount) -> None:
    close_later([(account.id, "ship24", tracker.id)])


def test_a_tracker_that_the_engine_stops_is_ended_there(tracker: Tracker, there: Ship24Server) -> None:
    long_ago = timezone.now() - timedelta(days=8)
    Tracker.objects.update(created_at=long_ago, news_at=long_ago, milestone_at=long_ago)
    Watch.objects.update(next_poll_at=Now(), assigned_at=long_ago)
    sweep()
    assert Event.objects.filter(type="tracker.stopped").count() == 1
    assert not there.trackers[str(tracker.id)].subscribed
    assert not Closing.objects.exists()


def test_what_is_owed_twice_is_owed_once(tracker: Tracker, own: CarrierAccount, there: Ship24Server) -> None:
    owe(tracker, own)
    owe(tracker, own)
    assert close_due(60) == 1
    assert there.methods.count("PATCH") == 1


def test_couriers_that_keep_nothing_open_owe_nothing(
    tracker: Tracker, own: CarrierAccount, count_statements: Callable[[Callable[[], object]], int]
) -> None:
    assert count_statements(lambda: close_later([(own.id, "all24", tracker.id)])) == 0


def restart(tracker: Tracker) -> None:
    with transaction.atomic():
        wake(locked([tracker.id]))


def test_a_restart_before_it_ran_drops_it(tracker: Tracker, own: CarrierAccount, there: Ship24Server) -> None:
    owe(tracker, own)
    restart(tracker)
    assert close_due(60) == 0
    assert there.trackers[str(tracker.id)].subscribed


def test_a_restart_after_it_ran_takes_it_up_there_at_the_next_poll(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server, poll_all: Callable[[], int]
) -> None:
    owe(tracker, own)
    close_due(60)
    restart(tracker)
    poll_all()
    assert there.trackers[str(tracker.id)].subscribed


def test_what_ship24_does_not_know_any_more_is_ended(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server
) -> None:
    there.trackers.clear()
    owe(tracker, own)
    close_due(60)
    assert not Closing.objects.exists()


def test_a_failure_is_tried_again_later_and_later(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server
) -> None:
    owe(tracker, own)
    waits = []
    for _ in range(3):
        there.says("PATCH", 503, None)
        Closing.objects.update(next_attempt_at=Now())
        assert close_due(60) == 1
        waits.append(Closing.objects.get().next_attempt_at - timezone.now())
    assert waits[0] > timedelta(seconds=30)
    assert waits == sorted(waits)
    assert close_due(60) == 0


def test_it_gives_up_after_a_week(tracker: Tracker, own: CarrierAccount, there: Ship24Server) -> None:
    owe(tracker, own)
    Closing.objects.update(created_at=timezone.now() - timedelta(days=8))
    there.says("PATCH", 503, None)
    close_due(60)
    assert not Closing.objects.exists()


def test_what_is_refused_for_good_is_given_up_at_once(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server
) -> None:
    owe(tracker, own)
    there.says("PATCH", 400, "validation_error")
    close_due(60)
    assert not Closing.objects.exists()


def test_it_waits_for_an_account_that_is_not_active(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server
) -> None:
    owe(tracker, own)
    CarrierAccount.objects.update(state="suspended")
    assert close_due(60) == 0
    CarrierAccount.objects.update(state="active")
    assert close_due(60) == 1


def test_a_key_that_is_refused_suspends_the_account_and_the_end_stays_owed(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server
) -> None:
    owe(tracker, own)
    there.says("PATCH", 401, "auth_invalid_api_key")
    close_due(60)
    own.refresh_from_db()
    assert own.state == "suspended"
    assert Closing.objects.get().claim_id is None


def test_a_claim_is_nobody_elses_until_its_lease_ends(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server
) -> None:
    owe(tracker, own)
    (lost,) = closing._claim()
    assert closing._claim() == []
    Closing.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    (held,) = closing._claim()
    assert (lost.failures, held.failures) == (1, 2)
    closing._settle(lost, None)
    assert Closing.objects.get().claim_id == held.claim


def test_an_account_that_is_deleted_owes_nothing(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server
) -> None:
    owe(tracker, own)
    own.delete()
    assert close_due(60) == 0


def test_what_is_owed_anew_while_it_is_under_way_is_done_again(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server
) -> None:
    owe(tracker, own)
    (under_way,) = closing._claim()
    owe(tracker, own)
    closing._settle(under_way, None)
    assert close_due(60) == 1


def test_a_fault_of_our_own_holds_up_nobody_else(
    tracker: Tracker, own: CarrierAccount, there: Ship24Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = uuid4()
    close = Ship24.close

    def fail(self: Ship24, tracker_id: UUID, *rest: Any) -> None:
        if tracker_id == faulty:
            raise RuntimeError("a fault")
        close(self, tracker_id, *rest)

    monkeypatch.setattr(Ship24, "close", fail)
    close_later([(own.id, "ship24", faulty)])
    owe(tracker, own)
    assert close_due(60) == 2
    assert Closing.objects.values_list("tracker_id", "claim_id").get() == (faulty, None)


def test_an_account_that_is_gone_is_owed_nothing(tracker: Tracker, own: CarrierAccount) -> None:
    gone = own.id
    own.delete()
    close_later([(gone, "ship24", tracker.id)])
    assert not Closing.objects.exists()


@pytest.mark.parametrize("deleted", [True, False])
def test_what_a_poll_made_there_after_the_stop_is_ended_too(
    alice: Merchant,
    as_alice: APIClient,
    own: CarrierAccount,
    there: Ship24Server,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
    deleted: bool,
) -> None:
    made = follow(alice, NUMBER, courierCode="ship24")

    def stop() -> None:
        if deleted:
            as_alice.delete(f"/v1/trackers/{made.id}")
        else:
            as_alice.patch(f"/v1/trackers/{made.id}", {"isSubscribed": False}, format="json")
        assert close_due(60) == 1

    in_the_middle(there, "GET", stop)
    poll_all()
    assert there.trackers[str(made.id)].subscribed
    assert close_due(60) == 1
    assert not there.trackers[str(made.id)].subscribed


def test_a_poll_of_a_tracker_that_is_followed_owes_no_end(tracker: Tracker) -> None:
    assert not Closing.objects.exists()


@pytest.fixture
def other(there: Ship24Server) -> CarrierAccount:
    """The house's."""
    return CarrierAccountFactory(merchant=None, courier="ship24", key=KEY, base_url=there.url)


def test_an_account_that_stops_asking_owes_its_end_there_once_it_may(
    tracker: Tracker, own: CarrierAccount, other: CarrierAccount
) -> None:
    CarrierAccount.objects.filter(id=own.id).update(state="paused")
    Watch.objects.update(next_poll_at=Now())
    settle_accounts()
    assert Watch.objects.get().carrier_account_id == other.id
    assert close_due(60) == 0
    CarrierAccount.objects.filter(id=own.id).update(state="active")
    assert close_due(60) == 1


def test_a_merchants_new_account_takes_over_and_the_houses_ends_its_own(
    alice: Merchant,
    there: Ship24Server,
    other: CarrierAccount,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
) -> None:
    made = follow(alice, NUMBER, courierCode="ship24")
    poll_all()
    own = CarrierAccountFactory(merchant=alice, courier="ship24", key=KEY, base_url=there.url)
    settle_accounts()
    assert Watch.objects.get().carrier_account_id == own.id
    assert Closing.objects.values_list("account_id", "tracker_id").get() == (other.id, made.id)


def test_an_account_that_asks_again_owes_no_end(tracker: Tracker, own: CarrierAccount) -> None:
    CarrierAccount.objects.update(state="suspended")
    Watch.objects.update(next_poll_at=Now())
    settle_accounts()
    assert Closing.objects.count() == 1
    resume([own.id])
    settle_accounts()
    assert Watch.objects.get().carrier_account_id == own.id
    assert not Closing.objects.exists()


def test_what_was_never_asked_for_owes_no_end(
    alice: Merchant, own: CarrierAccount, follow: Callable[..., Tracker]
) -> None:
    follow(alice, NUMBER, courierCode="ship24")
    CarrierAccount.objects.update(state="suspended")
    settle_accounts()
    assert Watch.objects.get().carrier_account_id is None
    assert not Closing.objects.exists()
