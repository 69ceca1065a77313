"""How many tries a second an endpoint gets, and how the pump waits for them."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime

import pytest

from accounts.models import Merchant
from tests.clocks import held_clock
from tests.faults.witness import most_within
from tests.webhooks.aging import tries_began_earlier
from tests.webhooks.cast import EndpointFactory, owe
from tests.webhooks.test_claims import lose_leases, settlement, side_by_side
from webhooks.claims import oldest_due, take
from webhooks.ending import settle
from webhooks.extra import ask
from webhooks.lanes import rate_allows_in
from webhooks.models import Attempt, Delivery, Endpoint, Lane, Trigger

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    """Ten a second, and no cap that would be met first."""
    made: Endpoint = EndpointFactory(merchant=alice, rate_limit=10, max_in_flight=100)
    return made


@pytest.fixture(autouse=True)
def _held_clock(request: pytest.FixtureRequest, endpoint: Endpoint) -> Iterator[None]:
    """No time passes but what a test says: what began a moment ago counts, however slow this machine is."""
    with nullcontext() if "transactional_db" in request.fixturenames else held_clock():
        yield


def recent() -> list[int]:
    """How many tries the lane remembers, by the steps in which they began."""
    return Lane.objects.get().recent


def tried_at() -> list[float]:
    """When each try of the record began, by the database's clock."""
    begun: list[datetime] = list(Attempt.objects.values_list("started_at", flat=True))
    return [moment.timestamp() for moment in begun]


def test_a_second_of_its_rate_may_start_at_once_and_no_more(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    assert len(take(100)) == 10
    assert take(100) == []


def test_what_is_settled_gives_no_try_back(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    settle([settlement(each) for each in take(100)])
    assert take(100) == []


def test_a_try_counts_for_a_second_and_a_margin_and_nothing_is_saved_up(endpoint: Endpoint) -> None:
    owe(endpoint, 40)
    take(4)
    tries_began_earlier(0.55)
    assert len(take(100)) == 6
    assert take(100) == []
    tries_began_earlier(0.55)
    assert len(take(100)) == 4
    tries_began_earlier(3600)
    assert len(take(100)) == 10
    assert recent() == [10]


def test_a_lane_whose_rate_is_used_up_saves_a_few_before_it_is_looked_at_again(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    take(2)
    tries_began_earlier(0.55)
    take(100)
    tries_began_earlier(0.55)
    assert (take(100), oldest_due()) == ([], None)
    assert 0 < rate_allows_in() <= 0.55
    tries_began_earlier(0.55)
    assert len(take(100)) == 10


def test_more_is_not_saved_than_there_are_places_for(endpoint: Endpoint) -> None:
    """Else a quarter of the rate would lie idle for ever."""
    Endpoint.objects.update(max_in_flight=2)
    owe(endpoint, 30)
    for taken in (2, 2, 2, 2, 2, 0):
        claimed = take(100)
        assert len(claimed) == taken
        settle([settlement(each) for each in claimed])


def test_tries_that_begin_within_some_milliseconds_are_remembered_together(endpoint: Endpoint) -> None:
    Endpoint.objects.update(rate_limit=10_000)
    owe(endpoint, 60)
    for taken in range(60):
        if taken % 20 == 0:
            tries_began_earlier(0.06)
        take(1)
    assert recent() == [20, 20, 20]
    assert Lane.objects.get().recent_at == sorted(Lane.objects.get().recent_at)


def test_where_there_is_no_limit_nothing_is_remembered(endpoint: Endpoint) -> None:
    owe(endpoint, 5)
    take(1)
    Endpoint.objects.update(rate_limit=None)
    take(1)
    lane = Lane.objects.get()
    assert (lane.recent_at, lane.recent) == (None, None)


@pytest.mark.parametrize("seconds", [3, 24 * 3600])
def test_a_clock_that_was_set_back_holds_up_nothing_for_longer_than_a_try_counts(
    endpoint: Endpoint, seconds: float
) -> None:
    owe(endpoint, 30)
    take(100)
    tries_began_earlier(-seconds)
    assert len(take(100)) == 10
    assert recent() == [10]


def test_one_a_second_is_one_at_once_and_one_more_a_second_later(endpoint: Endpoint) -> None:
    Endpoint.objects.update(rate_limit=1)
    owe(endpoint, 5)
    assert len(take(100)) == 1
    assert take(100) == []
    tries_began_earlier(1.1)
    assert len(take(100)) == 1


def test_the_cap_holds_besides_and_leaves_the_rest_of_the_rate(endpoint: Endpoint) -> None:
    Endpoint.objects.update(max_in_flight=5)
    owe(endpoint, 30)
    for taken in (5, 5, 0):
        claimed = take(100)
        assert len(claimed) == taken
        settle([settlement(each) for each in claimed])


def test_waiting_for_the_rate_costs_no_try_and_no_step(endpoint: Endpoint) -> None:
    owe(endpoint, 12)
    take(100)
    waiting = Delivery.objects.filter(claim_id=None)
    assert set(waiting.values_list("state", "attempt_count", "step")) == {("pending", 0, 0)}


def test_others_are_not_held_up(alice: Merchant, endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    take(100)
    fine = EndpointFactory(merchant=alice)
    owe(fine, 3)
    assert {each.endpoint.id for each in take(100)} == {fine.id}


def test_only_what_could_be_claimed_now_counts_as_due(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    assert oldest_due() is not None
    assert rate_allows_in() == 0
    take(100)
    assert oldest_due() is None
    assert 0 < rate_allows_in() <= 1.1


def test_a_lane_that_its_cap_holds_up_waits_for_no_rate(endpoint: Endpoint) -> None:
    Endpoint.objects.update(max_in_flight=10)
    owe(endpoint, 30)
    take(100)
    assert rate_allows_in() is None


def test_nothing_due_waits_for_no_rate(endpoint: Endpoint) -> None:
    owe(endpoint, 10)
    take(100)
    assert rate_allows_in() is None


def test_a_limit_that_was_taken_away_holds_up_nothing(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    take(100)
    Endpoint.objects.update(rate_limit=None)
    assert len(take(100)) == 20


def test_a_limit_that_was_set_later_counts_from_then_on(endpoint: Endpoint) -> None:
    Endpoint.objects.update(rate_limit=None)
    owe(endpoint, 30)
    take(5)
    Endpoint.objects.update(rate_limit=10)
    assert len(take(100)) == 10
    assert take(100) == []


def test_a_limit_that_was_lowered_counts_what_began_before(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    take(4)
    tries_began_earlier(0.5)
    take(2)
    Endpoint.objects.update(rate_limit=3)
    assert (take(100), oldest_due()) == ([], None)
    # The four have to go: one of the later two leaves room for one beside it.
    assert 0 < rate_allows_in() <= 0.601
    tries_began_earlier(0.6)
    assert len(take(100)) == 1


def test_a_limit_that_was_raised_lets_go_of_the_difference_at_once(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    take(100)
    Endpoint.objects.update(rate_limit=25)
    assert len(take(100)) == 15
    assert take(100) == []


def test_a_try_that_is_taken_over_counts_as_well(endpoint: Endpoint) -> None:
    owe(endpoint, 10)
    take(100)
    lose_leases()
    assert take(100) == []


def test_an_extra_try_is_not_held_up_and_does_not_count(endpoint: Endpoint) -> None:
    owed = owe(endpoint, 12)
    take(100)
    before = recent()
    ask(owed[11].id, Trigger.MANUAL)
    assert [each.delivery_id for each in take(100)] == [owed[11].id]
    assert recent() == before


@pytest.mark.django_db(transaction=True)
def test_claimers_side_by_side_share_the_rate(endpoint: Endpoint) -> None:
    """However long that takes here: what they were allowed is told from when each of theirs began."""
    Endpoint.objects.update(max_in_flight=3)
    owe(endpoint, 60)
    sent: list[object] = []

    def send() -> None:
        while len(sent) < 30:
            taken = take(2)
            settle([settlement(each) for each in taken])
            sent.extend(taken)

    side_by_side(*[send] * 6)
    assert most_within(1.09, tried_at()) <= 10
