"""Polls counted as they are settled, by hour, account and outcome."""

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import Error, connection, transaction
from django.db.models import F
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from carriers import figures, tallying
from carriers.outcome import Outcome
from carriers.tallies import PollSlip, PollTally
from tests.factories import CarrierAccountFactory

ACCOUNT = uuid4()


@pytest.fixture(autouse=True)
def _nothing_noted() -> None:
    tallying._noted.take(0)


def polled(*ended: tuple[str, float], account: UUID = ACCOUNT) -> None:
    """Noted, left and counted."""
    tallying.note((account, outcome, seconds) for outcome, seconds in ended)
    tallying.leave(0)
    count_now()


def count_now() -> None:
    """Instead of waiting for a minute."""
    PollTally.objects.update(counted_at=F("counted_at") - timedelta(minutes=1))
    assert tallying.count()


def of(account: UUID | None) -> dict[str, tuple[int, int, int]]:
    found = PollTally.objects.filter(account_id=account, polls__gt=0)
    return {one.outcome: (one.polls, one.duration_ms, one.slowest_ms) for one in found}


@pytest.mark.django_db
def test_polls_are_counted_by_account_and_over_all_accounts() -> None:
    polled(("ok", 0.5), ("unchanged", 0.1), ("unchanged", 0.3))
    other = uuid4()
    polled(("unchanged", 0.2), account=other)
    assert of(ACCOUNT) == {"ok": (1, 500, 500), "unchanged": (2, 400, 300)}
    assert of(other) == {"unchanged": (1, 200, 200)}
    assert of(None) == {"ok": (1, 500, 500), "unchanged": (3, 600, 300)}


@pytest.mark.django_db
def test_what_is_counted_again_adds_up_and_counts_no_slip_twice() -> None:
    polled(("ok", 0.1))
    polled(("ok", 0.2))
    count_now()
    assert of(ACCOUNT) == {"ok": (2, 300, 200)}
    assert not PollSlip.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_process_leaves_slips_once_a_second_and_one_for_each_account_and_outcome(
    count_statements: Callable[[Callable[[], object]], int],
) -> None:
    tallying.leave(0)
    for _ in range(50):
        tallying.note([(ACCOUNT, "ok", 0.1), (ACCOUNT, "not_found", 0.1)])
    assert count_statements(lambda: tallying.leave(0)) == 1
    assert sorted(PollSlip.objects.values_list("outcome", "polls")) == [("not_found", 50), ("ok", 50)]
    tallying.note([(ACCOUNT, "ok", 0.1)])
    assert count_statements(lambda: tallying.leave(3600)) == 0, "the last slips are younger"
    assert count_statements(lambda: tallying.leave(0)) == 1
    assert count_statements(lambda: tallying.leave(0)) == 0, "nothing was noted since"


@pytest.mark.django_db
def test_figures_that_the_database_refuses_hold_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(sums: object) -> None:
        raise Error

    tallying.note([(ACCOUNT, "ok", 0.1)])
    with monkeypatch.context() as patched:
        patched.setattr(tallying, "_leave", refuse)
        tallying.leave(0)
    tallying.leave(0)
    assert not PollSlip.objects.exists()


@pytest.mark.django_db
def test_however_many_slips_wait_no_statement_takes_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallying, "BATCH", 3)
    for _ in range(8):
        tallying.note([(ACCOUNT, "ok", 0.1)])
        tallying.leave(0)
    monkeypatch.setattr(tallying, "BUDGET", -1.0)
    count_now()
    assert (PollSlip.objects.count(), of(ACCOUNT)) == (5, {"ok": (3, 300, 100)})
    monkeypatch.setattr(tallying, "BUDGET", 60.0)
    count_now()
    assert (PollSlip.objects.count(), of(ACCOUNT)) == (0, {"ok": (8, 800, 100)})


@pytest.mark.django_db
def test_it_is_counted_once_a_minute_whoever_asks() -> None:
    assert tallying.count()
    assert not tallying.count()
    assert figures.counted_at() is not None


@pytest.mark.django_db
def test_that_nothing_was_polled_is_a_figure_too() -> None:
    assert figures.counted_at() is None
    count_now()
    assert figures.counted_at() is not None
    assert [(one.polls, one.failed) for one in figures.hours()] == [(0, 0)]


@pytest.mark.django_db(transaction=True)
def test_who_leaves_slips_waits_for_nobody_who_counts_or_leaves_some() -> None:
    """A transaction that has left and counted slips, and is not over, holds nothing that others need."""
    tallying.note([(ACCOUNT, "ok", 0.1)])
    left = threading.Event()

    def leave() -> None:
        tallying.note([(ACCOUNT, "ok", 0.1)])
        tallying.leave(0)
        connection.close()
        left.set()

    with transaction.atomic():
        tallying.leave(0)
        assert tallying.count()
        other = threading.Thread(target=leave)
        other.start()
        assert left.wait(60), "the other one waits for our transaction"
    other.join()
    count_now()
    assert of(ACCOUNT)["ok"][0] == 2


@pytest.mark.django_db
def test_the_worst_accounts_come_first(alice: Merchant) -> None:
    fine, failing, slow = (CarrierAccountFactory(merchant=alice).id for _ in range(3))
    stopped = CarrierAccountFactory(merchant=alice, state="suspended").id
    polled(*[("unchanged", 0.1)] * 10, account=fine)
    polled(*[("unchanged", 0.1)] * 5, *[("unreachable", 2.0)] * 5, account=failing)
    polled(*[("unchanged", 1.0)] * 9, ("throttled", 1.0), account=slow)
    found = figures.worst(25)
    assert [one.account.id for one in found.accounts] == [stopped, failing, slow, fine]
    assert [one.succeeded_share for one in found.accounts] == [None, 0.5, 0.9, 1.0]
    assert (found.accounts[1].average_ms, found.accounts[1].slowest_ms) == (1050, 2000)
    assert [len(one.hours) for one in found.accounts] == [0, 1, 1, 1]
    assert figures.worst(2).total == 4
    assert len(figures.worst(2).accounts) == 2


@pytest.mark.django_db
def test_tallies_are_kept_for_thirty_days() -> None:
    polled(("ok", 0.1))
    PollTally.objects.filter(account_id=ACCOUNT).update(since=F("since") - timedelta(days=31))
    assert tallying.forget() == 1
    assert of(None) == {"ok": (1, 100, 100)}


@pytest.mark.django_db
def test_polls_of_a_deleted_account_stay_in_the_sum() -> None:
    polled(("ok", 0.1), account=uuid7())
    assert figures.hours()[-1].polls == 1
    assert figures.worst(5).accounts == []


def test_answered_are_the_outcomes_of_a_carrier_that_works() -> None:
    assert {Outcome(word) for word in figures.ANSWERED} == {Outcome.OK, Outcome.UNCHANGED, Outcome.NOT_FOUND}
