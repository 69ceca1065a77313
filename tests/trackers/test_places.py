"""The places of a process: what hangs does not keep them."""

from uuid import UUID, uuid4

import pytest

from trackers.places import (
    FOR_DOUBTFUL,
    FOR_SLOW,
    KNOWN_FOR,
    LONG,
    MOST_UNDER_WAY,
    PLACES,
    TRIAL,
    Place,
    Places,
)


def taken(places: Places, account: UUID, began: float) -> Place:
    place = places.take(account)
    place.began = began
    return place


@pytest.fixture(autouse=True)
def _two_seconds_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """As outside of tests."""
    monkeypatch.setattr("trackers.places.LONG", LONG)


def answered(places: Places, account: UUID, took: float = 0.1, at: float = 0.0) -> None:
    places.give_back(taken(places, account, at - took), at)


def hanging(places: Places, accounts: int, calls: int = 1, since: float = -LONG) -> list[UUID]:
    found = [uuid4() for _ in range(accounts)]
    for account in found:
        for _ in range(calls):
            taken(places, account, since)
    return found


def free_for(places: Places, account: UUID, now: float) -> int:
    return places.free_for(now).granted({account: PLACES})[account]


def test_an_account_of_which_nothing_is_known_is_tried_first() -> None:
    places, account = Places(), uuid4()
    assert free_for(places, account, 0.0) == TRIAL
    taken(places, account, 0.0)
    assert free_for(places, account, 0.0) == TRIAL - 1


def test_one_that_answers_has_all_places() -> None:
    places, account = Places(), uuid4()
    answered(places, account)
    assert free_for(places, account, 1.0) == PLACES
    assert free_for(places, account, KNOWN_FOR + 1) == TRIAL


def test_one_that_cannot_be_reached_is_as_good_as_unknown() -> None:
    places, account = Places(), uuid4()
    answered(places, account)
    places.give_back(taken(places, account, 1.0), 1.1, answered=False)
    assert free_for(places, account, 1.2) == TRIAL


@pytest.mark.parametrize(("accounts", "each"), [(1, FOR_SLOW), (10, 5), (50, 1), (90, 1)])
def test_those_whose_calls_take_long_share_few_places(accounts: int, each: int) -> None:
    places = Places()
    slow = [uuid4() for _ in range(accounts)]
    for account in slow:
        answered(places, account, took=LONG)
    assert {free_for(places, account, 0.0) for account in slow} == {each}


def test_a_call_that_hangs_makes_its_account_slow_before_it_ends() -> None:
    places = Places()
    quick, *others = hanging(places, 10)
    answered(places, quick)
    assert [free_for(places, one, -0.1) for one in (quick, others[0])] == [PLACES - 1, TRIAL - 1]
    assert {free_for(places, one, 0.0) for one in (quick, *others)} == {4}


def test_one_quick_answer_makes_an_account_quick_again() -> None:
    places, account = Places(), uuid4()
    answered(places, account, took=19.0)
    answered(places, account, took=0.2, at=1.0)
    assert free_for(places, account, 1.0) == PLACES


def test_calls_that_hang_give_their_places_back() -> None:
    places = Places()
    hanging(places, 10, calls=10)
    assert places.free(-0.1) == 0
    assert places.free(0.0) == PLACES


def test_there_is_an_end_to_what_hangs() -> None:
    places = Places()
    hanging(places, 15, calls=10)
    assert places.free(0.0) == MOST_UNDER_WAY - 150
    hanging(places, 5, calls=10)
    assert places.free(0.0) == 0


def test_a_carrier_that_hangs_for_hundreds_of_accounts_leaves_places_for_the_others() -> None:
    places, quick = Places(), uuid4()
    answered(places, quick)
    hanging(places, 60)
    slow = [uuid4() for _ in range(300)]
    for account in slow:
        answered(places, account, took=LONG)
    strangers = [uuid4() for _ in range(300)]
    wishes = dict.fromkeys([*slow[:20], *strangers, *slow[20:], quick], 10)
    granted = places.free_for(0.0).granted(wishes)
    assert granted.pop(quick) == 10
    assert [granted[one] for one in slow[:20]] == [1] * 20
    assert sum(granted.values()) == FOR_DOUBTFUL - 60


def test_accounts_that_are_gone_are_forgotten() -> None:
    places = Places()
    for number in range(3_000):
        answered(places, UUID(int=number), at=number * 10.0)
    assert len(places._accounts) < 1_200


def test_a_call_that_waits_for_a_thread_does_not_hang() -> None:
    places, account = Places(), uuid4()
    answered(places, account)
    waiting = places.take(account)
    assert free_for(places, account, LONG * 2) == PLACES - 1
    assert places.free(LONG * 2) == PLACES - 1
    places.give_back(waiting, LONG * 3)
    assert free_for(places, account, LONG * 3) == PLACES
