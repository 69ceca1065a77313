"""Accounts whose carriers are ill: they wait, and hold up nobody."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from time import monotonic
from uuid import UUID, uuid4

import pytest
from django.db.models import F
from django.db.models.functions import Now
from pytest_django import Settings

from accounts.models import Merchant
from carriers.exceptions import Unreachable
from carriers.health import Call
from carriers.heeding import Ended, heed
from carriers.models import CarrierAccount, Health
from events.models import Event
from tests.carrier_server import CarrierServer, carrier_server, order
from tests.carriers.servers import answer, serving
from tests.factories import CarrierAccountFactory, MerchantFactory
from tests.together import at_once
from tests.waiting import eventually
from trackers import places, polling
from trackers.claiming import oldest_due
from trackers.claims import claim
from trackers.models import Tracker, Watch
from trackers.places import Place
from trackers.polling import Poller
from webhooks.stopping import stop

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
#: Numbers that one account asks about.
NUMBERS = 12


@pytest.fixture(autouse=True)
def loopback(settings: Settings) -> None:
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture(autouse=True)
def _two_seconds_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere a busy machine is no carrier that hangs."""
    monkeypatch.setattr(places, "LONG", 2.0)


@pytest.fixture
def hanging(transactional_db: None) -> Iterator[CarrierServer]:
    """Another carrier, which takes questions and answers none until the test is over."""
    with carrier_server() as server:
        server.gate.clear()
        yield server
        server.gate.set()
        while polling._left:  # what hung is collected by its own test
            Poller().run(0)


@pytest.fixture
def parcels(follow: Follow) -> Callable[[str], CarrierAccount]:
    """A merchant of its own with an account there, and its parcels, all due."""

    def make(url: str) -> CarrierAccount:
        merchant: Merchant = MerchantFactory()
        account: CarrierAccount = CarrierAccountFactory(merchant=merchant, courier="all24", base_url=url)
        for nth in range(NUMBERS):
            follow(merchant, f"HSAA{nth:04}")
        return account

    return make


Parcels = Callable[[str], CarrierAccount]


def due_again() -> None:
    Watch.objects.update(next_poll_at=Now() - timedelta(minutes=1))


def health(account: CarrierAccount) -> Health:
    return Health.objects.get(account=account)


def under_way(account: CarrierAccount) -> list[Place]:
    return places.places._accounts[account.id].under_way


def polled(account: CarrierAccount) -> int:
    return Watch.objects.filter(carrier_account=account, last_polled_at__isnull=False).count()


def test_three_numbers_that_cannot_be_asked_about_open_the_circuit(parcels: Parcels) -> None:
    down = parcels("http://127.0.0.1:9")
    ended = Poller().run(60)
    found = health(down)
    assert (found.circuit, found.openings) == ("open", 1)
    assert 3 <= ended < NUMBERS
    assert claim(100) == []


def test_one_call_finds_out_that_the_carrier_is_back_and_the_rest_follows(
    carrier: CarrierServer, parcels: Parcels
) -> None:
    account = parcels("http://127.0.0.1:9")
    Poller().run(60)
    CarrierAccount.objects.update(base_url=carrier.url)
    Health.objects.update(open_until=Now())
    due_again()
    (probe,) = claim(100)
    assert health(account).circuit == "half_open"
    assert claim(100) == []
    Watch.objects.filter(id=probe.watch).update(claimed_until=Now())  # whoever had it died
    Poller().run(60)
    assert (health(account).circuit, len(set(carrier.asked))) == ("closed", NUMBERS)


def test_a_call_whose_claim_is_taken_away_still_counts_in_its_process(
    hanging: CarrierServer, parcels: Parcels
) -> None:
    parcels(hanging.url)
    hanging.gate.set()
    assert Poller().run(60) == NUMBERS
    hanging.gate.clear()
    due_again()
    eventually(lambda: Poller().run(0.2) or len(hanging.asked) - NUMBERS == 10)
    Watch.objects.update(claim_id=None, claimed_until=None)  # as whoever unsubscribes does
    Poller().run(0.2)
    assert len(hanging.asked) - NUMBERS == 10


def test_what_is_answered_after_the_process_was_told_to_stop_is_recorded(
    hanging: CarrierServer, parcels: Parcels
) -> None:
    account = parcels(hanging.url)

    def told_to_stop() -> None:
        eventually(lambda: len(hanging.asked) == 2)
        stop.set()
        eventually(lambda: all(place.is_held_long(monotonic()) for place in under_way(account)))
        hanging.gate.set()

    try:
        ended, _ = at_once(lambda: Poller().run(60), told_to_stop)
    finally:
        stop.clear()
    assert (ended, polled(account)) == (2, 2)


def test_of_many_who_claim_at_once_one_gets_the_probe(parcels: Parcels) -> None:
    parcels("http://127.0.0.1:9")
    Health.objects.update(circuit="open", openings=1, open_until=Now())
    assert sum(map(len, at_once(*[partial(claim, 100)] * 6))) == 1
    assert claim(100) == []


def test_failures_that_are_noted_at_once_are_all_counted(parcels: Parcels) -> None:
    account = parcels("http://127.0.0.1:9")
    calls = [Ended(account.id, Call(uuid4(), account.changed_at, Unreachable("no route"))) for _ in range(3)]
    at_once(*[partial(heed, [call]) for call in calls])
    assert health(account).circuit == "open"


def test_a_probe_that_fails_keeps_it_open_for_twice_as_long(parcels: Parcels) -> None:
    account = parcels("http://127.0.0.1:9")
    Poller().run(60)
    Health.objects.update(open_until=Now())
    due_again()
    assert Poller().run(60) == 1
    found = Health.objects.annotate(left=F("open_until") - Now()).get(account=account)
    assert (found.circuit, found.openings) == ("open", 2)
    assert timedelta(seconds=30) < found.left <= timedelta(seconds=60)


def test_answers_that_nobody_can_read_open_nothing(carrier: CarrierServer, parcels: Parcels) -> None:
    account = parcels(carrier.url)
    carrier.replies.update({f"HSAA{nth:04}": (200, b"<html>") for nth in range(NUMBERS)})
    assert Poller().run(60) == NUMBERS
    assert health(account).circuit == "closed"


def test_a_carrier_that_complains_is_asked_more_slowly(parcels: Parcels) -> None:
    with serving(answer(b"{}", "429 Too Many Requests", "Retry-After: 120")) as busy:
        account = parcels(busy.url)
        ended = Poller().run(5)
    found = health(account)
    assert found.pace is not None
    assert found.circuit == "closed"
    assert ended < NUMBERS
    assert claim(100) == []


def test_a_key_that_is_refused_is_told_in_the_same_run(carrier: CarrierServer, parcels: Parcels) -> None:
    account = parcels(carrier.url)
    carrier.replies.update({f"HSAA{nth:04}": (401, b"{}") for nth in range(NUMBERS)})
    Poller().run(60)
    assert CarrierAccount.objects.get().state == CarrierAccount.State.SUSPENDED
    assert Event.objects.get(stream=account.id).type == "carrier_account.suspended"


def test_accounts_that_hang_hold_up_nobody(
    carrier: CarrierServer, hanging: CarrierServer, parcels: Parcels
) -> None:
    """More calls would hang than a process has places, and each of the others has its answer all the same."""
    ill = [parcels(hanging.url) for _ in range(10)]
    well = [parcels(carrier.url) for _ in range(4)]
    for nth in range(NUMBERS):
        carrier.replies[f"HSAA{nth:04}"] = order(f"HSAA{nth:04}", "050000")
    eventually(lambda: Poller().run(1) and all(polled(one) == NUMBERS for one in well))
    assert {polled(one) for one in ill} == {0}
    assert 20 <= Watch.objects.filter(claim_id__isnull=False).count() <= places.FOR_SLOW


def test_a_run_leaves_what_hangs_to_the_next(
    settings: Settings, hanging: CarrierServer, parcels: Parcels
) -> None:
    account = parcels(hanging.url)
    eventually(lambda: Poller().run(0.2) or claims_of(account))
    claimed = claims_of(account)
    hanging.gate.set()
    Poller().run(60)
    assert (polled(account), len(claimed)) == (NUMBERS, 2)
    assert len(hanging.asked) == NUMBERS


def test_what_waits_behind_calls_that_hang_is_not_late(hanging: CarrierServer, parcels: Parcels) -> None:
    parcels(hanging.url)
    assert oldest_due() is not None
    eventually(lambda: Poller().run(0.1) or oldest_due() is None)


def claims_of(account: CarrierAccount) -> set[UUID]:
    held = Watch.objects.filter(carrier_account=account, claim_id__isnull=False)
    return set(held.values_list("id", flat=True))


def test_a_pace_is_waited_for_within_a_run(carrier: CarrierServer, parcels: Parcels) -> None:
    account = parcels(carrier.url)
    CarrierAccount.objects.update(pace_limit=20.0)
    assert Poller().run(60) == NUMBERS
    assert len(carrier.asked) == NUMBERS
    found = health(account)
    assert found.paced_until is not None
