"""Answers are recorded beside whoever asks carriers, and none is forgotten."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import Merchant
from carriers.adapter import Answer, Credentials, Query
from carriers.fetching import Fetched
from carriers.models import CarrierAccount
from carriers.registry import adapter
from events.models import Event
from tests.carrier_server import CarrierServer, order
from tests.waiting import eventually
from trackers.books import MUCH, Books
from trackers.claims import Claim, claim
from trackers.concluding import Concluding
from trackers.models import Tracker, Watch
from trackers.polling import Asked

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
