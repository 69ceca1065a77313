"""Tests as extra tries; endpoints that cannot be sent to; what is counted."""

import logging

import pytest
from django.utils.timezone import now

from accounts.models import Merchant
from events.models import Event
from tests.webhooks.cast import EndpointFactory, a_test_of, ended, owe
from tests.webhooks.test_claims import lose_leases, side_by_side
from tests.webhooks.test_extra import end, is_now, tried
from tests.webhooks.test_unreadable import of_other_keys
from webhooks import pump
from webhooks.claims import FORGIVEN, Claimed, oldest_due, take
from webhooks.exchanges import Failure
from webhooks.extra import ask
from webhooks.models import Attempt, Delivery, Endpoint, ExtraTry, Tally, Trigger
from webhooks.settling import settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    made: Endpoint = EndpointFactory(merchant=alice, retry_schedule=[5, 60])
    return made


@pytest.fixture
def delivery(endpoint: Endpoint) -> Delivery:
    """One whose time has not come."""
    (made,) = owe(endpoint)
    made.next_attempt_at = now().replace(year=2999)
    made.save()
    return made


def test_a_test_that_fails_is_over_and_one_that_arrives_is_delivered(
    alice: Merchant, endpoint: Endpoint
) -> None:
    for code, state in ((500, "exhausted"), (200, "delivered")):
        test = a_test_of(endpoint)
        (claimed,) = take(10)
        assert (claimed.trigger, claimed.type, claimed.is_extra) == ("test", "test", True)
        end(claimed, code)
        test.refresh_from_db()
        assert (test.state, test.next_attempt_at, test.claim_id) == (state, None, None)
    assert not ExtraTry.objects.exists()
    assert not Event.objects.exists()


def test_a_test_that_was_cut_off_too_often_is_over(endpoint: Endpoint) -> None:
    test = a_test_of(endpoint)
    for _ in range(FORGIVEN + 1):
        take(10)
        lose_leases()
    end(*take(10), None, failure=Failure.ABANDONED)
    test.refresh_from_db()
    assert test.state == "exhausted"
    assert {trigger for _, trigger, _ in tried(test)} == {"test"}


def test_a_test_whose_delivery_has_ended_is_dropped_unsent(endpoint: Endpoint) -> None:
    test = a_test_of(endpoint)
    Delivery.objects.filter(id=test.id).update(state="cancelled")
    assert take(10) == []
    assert not ExtraTry.objects.exists()
    assert tried(test) == []


def test_a_test_that_was_over_can_be_sent_again_by_hand(endpoint: Endpoint) -> None:
    test = a_test_of(endpoint)
    end(*take(10), 500)
    ask(test.id, Trigger.MANUAL)
    end(*take(10))
    test.refresh_from_db()
    assert test.state == "delivered"
    assert [trigger for _, trigger, _ in tried(test)] == ["test", "manual"]


def test_what_a_test_came_to_is_said_in_the_same_transaction(
    alice: Merchant, endpoint: Endpoint, monkeypatch
) -> None:
    said: list[object] = []
    monkeypatch.setattr(
        "webhooks.settling.tested", lambda *what, **more: said.append((*what, *more.values()))
    )
    for code in (200, 500):
        test = a_test_of(endpoint)
        end(*take(10), code)
        assert said.pop() == (alice.id, endpoint.id, test.id, code == 200)


def test_who_lost_the_claim_of_a_test_says_nothing_about_it(endpoint: Endpoint, monkeypatch) -> None:
    said: list[object] = []
    monkeypatch.setattr("webhooks.settling.tested", lambda *what: said.append(what))
    a_test_of(endpoint)
    (late,) = take(10)
    lose_leases()
    take(10)
    end(late)
    assert said == []


@pytest.mark.parametrize("state", ["active", "paused"])
def test_of_an_unreadable_endpoint_nothing_is_sent_and_nothing_is_left(
    alice: Merchant, bob: Merchant, delivery: Delivery, state: str, caplog
) -> None:
    EndpointFactory(merchant=bob)
    test = a_test_of(delivery.endpoint)
    ask(delivery.id, Trigger.MANUAL)
    Endpoint.objects.filter(id=delivery.endpoint_id).update(state=state)
    of_other_keys(delivery.endpoint)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            assert pump.run(60) == 0
    assert not ExtraTry.objects.exists()
    for each, left in ((delivery, "pending"), (test, "exhausted")):
        each.refresh_from_db()
        assert (each.state, each.attempt_count, each.claim_id) == (left, 0, None)
        assert tried(each) == []
    states = Endpoint.objects.filter(id=delivery.endpoint_id).values_list("state", flat=True)
    assert list(states) == ["disabled" if state == "active" else "paused"]


def test_what_is_asked_for_counts_as_due_while_it_can_be_made(endpoint: Endpoint) -> None:
    test = a_test_of(endpoint)
    assert oldest_due() == ExtraTry.objects.get(delivery=test).asked_at
    take(10)
    assert oldest_due() is None


def test_tries_of_all_kinds_are_tallied(endpoint: Endpoint) -> None:
    _, asked = owe(endpoint, 2)
    is_now(asked, "exhausted")
    ask(asked.id, Trigger.MANUAL)
    for claimed in take(10):
        end(claimed, 500 if claimed.is_extra else 200)
    a_test_of(endpoint)
    end(*take(10))
    found = Tally.objects.values_list("error", "tries", "duration_ms", "slowest_ms")
    assert sorted(found) == [("", 2, 24, 12), ("http_status", 1, 12, 12)]
    assert {each.since.minute % 5 for each in Tally.objects.all()} == {0}


@pytest.mark.django_db(transaction=True)
def test_settling_tests_of_the_same_endpoints_side_by_side_with_failures_stands_in_no_circle(
    alice: Merchant,
) -> None:
    endpoints = [EndpointFactory(merchant=alice, max_in_flight=20) for _ in range(4)]
    for endpoint in endpoints:
        owe(endpoint, 20)
        a_test_of(endpoint)
    taken = [each for _ in range(2) for each in take(100)]
    parts = [taken[start::4] for start in range(4)]

    def fail(part: list[Claimed]) -> None:
        settle((each, ended(each.delivery_id, 500)) for each in part)

    side_by_side(*[lambda part=part: fail(part) for part in parts])
    assert Attempt.objects.count() == 84
    assert sum(each.tries for each in Tally.objects.all()) == 84
