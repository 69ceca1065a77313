"""When an endpoint becomes slow, and when it is none any more: counted by the statement that settles."""

from collections.abc import Sequence

import pytest
from django.db.models.functions import Now

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, a_test_of, due_now, ended, owe
from tests.webhooks.test_claims import lose_leases
from webhooks import health
from webhooks.claims import take
from webhooks.exchanges import Failure
from webhooks.models import Delivery, Endpoint
from webhooks.paces import LATE_FROM, TIMEOUTS_SLOW, Pace, is_late
from webhooks.settling import settle

pytestmark = pytest.mark.django_db

#: An end of a try: a status, or how it failed.
End = int | Failure


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    made: Endpoint = EndpointFactory(merchant=alice)
    return made


def settle_as(endpoint: Endpoint, ends: Sequence[End]) -> None:
    """Tries of deliveries of their own, settled by one statement."""
    owe(endpoint, len(ends))
    tries = take(len(ends))
    settle(
        [
            (
                each,
                ended(each.delivery_id, end) if isinstance(end, int) else ended(each.delivery_id, None, end),
            )
            for each, end in zip(tries, ends, strict=True)
        ]
    )
    # What is tried again is none of what follows.
    Delivery.objects.filter(state="pending").update(state="exhausted", next_attempt_at=None)
    endpoint.refresh_from_db()


@pytest.mark.parametrize("failure", [Failure.TIMEOUT, Failure.CONNECT_TIMEOUT])
def test_so_many_time_outs_in_a_row_make_it_slow(endpoint: Endpoint, failure: Failure) -> None:
    settle_as(endpoint, [failure] * (TIMEOUTS_SLOW - 1))
    assert (endpoint.timeouts, endpoint.slow_since) == (TIMEOUTS_SLOW - 1, None)
    settle_as(endpoint, [failure])
    assert endpoint.timeouts == TIMEOUTS_SLOW
    since = endpoint.slow_since
    assert since is not None
    settle_as(endpoint, [failure] * 2)
    assert (endpoint.timeouts, endpoint.slow_since) == (TIMEOUTS_SLOW + 2, since)


@pytest.mark.parametrize(
    "end", [200, 500, 302, Failure.CONNECTION_REFUSED, Failure.DNS_ERROR, Failure.TLS_ERROR]
)
def test_any_other_end_of_a_try_makes_it_none(endpoint: Endpoint, end: End) -> None:
    settle_as(endpoint, [Failure.TIMEOUT] * TIMEOUTS_SLOW)
    settle_as(endpoint, [Failure.TIMEOUT, end])
    assert (endpoint.timeouts, endpoint.slow_since) == (0, None)


def test_a_success_clears_time_outs_of_before(endpoint: Endpoint) -> None:
    settle_as(endpoint, [Failure.TIMEOUT] * 3)
    settle_as(endpoint, [200])
    assert endpoint.timeouts == 0


def test_a_try_that_was_cut_off_says_nothing(endpoint: Endpoint) -> None:
    settle_as(endpoint, [Failure.TIMEOUT] * TIMEOUTS_SLOW)
    since = endpoint.slow_since
    settle_as(endpoint, [Failure.ABANDONED])
    assert (endpoint.timeouts, endpoint.slow_since) == (TIMEOUTS_SLOW, since)


def test_the_count_stays_within_its_column(endpoint: Endpoint) -> None:
    Endpoint.objects.update(timeouts=9_999, slow_since=Now(), failing_since=Now())
    settle_as(endpoint, [Failure.TIMEOUT] * 2)
    assert endpoint.timeouts == 10_000


def test_one_that_is_enabled_anew_is_not_slow(endpoint: Endpoint) -> None:
    test = a_test_of(endpoint)
    health.enable(endpoint.id, test.id)
    Endpoint.objects.update(state="paused", enabling_by=test.id, timeouts=7, slow_since=Now())
    assert health.activate(endpoint.id, test.id)
    endpoint.refresh_from_db()
    assert (endpoint.timeouts, endpoint.slow_since) == (0, None)


def test_the_others_keep_theirs(alice: Merchant, endpoint: Endpoint) -> None:
    other = EndpointFactory(merchant=alice)
    settle_as(other, [Failure.TIMEOUT] * 3)
    settle_as(endpoint, [200])
    other.refresh_from_db()
    assert other.timeouts == 3


def test_a_retry_is_late_from_the_third_on_and_stays_so(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    for step in range(1, 6):
        (claimed,) = take(1)
        settle([(claimed, ended(delivery.id, 500))])
        delivery.refresh_from_db()
        assert (delivery.step, delivery.late) == (step, step > LATE_FROM)
        assert delivery.late is is_late(step)
        due_now(delivery)
    assert take(1, [Pace.FIRST]) == []


def test_what_was_late_before_stays_late_with_its_first_retries(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    Delivery.objects.update(late=True)
    (claimed,) = take(1)
    settle([(claimed, ended(delivery.id, 500))])
    delivery.refresh_from_db()
    assert (delivery.step, delivery.late) == (1, True)


def test_a_try_taken_over_keeps_its_pace(endpoint: Endpoint) -> None:
    owe(endpoint)
    Delivery.objects.update(late=True)
    take(1)
    lose_leases()
    assert take(1, [Pace.FIRST]) == []
    (claimed,) = take(1, [Pace.LATE])
    assert claimed.number == 2
