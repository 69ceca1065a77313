"""Answers are recorded beside whoever asks carriers, and none is forgotten."""

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import Settings

from accounts.models import Merchant
from carriers.adapter import Answer, Credentials, Query
from carriers.digest import digest
from carriers.fetching import Fetched
from carriers.models import CarrierAccount
from carriers.registry import adapter
from carriers.snapshot import Snapshot
from events.models import Event
from tests.carrier_server import CarrierServer, order
from tests.waiting import eventually
from trackers.books import MUCH, Books
from trackers.claims import Claim, claim
from trackers.concluding import Concluding
from trackers.models import Tracker, Watch
from trackers.places import Place
from trackers.polling import Asked, Poller

Follow = Callable[..., Tracker]
NUMBERS = [f"HSAAAA{nth:02}" for nth in range(MUCH + 10)]
_SESSIONS = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
"""


def answers(claims: Sequence[Claim]) -> list[tuple[Asked, Fetched[Asked]]]:
    return [_answer(one) for one in claims]


def _answer(one: Claim) -> tuple[Asked, Fetched[Asked]]:
    credentials = Credentials(one.account, "https://carrier.example", "key", "Asia/Bangkok")
    query = Query(one.number, credentials, one.claimed_at, one.since, one.tracker)
    asked = Asked(one, own_account=True)
    reply = order(one.number, "050000")
    return asked, Fetched(asked, snapshot=adapter(one.courier).parse(Answer(reply[0], {}, reply[1]), query))


def sessions() -> set[int]:
    """The process ids of those of this database."""
    with connection.cursor() as cursor:
        cursor.execute(_SESSIONS)
        return {row[0] for row in cursor.fetchall()}


@pytest.fixture
def claims(alice: Merchant, account: CarrierAccount, follow: Follow) -> list[Claim]:
    """Two parcels of Alice's that are asked about."""
    for number in NUMBERS[:2]:
        follow(alice, number)
    return claim(10)


@pytest.mark.django_db(transaction=True)
class TestBesideThePolls:
    @pytest.mark.usefixtures("account")
    def test_much_is_recorded_on_a_connection_of_its_own_that_ends_with_the_run(
        self,
        alice: Merchant,
        carrier: CarrierServer,
        follow: Follow,
        poll_all: Callable[[], int],
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        settings.POLL_IN_FLIGHT_PER_ACCOUNT = len(NUMBERS)
        for number in NUMBERS:
            follow(alice, number)
            carrier.replies[number] = order(number, "050000", "100000")
        before, seen = sessions(), []
        record_next = Concluding.record_next

        def noted(self: Concluding) -> list[Claim]:
            seen.append((threading.current_thread() is threading.main_thread(), len(sessions() - before)))
            return record_next(self)

        monkeypatch.setattr(Concluding, "record_next", noted)
        assert poll_all() == len(NUMBERS)
        assert (False, 1) in seen
        assert Event.objects.filter(type="tracking.scanned").count() == 2 * len(NUMBERS)
        assert set(Watch.objects.values_list("last_outcome", "claim_id")) == {("ok", None)}
        eventually(lambda: sessions() <= before)

    def test_few_answers_are_recorded_where_they_are_taken(self, claims: list[Claim]) -> None:
        books = Books()
        books.take(answers(claims), 0)
        assert Watch.objects.filter(last_outcome="ok", claim_id=None).count() == 2
        assert books.have_moved()

    def test_what_waits_is_known_until_it_is_recorded(
        self, claims: list[Claim], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun, may_go_on = threading.Event(), threading.Event()
        take = Concluding.take

        def held_up(self: Concluding, ended: Any) -> list[Claim]:
            begun.set()
            assert may_go_on.wait(60)
            return take(self, ended)

        monkeypatch.setattr(Concluding, "take", held_up)
        books = Books()
        books.take(answers(claims), MUCH)
        assert begun.wait(60)
        assert (books.waiting, books.have_moved()) == (claims, False)
        may_go_on.set()
        books.close()
        assert (books.waiting, books.have_moved()) == ([], True)
        assert Event.objects.filter(type="tracking.scanned").count() == 2

    def test_a_run_hears_that_its_thread_failed(
        self, claims: list[Claim], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(self: Concluding, ended: Any) -> list[Claim]:
            raise ZeroDivisionError

        monkeypatch.setattr(Concluding, "take", fail)
        books = Books()
        books.take(answers(claims), MUCH)
        with pytest.raises(ZeroDivisionError):
            books.close()
        with pytest.raises(ZeroDivisionError):
            books.take([], 0)

    @pytest.mark.parametrize("seen", ["as the next answers are taken", "as the run ends"])
    def test_where_there_is_no_second_connection_the_first_one_does_all(
        self, seen: str, claims: list[Claim], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect = BaseDatabaseWrapper.connect

        def only_one(self: BaseDatabaseWrapper) -> None:
            if threading.current_thread() is not threading.main_thread():
                raise OperationalError("sorry, too many clients already")
            connect(self)

        monkeypatch.setattr(BaseDatabaseWrapper, "connect", only_one)
        books = Books()
        books.take(answers(claims[:1]), MUCH)
        if seen == "as the next answers are taken":
            assert books.have_moved(60), "the thread says that it ends"
            eventually(lambda: books.have_moved() or not books.waiting)
            books.take(answers(claims[1:]), MUCH)
        else:
            books.take(answers(claims[1:]), MUCH)
            books.close()
        assert books.waiting == []
        assert Watch.objects.filter(last_outcome="ok", claim_id=None).count() == 2
        books.close()

    def test_an_answer_that_we_cannot_judge_holds_up_no_other(
        self, claims: list[Claim], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def judged(snapshot: Snapshot, *rest: Any) -> str:
            if claims[0].number in str(snapshot.part):
                raise ZeroDivisionError
            return digest(snapshot, *rest)

        monkeypatch.setattr("trackers.concluding.digest", judged)
        books = Books()
        books.take(answers(claims), MUCH)
        books.close()
        found = dict(Watch.objects.values_list("id", "last_outcome"))
        assert found == {claims[0].watch: "bad_response", claims[1].watch: "ok"}
        assert not Watch.objects.exclude(claim_id=None).exists()

    def test_a_run_whose_other_calls_hang_goes_on_until_all_is_recorded(
        self, claims: list[Claim], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else nobody would renew the leases of what waits."""
        begun, may_go_on = threading.Event(), threading.Event()
        take = Concluding.take

        def held_up(self: Concluding, ended: Any) -> list[Claim]:
            begun.set()
            assert may_go_on.wait(60)
            return take(self, ended)

        monkeypatch.setattr(Concluding, "take", held_up)
        poller = Poller()
        hanging = Place(claims[1].account, began=monotonic() - 3600)
        monkeypatch.setattr(
            type(poller._fetcher), "in_flight", [Asked(claims[1], own_account=True, place=hanging)]
        )
        poller._books.take(answers(claims[:1]), MUCH)
        assert begun.wait(60)
        assert poller._is_waiting(until=0.0)
        may_go_on.set()
        poller._books.close()
        assert not poller._is_waiting(until=0.0)

    def test_what_came_meanwhile_for_a_merchant_is_recorded_together(self, claims: list[Claim]) -> None:
        concluding = Concluding()
        for one in claims:
            assert concluding.take(answers([one])) == []
        assert concluding.record_next() == claims
        assert concluding.record_next() == []
        assert len(set(Event.objects.filter(type="tracking.scanned").values_list("recorded_at"))) == 1


@pytest.mark.django_db
def test_within_a_transaction_there_is_no_other_connection(claims: list[Claim]) -> None:
    books = Books()
    books.take(answers(claims), MUCH)
    assert len(books) == 0
    assert Watch.objects.filter(last_outcome="ok", claim_id=None).count() == 2
