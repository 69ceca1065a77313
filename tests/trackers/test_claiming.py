"""Claiming what is due: places, the day's calls, urgency, and whose turn it is."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from time import monotonic

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Merchant
from carriers import accounts, days, reserving
from carriers.adapters.all24 import All24
from carriers.days import Day
from carriers.models import CarrierAccount, DailyUse, Health
from carriers.reserving import give_back
from tests.factories import CarrierAccountFactory
from tests.together import at_once
from tests.trackers.watching_many import watch_many
from trackers import dues
from trackers.claiming import oldest_due
from trackers.claims import Claim, Settled, claim, settle
from trackers.detection import settle_accounts
from trackers.models import Watch

pytestmark = pytest.mark.django_db(transaction=True)

Count = Callable[[Callable[[], object]], int]


@pytest.fixture
def account(alice: Merchant) -> CarrierAccount:
    return CarrierAccountFactory(merchant=alice, courier="247express", time_zone="")


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noon at every carrier's home, whatever the clock says."""
    set_day(monkeypatch, timedelta(hours=-12), timedelta(hours=12))


def set_day(monkeypatch: pytest.MonkeyPatch, begins: timedelta, ends: timedelta, couriers: str = "") -> None:
    now = timezone.now()
    codes = couriers.split() or ["247express", "all24", "ship24", "sandbox"]
    there = [Day(code, now.date(), now + begins, now + ends) for code in codes]
    monkeypatch.setattr(dues.days, "around", lambda _now: there)


def quota(account: CarrierAccount, calls: int | None, reserved: int = 0) -> None:
    CarrierAccount.objects.filter(id=account.id).update(daily_quota=calls)
    DailyUse.objects.update_or_create(
        account=account,
        courier=account.courier,
        day=timezone.now().date(),
        defaults={"reserved": reserved},
    )


def reserved(account: CarrierAccount | None = None) -> int:
    return sum(DailyUse.objects.filter(account=account).values_list("reserved", flat=True))


def urgencies(claims: Iterable[Claim]) -> Counter[int]:
    ids = [one.watch for one in claims]
    return Counter(Watch.objects.filter(id__in=ids).values_list("urgency", flat=True))


def end(claims: Iterable[Claim], delay: float | None = None) -> None:
    settle([Settled(one, "ok", delay) for one in claims])


class TestPlaces:
    def test_an_account_has_ten_calls_in_flight_at_most_over_all_processes(
        self, account: CarrierAccount
    ) -> None:
        watch_many(account, 40)
        found = at_once(*[lambda: claim(100)] * 4)
        assert sum(map(len, found)) + len(claim(100)) == 10
        assert claim(100) == []

    def test_each_that_ends_makes_room_for_one(self, account: CarrierAccount) -> None:
        watch_many(account, 40)
        claims = claim(100)
        end(claims[:3])
        assert len(claim(100)) == 3

    def test_a_watch_that_becomes_due_earlier_than_those_in_flight_waits_too(
        self, account: CarrierAccount
    ) -> None:
        watch_many(account, 10)
        assert len(claim(100)) == 10
        watch_many(account, 5, urgency=0, due=timedelta(days=1))
        assert claim(100) == []

    def test_what_a_dead_worker_held_is_counted_until_its_leases_end_and_then_taken_over(
        self, account: CarrierAccount
    ) -> None:
        watch_many(account, 20)
        lost = {one.watch for one in claim(100)}
        assert claim(100) == []
        Watch.objects.filter(id__in=lost).update(claimed_until=Now() - timedelta(seconds=1))
        assert {one.watch for one in claim(100)} == lost

    def test_accounts_take_turns_for_the_places_of_a_process(self, alice: Merchant) -> None:
        held = [CarrierAccountFactory(merchant=alice, courier="all24") for _ in range(5)]
        for one in held:
            watch_many(one, 20)
        first, second = claim(25), claim(25)
        assert [len(first), len({one.account for one in first}), len(second)] == [25, 3, 25]
        assert Counter(one.account for one in first + second) == {one.id: 10 for one in held}

    def test_many_accounts_with_little_that_is_due_are_served_in_one_claim(self, alice: Merchant) -> None:
        for _ in range(7):
            watch_many(CarrierAccountFactory(merchant=alice, courier="all24"), 1)
        assert len(claim(100)) == 7

    def test_the_least_recently_served_account_comes_first(self, alice: Merchant) -> None:
        held = [CarrierAccountFactory(merchant=alice, courier="all24") for _ in range(6)]
        for one in held:
            watch_many(one, 20)
        served = [one.account for _ in range(6) for one in claim(1)]
        assert sorted(served) == sorted(one.id for one in held)

    def test_an_account_that_somebody_else_serves_is_left_and_not_waited_for(
        self, account: CarrierAccount, alice: Merchant
    ) -> None:
        other = CarrierAccountFactory(merchant=alice, courier="all24")
        watch_many(account, 5)
        watch_many(other, 5)
        with transaction.atomic():
            Health.objects.select_for_update().get(account=account)
            (found,) = at_once(lambda: claim(100))
        assert {one.account for one in found} == {other.id}

    def test_an_account_without_an_active_state_is_not_asked_with(self, account: CarrierAccount) -> None:
        watch_many(account, 5)
        for change in (
            {"state": "suspended"},
            {"state": "paused"},
            {"resting_until": Now() + timedelta(hours=1)},
        ):
            CarrierAccount.objects.update(**{"state": "active", "resting_until": None} | change)
            assert (claim(100), oldest_due()) == ([], None)

    def test_while_its_circuit_is_open_it_gets_none_and_then_one(self, account: CarrierAccount) -> None:
        watch_many(account, 5)
        Health.objects.update(circuit="open", open_until=Now() + timedelta(minutes=1), openings=1)
        assert (claim(100), oldest_due()) == ([], None)
        Health.objects.update(open_until=Now())
        assert [len(claim(100)), len(claim(100))] == [1, 0]
        assert Health.objects.get().circuit == "half_open"

    def test_at_a_pace_it_gets_no_more_than_that(self, account: CarrierAccount) -> None:
        CarrierAccount.objects.update(pace_limit=0.01)
        watch_many(account, 5)
        assert [len(claim(100)), len(claim(100))] == [1, 0]


class TestUrgency:
    def test_the_most_urgent_come_first_and_the_longest_due_of_them(self, account: CarrierAccount) -> None:
        rest = watch_many(account, 9, urgency=3, due=timedelta(days=2))
        moved = watch_many(account, 9, urgency=2)
        early = watch_many(account, 4, urgency=1, due=timedelta(hours=1))
        assert urgencies(found := claim(100)) == {1: 4, 2: 4, 3: 2}
        assert {one.watch for one in found} >= {one.id for one in early} | {rest[-1].id, moved[-1].id}

    def test_nobody_starves(self, account: CarrierAccount) -> None:
        for urgency in range(4):
            watch_many(account, 50, urgency=urgency)
        taken: Counter[int] = Counter()
        for _ in range(10):
            found = claim(10)
            taken += urgencies(found)
            end(found)
        assert taken == {0: 40, 1: 20, 2: 20, 3: 20}


class TestTheDaysCalls:
    def test_they_are_reserved_as_they_are_claimed(self, account: CarrierAccount) -> None:
        watch_many(account, 4)
        (first, *_) = claim(100)
        assert (reserved(account), reserved(None)) == (4, 4)
        assert first.reserved is not None
        assert (first.reserved.account, first.reserved.courier) == (account.id, "247express")
        assert (first.reserved.day, first.reserved.calls) == (timezone.now().date(), 1)

    def test_an_account_never_exceeds_its_quota(self, account: CarrierAccount) -> None:
        quota(account, 7)
        watch_many(account, 40, urgency=0)
        assert len(claim(100)) == 7
        assert (claim(100), oldest_due(), reserved(account)) == ([], None, 7)

    def test_not_by_one_when_many_claim_at_once(self, account: CarrierAccount, settings: Settings) -> None:
        settings.POLL_IN_FLIGHT_PER_ACCOUNT = 1000
        quota(account, 57)
        watch_many(account, 200, urgency=0)

        def go_on() -> int:
            found = [claim(3) for _ in range(30)]
            for one in found:
                end(one)
            return sum(map(len, found))

        taken = sum(at_once(*[go_on] * 6))
        while found := claim(100):
            taken += len(found)
        assert (taken, reserved(account)) == (57, 57)

    def test_all_accounts_of_a_courier_together_never_exceed_its_own_number(
        self, alice: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(All24, "service_quota", 23)
        for _ in range(6):
            watch_many(CarrierAccountFactory(merchant=alice, courier="all24"), 10, urgency=0)

        def go_on() -> int:
            return sum(len(claim(2)) for _ in range(20))

        taken = sum(at_once(*[go_on] * 6))
        while found := claim(100):
            taken += len(found)
        assert (taken, reserved(None)) == (23, 23)
        assert sum(reserved(one) for one in CarrierAccount.objects.all()) == 23

    def test_scheduled_polls_wait_for_their_share_of_the_day_and_asked_ones_do_not(
        self, account: CarrierAccount
    ) -> None:
        quota(account, 100, reserved=48)
        scheduled, asked = watch_many(account, 9, urgency=1), watch_many(account, 2, urgency=0)
        Health.objects.update(paced_until=Now())
        found = {one.watch for one in claim(100)}
        assert found > {one.id for one in asked}
        assert len(found & {one.id for one in scheduled}) == 3

    def test_what_waits_for_its_share_of_the_day_is_not_late(self, account: CarrierAccount) -> None:
        quota(account, 1000, reserved=508)
        Health.objects.update(paced_until=Now())
        watch_many(account, 9, urgency=1, due=timedelta(hours=1))
        assert oldest_due() is None
        asked = watch_many(account, 1, urgency=0)
        assert oldest_due() == asked[0].next_poll_at

    def test_a_poll_that_may_make_five_calls_reserves_five(self, alice: Merchant) -> None:
        account = CarrierAccountFactory(merchant=alice, courier="ship24")
        quota(account, 12)
        watch_many(account, 4, urgency=0)
        found = claim(100)
        assert (len(found), reserved(account)) == (2, 10)
        give_back((one.reserved, 1) for one in found)
        assert reserved(account) == 2

    def test_a_claim_that_comes_to_nothing_reserves_nothing(self, account: CarrierAccount) -> None:
        watch_many(account, 3)
        with transaction.atomic():
            list(Watch.objects.select_for_update())
            assert at_once(lambda: claim(100)) == [[]]
        assert (reserved(account), reserved(None)) == (0, 0)

    def test_what_was_reserved_by_a_worker_that_died_stays_counted(self, account: CarrierAccount) -> None:
        """Its calls may have been made."""
        quota(account, 10)
        watch_many(account, 10, urgency=0)
        assert len(claim(6)) == 6
        Watch.objects.update(claimed_until=Now() - timedelta(seconds=1))
        assert [len(claim(100)), len(claim(100))] == [4, 0]

    def test_the_key_that_is_new_has_its_whole_day_and_gets_nothing_back_of_the_old_one(
        self, account: CarrierAccount
    ) -> None:
        quota(account, 5)
        watch_many(account, 9, urgency=0)
        old = claim(100)
        accounts.replace_key(CarrierAccount.objects.get(id=account.id), "another")
        assert (reserved(account), len(claim(3))) == (0, 3)
        give_back((one.reserved, 0) for one in old)
        assert (reserved(account), reserved(None)) == (3, 3)


class TestMidnight:
    @pytest.mark.parametrize(
        ("begins", "ends"), [(-86_340, 60), (-60, 86_340)], ids=["just before", "just after"]
    )
    def test_nothing_is_claimed_around_it(
        self, account: CarrierAccount, monkeypatch: pytest.MonkeyPatch, begins: int, ends: int
    ) -> None:
        monkeypatch.setattr(days, "MARGIN", timedelta(hours=1))
        set_day(monkeypatch, timedelta(seconds=begins), timedelta(seconds=ends))
        watch_many(account, 3, urgency=0)
        assert (claim(100), oldest_due()) == ([], None)

    def test_what_is_claimed_shortly_before_must_start_five_seconds_before_it(
        self, account: CarrierAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_day(monkeypatch, timedelta(hours=-23), timedelta(minutes=10))
        watch_many(account, 1, urgency=0)
        before = monotonic()
        (one,) = claim(100)
        assert one.reserved is not None
        assert before + 500 < one.reserved.start_by <= monotonic() + 595

    def test_other_couriers_go_on(
        self, account: CarrierAccount, alice: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = CarrierAccountFactory(merchant=alice, courier="all24")
        watch_many(account, 3)
        watch_many(other, 3)
        now = timezone.now()
        soon = Day("247express", now.date(), now - timedelta(days=1), now + timedelta(seconds=4))
        noon = Day("all24", now.date(), now - timedelta(hours=12), now + timedelta(hours=12))
        monkeypatch.setattr(dues.days, "around", lambda _now: [soon, noon])
        assert {one.account for one in claim(100)} == {other.id}


def test_a_claim_is_a_constant_number_of_statements(
    alice: Merchant, count_statements: Count, account: CarrierAccount
) -> None:
    """What is there, the transaction's beginning, locks, facts, watches, two counts, health, its end."""
    watch_many(account, 1)
    few = count_statements(lambda: claim(100))
    held = [CarrierAccountFactory(merchant=alice, courier="247express") for _ in range(12)]
    for one in held:
        for urgency in range(4):
            watch_many(one, 8, urgency=urgency)
    many = count_statements(lambda: claim(100))
    assert few == many == 9
    Watch.objects.update(next_poll_at=None)
    assert count_statements(lambda: claim(100)) == 1


def test_a_claim_that_others_were_faster_than_changes_nothing(
    account: CarrierAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_many(account, 3)

    def refuse(_wanted: object) -> None:
        raise reserving.AllSpokenFor

    monkeypatch.setattr(reserving, "reserve", refuse)
    assert claim(100) == []
    assert not Watch.objects.exclude(claim_id=None).exists()


def test_the_due_queue_is_read_through_its_index(account: CarrierAccount) -> None:
    """However many watches there are that are not due, or are not this account's."""
    watch_many(account, 2000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE trackers_watch")
    plan = explained()
    assert "watch_due_by_urgency" in plan
    assert "Seq Scan on trackers_watch" not in plan


def explained() -> str:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + dues._FACTS, dues._values(1, None, []))
        return "\n".join(row[0] for row in cursor.fetchall())


def test_the_moment_is_the_databases(account: CarrierAccount) -> None:
    watch_many(account, 1)
    (one,) = dues.due_accounts(1)
    assert isinstance(one.now, datetime)
    assert abs(one.now - timezone.now()) < timedelta(minutes=1)


def test_an_account_that_a_version_before_this_one_made_is_asked_with_too(account: CarrierAccount) -> None:
    watch_many(account, 1)
    Health.objects.all().delete()
    assert claim(100) == []
    settle_accounts()
    assert len(claim(100)) == 1
