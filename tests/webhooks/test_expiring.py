"""What is held for 30 days is given up, and the others are told."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from events.models import Event
from tests.webhooks.cast import EndpointFactory, a_test_of, attempts_of, ended, owe
from tests.webhooks.test_life_races import at_once
from webhooks import expiring, holding, tasks
from webhooks.claims import take
from webhooks.extra import ask
from webhooks.health import KEPT_HELD
from webhooks.models import Delivery, Endpoint, Message, Trigger
from webhooks.settling import settle

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def resting(merchant: Merchant, since: timedelta = KEPT_HELD + HOUR) -> Endpoint:
    """An endpoint that was paused this long ago."""
    endpoint: Endpoint = EndpointFactory(merchant=merchant, state="paused")
    Endpoint.objects.filter(id=endpoint.id).update(paused_at=Now() - since)
    return endpoint


def id_of(moment: datetime) -> UUID:
    """An id as it is made at this moment."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | uuid7().int & (1 << 80) - 1)


def held(endpoint: Endpoint, count: int = 1, *, since: timedelta = KEPT_HELD + HOUR) -> list[Delivery]:
    """Deliveries that were made this long ago, and have such ids."""
    moment = datetime.now(UTC) - since
    found = []
    for delivery in owe(endpoint, count):
        id_ = id_of(moment)
        Delivery.objects.filter(id=delivery.id).update(
            id=id_, created_at=moment, state="held", next_attempt_at=None
        )
        found.append(Delivery.objects.get(id=id_))
    return found


def test_what_was_held_for_30_days_is_exhausted_and_the_others_are_told(alice: Merchant) -> None:
    endpoint, other = resting(alice), EndpointFactory(merchant=alice, types=["delivery.*"])
    (delivery,) = held(endpoint)
    assert expiring.expire() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt_count) == ("exhausted", 0)
    event = Event.objects.get()
    assert (event.type, event.stream, event.version) == ("delivery.exhausted", endpoint.id, 1)
    assert event.data["deliveryId"] == str(delivery.id)
    assert (event.data["error"], event.data["statusCode"], event.data["attemptCount"]) == ("", None, 0)
    assert event.data["heldSince"]
    told = Delivery.objects.get(endpoint=other)
    assert json.loads(bytes(told.message.body))["data"] == event.data
    assert expiring.expire() == 0


@pytest.mark.parametrize(
    ("inactive_for", "made"),
    [
        (KEPT_HELD - HOUR, 90 * DAY),
        (90 * DAY, KEPT_HELD - HOUR),
    ],
)
def test_it_is_held_since_the_later_of_its_making_and_the_end_of_activity(
    alice: Merchant, inactive_for: timedelta, made: timedelta
) -> None:
    held(resting(alice, inactive_for), since=made)
    assert expiring.expire() == 0


def test_a_paused_endpoint_that_was_disabled_later_is_inactive_since_the_pause(alice: Merchant) -> None:
    held(resting(alice))
    Endpoint.objects.update(state="disabled", disabled_at=Now() - DAY)
    assert expiring.expire() == 1


@pytest.mark.parametrize("change", [{"state": "active"}, {"deleted_at": Now()}, {"paused_at": None}])
def test_an_endpoint_that_is_active_or_gone_is_left_alone(alice: Merchant, change: dict) -> None:
    held(resting(alice))
    Endpoint.objects.update(**change)
    assert expiring.expire() == 0


def test_a_test_is_left_alone(alice: Merchant) -> None:
    endpoint = resting(alice)
    test = a_test_of(endpoint)
    Delivery.objects.filter(id=test.id).update(created_at=Now() - 90 * DAY)
    held(endpoint)
    assert expiring.expire() == 1
    test.refresh_from_db()
    assert test.state == "held"


def test_how_the_last_try_failed_is_told(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    (delivery,) = owe(endpoint)
    settle((each, ended(each.delivery_id, 503)) for each in take(1))
    old = datetime.now(UTC) - 40 * DAY
    Endpoint.objects.update(state="disabled", disabled_at=old)
    holding.reconcile()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    id_ = id_of(old)
    delivery.attempts.update(delivery_id=id_)
    Delivery.objects.update(id=id_, created_at=old)
    assert expiring.expire() == 1
    told = Event.objects.get().data
    assert (told["error"], told["statusCode"], told["attemptCount"]) == ("http_status", 503, 1)


def test_a_try_that_was_cut_off_is_recorded(alice: Merchant) -> None:
    (delivery,) = held(resting(alice))
    over = Now() - DAY
    Delivery.objects.update(claim_id=uuid7(), claimed_until=over, started_at=over, attempt_count=1)
    assert expiring.expire() == 1
    (attempt,) = attempts_of(delivery)
    assert (attempt.number, attempt.error) == (1, "abandoned")
    assert Event.objects.get().data["error"] == "abandoned"
    delivery.refresh_from_db()
    assert (delivery.claim_id, delivery.claimed_until) == (None, None)


def test_an_extra_try_that_was_cut_off_is_left_to_the_next_one_to_record(alice: Merchant) -> None:
    (delivery,) = held(resting(alice))
    ask(delivery.id, Trigger.MANUAL)
    (claimed,) = take(1)
    Delivery.objects.update(claimed_until=Now() - DAY)
    assert expiring.expire() == 0
    (again,) = take(1)
    settle([(again, ended(delivery.id, 500))])
    assert [(each.trigger, each.error) for each in attempts_of(delivery)] == [
        (claimed.trigger, "abandoned"),
        (claimed.trigger, "http_status"),
    ]
    assert expiring.expire() == 1


def test_what_somebody_is_sending_is_left_to_them(alice: Merchant) -> None:
    held(resting(alice))
    Delivery.objects.update(claim_id=uuid7(), claimed_until=Now() + HOUR, started_at=Now(), attempt_count=1)
    assert expiring.expire() == 0


def test_the_same_delivery_can_be_given_up_twice_without_a_try_between(alice: Merchant) -> None:
    held(resting(alice))
    expiring.expire()
    Delivery.objects.update(state="held")
    Endpoint.objects.update(paused_at=Now() - KEPT_HELD - timedelta(seconds=1))
    assert expiring.expire() == 1
    assert Event.objects.count() == 2


def test_two_endpoints_at_rest_do_not_tell_each_other_for_ever(alice: Merchant) -> None:
    first, second = resting(alice), resting(alice)
    held(first)
    expiring.expire()
    (news,) = Delivery.objects.filter(endpoint=second)
    Message.objects.filter(id=news.message_id).update(type="delivery.exhausted")
    id_ = id_of(datetime.now(UTC) - 90 * DAY)
    Delivery.objects.filter(id=news.id).update(id=id_, created_at=Now() - 90 * DAY)
    assert expiring.expire() == 1
    assert Event.objects.count() == 2
    assert Message.objects.filter(type="delivery.exhausted").count() == 1


def test_batches_go_merchant_by_merchant_in_a_fixed_number_of_statements(
    alice: Merchant, bob: Merchant
) -> None:
    for merchant in (alice, bob):
        held(resting(merchant), 3)
    with CaptureQueriesContext(connection) as few:
        assert expiring.expire(limit=2) == 2
    with CaptureQueriesContext(connection) as more:
        assert expiring.expire(limit=4) == 4
    assert len(more) <= 2 * len(few)
    assert set(Event.objects.values_list("merchant_id", flat=True)) == {alice.id, bob.id}


def test_the_sweep_gives_up_what_is_too_old_in_batches_that_tell_of_few(alice: Merchant) -> None:
    held(resting(alice), 102)
    assert expiring.expire() == 50
    tasks.sweep()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"exhausted"}


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_give_up_everything_once(alice: Merchant) -> None:
    held(resting(alice), 3)
    with transaction.atomic():
        assert expiring.expire() == 3
        assert at_once(expiring.expire) == [0]
    assert Event.objects.count() == 3


def test_nothing_to_give_up_costs_one_statement(alice: Merchant, count_statements) -> None:
    held(resting(alice, since=DAY))
    assert count_statements(expiring.expire) == 1
