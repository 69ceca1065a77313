"""Tries besides the schedule, by hand."""

import json

import pytest
from django.db.models.functions import Now
from django.utils.timezone import now

from accounts.models import Merchant
from events.models import Event
from tests.subscribers import Subscriber, status
from tests.webhooks.at_once import renew
from tests.webhooks.cast import EndpointFactory, a_test_of, attempts_of, due_now, ended, owe
from tests.webhooks.test_claims import side_by_side
from webhooks import holding, pump
from webhooks.claims import Claimed, oldest_due, take
from webhooks.extra import ask
from webhooks.models import Attempt, Delivery, Endpoint, ExtraTry, Lane, Trigger
from webhooks.settling import settle

pytestmark = pytest.mark.django_db


STATES = ["pending", "held", "delivered", "exhausted", "cancelled"]


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


def is_now(delivery: Delivery, state: str) -> None:
    due = delivery.next_attempt_at if state == "pending" else None
    Delivery.objects.filter(id=delivery.id).update(state=state, next_attempt_at=due)
    delivery.refresh_from_db()


def end(claimed: Claimed, code: int | None = 200, **more: object) -> None:
    settle([(claimed, ended(claimed.delivery_id, code, **more))])


def tried(delivery: Delivery) -> list[tuple[int, str, str]]:
    return [(each.number, each.trigger, each.error) for each in attempts_of(delivery)]


@pytest.mark.parametrize("state", STATES)
def test_a_delivery_of_any_state_is_sent_and_is_delivered_when_it_arrives(
    delivery: Delivery, state: str
) -> None:
    is_now(delivery, state)
    ask(delivery.id, Trigger.MANUAL)
    (claimed,) = take(10)
    assert (claimed.delivery_id, claimed.number, claimed.trigger) == (delivery.id, 1, "manual")
    assert claimed.is_extra
    assert claimed.body == bytes(delivery.message.body)
    end(claimed)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.next_attempt_at, delivery.claim_id) == ("delivered", None, None)
    assert delivery.delivered_at is not None
    assert tried(delivery) == [(1, "manual", "")]
    assert not ExtraTry.objects.exists()


@pytest.mark.parametrize("code", [500, 410])
@pytest.mark.parametrize("state", STATES)
def test_a_failure_by_hand_leaves_all_as_it_was(delivery: Delivery, state: str, code: int) -> None:
    is_now(delivery, state)
    before = (state, delivery.step, delivery.next_attempt_at, delivery.delivered_at)
    ask(delivery.id, Trigger.MANUAL)
    end(*take(10), code)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.step, delivery.next_attempt_at, delivery.delivered_at) == before
    assert (delivery.claim_id, delivery.attempt_count) == (None, 1)
    assert tried(delivery) == [(1, "manual", "http_status")]
    assert not ExtraTry.objects.exists()
    assert take(10) == []


@pytest.mark.parametrize("code", [200, 500, 410])
def test_health_and_state_of_the_endpoint_stay_and_nothing_is_told(delivery: Delivery, code: int) -> None:
    Endpoint.objects.update(failing_since=Now(), failing_tries=100)
    before = Endpoint.objects.values("state", "failing_since", "failing_tries").get()
    is_now(delivery, "exhausted")
    ask(delivery.id, Trigger.MANUAL)
    end(*take(10), code)
    assert Endpoint.objects.values("state", "failing_since", "failing_tries").get() == before
    assert not Event.objects.exists()


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_the_endpoints_state_does_not_matter(delivery: Delivery, state: str) -> None:
    Endpoint.objects.update(state=state)
    ask(delivery.id, Trigger.MANUAL)
    assert len(take(10)) == 1


def test_nothing_is_sent_to_a_deleted_endpoint(delivery: Delivery) -> None:
    ask(delivery.id, Trigger.MANUAL)
    Endpoint.objects.update(deleted_at=Now())
    assert take(10) == []
    assert oldest_due() is None


def test_an_endpoint_that_was_deleted_in_flight_changes_nothing_about_the_answer(delivery: Delivery) -> None:
    ask(delivery.id, Trigger.MANUAL)
    (claimed,) = take(10)
    holding.delete(delivery.endpoint.merchant_id, delivery.endpoint_id)
    end(claimed)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.claim_id) == ("delivered", None)
    assert not ExtraTry.objects.exists()


def test_asking_twice_is_one_try_and_asking_after_it_is_another(delivery: Delivery) -> None:
    ask(delivery.id, Trigger.MANUAL)
    ask(delivery.id, Trigger.MANUAL)
    (claimed,) = take(10)
    ask(delivery.id, Trigger.MANUAL)
    assert take(10) == []
    end(claimed, 500)
    assert take(10) == []
    ask(delivery.id, Trigger.MANUAL)
    end(*take(10), 500)
    assert [number for number, *_ in tried(delivery)] == [1, 2]


def test_one_at_a_time_of_an_endpoint_in_the_order_they_were_asked_for(
    alice: Merchant, endpoint: Endpoint
) -> None:
    owed = owe(endpoint, 3)
    for each in owed:
        is_now(each, "exhausted")
        ask(each.id, Trigger.MANUAL)
    other = a_test_of(EndpointFactory(merchant=alice))
    taken = take(10)
    assert {each.delivery_id for each in taken} == {owed[0].id, other.id}
    assert take(10) == []
    for each in taken:
        end(each)
    for expected in owed[1:]:
        (claimed,) = take(10)
        assert claimed.delivery_id == expected.id
        end(claimed)


def test_it_is_besides_the_cap_and_takes_no_place_of_the_lane(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, max_in_flight=1)
    owed = owe(endpoint, 3)
    assert [each.delivery_id for each in take(10)] == [owed[0].id]
    ask(owed[2].id, Trigger.MANUAL)
    (extra,) = take(10)
    assert extra.delivery_id == owed[2].id
    assert take(10) == []
    due_now(owed[2])
    lose_lease_of(owed[0])
    assert [each.delivery_id for each in take(10)] == [owed[0].id]


def lose_lease_of(delivery: Delivery) -> None:
    Delivery.objects.filter(id=delivery.id).update(claimed_until="2026-01-01T00:00:00Z")


def test_many_waiting_extra_tries_leave_room_for_the_schedule(alice: Merchant) -> None:
    for _ in range(10):
        endpoint = EndpointFactory(merchant=alice)
        asked, _ = owe(endpoint, 2)
        ask(asked.id, Trigger.MANUAL)
    taken = take(8)
    assert [each.is_extra for each in taken] == [True] * 4 + [False] * 4


def test_a_retry_in_flight_is_waited_for(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    (scheduled,) = take(10)
    ask(delivery.id, Trigger.MANUAL)
    assert take(10) == []
    assert renew([scheduled]) == {delivery.id}
    end(scheduled, 500)
    (extra,) = take(10)
    assert (extra.is_extra, extra.number) == (True, 2)
    end(extra)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.step, delivery.next_attempt_at) == ("delivered", 1, None)
    assert tried(delivery) == [(1, "schedule", "http_status"), (2, "manual", "")]


def test_a_retry_that_falls_due_meanwhile_waits_and_follows(delivery: Delivery) -> None:
    ask(delivery.id, Trigger.MANUAL)
    (extra,) = take(10)
    due_now(delivery)
    assert take(10) == []
    end(extra, 500)
    (scheduled,) = take(10)
    assert (scheduled.is_extra, scheduled.number, scheduled.trigger) == (False, 2, "schedule")


def test_while_another_is_under_way_at_the_endpoint_the_schedule_goes_on(endpoint: Endpoint) -> None:
    asked, due = owe(endpoint, 2)
    is_now(asked, "exhausted")
    ask(asked.id, Trigger.MANUAL)
    assert {each.delivery_id for each in take(10)} == {asked.id, due.id}


@pytest.mark.django_db(transaction=True)
def test_claimers_side_by_side_make_one_try_at_a_time(endpoint: Endpoint) -> None:
    owed = owe(endpoint, 6)
    for each in owed:
        is_now(each, "exhausted")
        ask(each.id, Trigger.MANUAL)
    most: list[int] = []

    def work() -> None:
        for _ in range(12):
            taken = take(4)
            most.append(Delivery.objects.filter(claimed_until__gte=Now()).count())
            for claimed in taken:
                end(claimed)

    side_by_side(work, work, work)
    while taken := take(4):
        for claimed in taken:
            end(claimed)
    assert max(most) == 1
    assert Attempt.objects.count() == 6
    assert Lane.objects.count() == 1


def test_a_resend_arrives_with_the_same_id_and_bytes(
    endpoint: Endpoint, delivery: Delivery, server: Subscriber
) -> None:
    Endpoint.objects.update(url=server.url(), state="disabled")
    server.answer("/hook", status(500), status(200))
    for _ in range(2):
        ask(delivery.id, Trigger.MANUAL)
        assert pump.run(60) == 1
    first, second = server.heard()
    assert first.body == second.body == bytes(delivery.message.body)
    assert {each.headers["webhook-id"] for each in (first, second)} == {str(delivery.message_id)}
    assert json.loads(first.body)["city"] == "Köln"
    assert [code.status_code for code in attempts_of(delivery)] == [500, 200]
