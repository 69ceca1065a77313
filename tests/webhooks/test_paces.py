"""First tries and late ones: who claims which, and what one kind leaves to the other."""

from collections.abc import Sequence

import pytest
from django.db.models.functions import Now

from accounts.models import Merchant
from tests.webhooks.aging import tries_began_earlier
from tests.webhooks.cast import EndpointFactory, due_now, owe
from tests.webhooks.test_claims import lose_leases, settlement
from webhooks import lanes
from webhooks.claims import Claimed, oldest_due, take
from webhooks.ending import settle
from webhooks.models import Delivery, Endpoint, Lane
from webhooks.paces import Pace

pytestmark = pytest.mark.django_db

FIRST, LATE = [Pace.FIRST], [Pace.LATE]


def owe_late(endpoint: Endpoint, count: int = 1) -> list[Delivery]:
    owed = owe(endpoint, count)
    Delivery.objects.filter(id__in=[each.id for each in owed]).update(late=True)
    return owed


def ids(items: Sequence[Claimed] | Sequence[Delivery]) -> set[object]:
    return {each.delivery_id if isinstance(each, Claimed) else each.id for each in items}


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice, max_in_flight=4)


def test_each_pace_claims_its_own(endpoint: Endpoint) -> None:
    late, early = owe_late(endpoint, 2), owe(endpoint, 2)
    assert ids(take(10, FIRST)) == ids(early)
    assert ids(take(10, LATE)) == ids(late[:1])


def test_the_cap_counts_both_kinds(endpoint: Endpoint) -> None:
    owe_late(endpoint, 9)
    owe(endpoint, 9)
    late = take(100, LATE)
    early = take(100, FIRST)
    assert (len(late), len(early)) == (3, 1)
    assert (take(100, FIRST), take(100, LATE)) == ([], [])
    settle([settlement(late[0])])
    assert take(100, LATE) == []
    assert len(take(100, FIRST)) == 1


def test_what_is_late_leaves_the_last_place_to_a_first_try(endpoint: Endpoint) -> None:
    owe_late(endpoint, 9)
    assert len(take(100, LATE)) == 3
    assert (take(100, LATE), oldest_due(LATE)) == ([], None)
    owe(endpoint, 9)
    assert len(take(100, FIRST)) == 1


def test_where_there_is_one_place_what_is_late_takes_it(alice: Merchant) -> None:
    owe_late(EndpointFactory(merchant=alice, max_in_flight=1), 2)
    assert len(take(100, LATE)) == 1
    assert take(100, LATE) == []


def test_what_a_rate_limit_lets_go_at_once_is_kept_from_what_is_late(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, max_in_flight=100, rate_limit=8)
    owe_late(endpoint, 20)
    assert len(take(100, LATE)) == 6
    owe(endpoint, 9)
    assert len(take(100, FIRST)) == 2
    assert lanes.rate_allows_in(FIRST) is not None
    assert lanes.rate_allows_in(LATE) > lanes.rate_allows_in(FIRST)


@pytest.mark.parametrize("rate", [1, 2, 3])
def test_a_small_rate_lets_go_of_what_is_late_too(alice: Merchant, rate: int) -> None:
    endpoint = EndpointFactory(merchant=alice, rate_limit=rate)
    owe_late(endpoint, 9)
    assert take(100, LATE)
    assert take(100, LATE) == []
    tries_began_earlier(1.2)
    assert take(100, LATE)


def test_all_of_a_slow_endpoint_goes_at_the_late_pace_two_at_once(endpoint: Endpoint) -> None:
    Endpoint.objects.update(slow_since=Now())
    owe(endpoint, 3)
    owe_late(endpoint, 3)
    assert (take(100, FIRST), oldest_due(FIRST)) == ([], None)
    taken = take(100, LATE)
    assert len(taken) == 2
    assert take(100, LATE) == []
    settle([settlement(each) for each in taken])
    again = take(100, LATE)
    assert len(again) == 2
    settle([settlement(each) for each in again])
    assert len(take(100, LATE)) == 2
    assert Delivery.objects.filter(state="pending", claim_id=None).count() == 0


def test_a_slow_endpoint_that_takes_one_at_a_time_gets_one(alice: Merchant) -> None:
    owe(EndpointFactory(merchant=alice, max_in_flight=1, slow_since=Now()), 3)
    assert len(take(100, LATE)) == 1


def test_an_endpoint_that_became_slow_gets_no_more_until_what_is_under_way_has_ended(
    endpoint: Endpoint,
) -> None:
    owe(endpoint, 9)
    taken = take(100, FIRST)
    assert len(taken) == 4
    Endpoint.objects.update(slow_since=Now())
    assert take(100, LATE) == []
    settle([settlement(each) for each in taken[:3]])
    assert len(take(100, LATE)) == 1


def test_an_endpoint_that_is_not_slow_any_more_gets_all_its_places(endpoint: Endpoint) -> None:
    Endpoint.objects.update(slow_since=Now())
    owe(endpoint, 9)
    assert len(take(100, LATE)) == 2
    Endpoint.objects.update(slow_since=None)
    assert len(take(100, FIRST)) == 2


def test_slow_endpoints_do_not_wait_behind_a_backlog_of_late_ones(
    alice: Merchant, endpoint: Endpoint
) -> None:
    slow = EndpointFactory(merchant=alice, slow_since=Now())
    due_now(*owe_late(endpoint, 3))
    owe(slow, 3)
    assert [each.endpoint.id for each in take(2, LATE)] == [slow.id] * 2


def test_what_became_late_while_nobody_held_it_is_late_ones_business(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    take(100, FIRST)
    lose_leases()
    Delivery.objects.update(late=True)
    assert take(100, FIRST) == []
    (again,) = take(100, LATE)
    assert (again.delivery_id, again.number) == (delivery.id, 2)


def test_what_is_under_way_of_each_kind_is_found_by_its_own_mark(endpoint: Endpoint) -> None:
    owe_late(endpoint, 3)
    owe(endpoint, 3)
    (late, *_), (early, *_) = take(1, LATE), take(1, FIRST)
    lane = Lane.objects.get()
    assert (lane.late_through_id, lane.claimed_through_id) == (late.delivery_id, early.delivery_id)


def test_the_oldest_due_of_each_pace(endpoint: Endpoint) -> None:
    (late,) = owe_late(endpoint)
    (early,) = owe(endpoint)
    assert oldest_due(FIRST) == early.next_attempt_at
    assert oldest_due(LATE) == oldest_due() == late.next_attempt_at
