"""Extra tries that the sender's own death cut off, and who takes over from whom."""

import pytest
from django.db.models.functions import Now
from django.utils.timezone import now

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, due_now, owe
from tests.webhooks.test_claims import lose_leases
from tests.webhooks.test_extra import end, is_now, tried
from webhooks.claims import FORGIVEN, Claimed, give_back, take
from webhooks.exchanges import Failure
from webhooks.extra import ask
from webhooks.models import Delivery, Endpoint, ExtraTry, Tally, Trigger

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


def test_one_that_was_cut_off_is_recorded_and_made_again(delivery: Delivery) -> None:
    ask(delivery.id, Trigger.MANUAL)
    (first,) = take(10)
    lose_leases()
    (second,) = take(10)
    assert (second.number, second.is_extra, second.spent) == (2, True, False)
    end(first)
    end(second)
    assert tried(delivery) == [(1, "manual", "abandoned"), (2, "manual", "")]
    delivery.refresh_from_db()
    assert delivery.abandoned_count == 0


@pytest.mark.parametrize("state", ["pending", "exhausted"])
def test_one_that_was_cut_off_too_often_is_given_up(delivery: Delivery, state: str) -> None:
    is_now(delivery, state)
    ask(delivery.id, Trigger.MANUAL)
    for _ in range(FORGIVEN + 1):
        (claimed,) = take(10)
        assert not claimed.spent
        lose_leases()
    (claimed,) = take(10)
    assert (claimed.spent, claimed.number) == (True, FORGIVEN + 1)
    end(claimed, None, failure=Failure.ABANDONED)
    assert not ExtraTry.objects.exists()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.claim_id, delivery.abandoned_count) == (state, None, 0)
    assert [number for number, *_ in tried(delivery)] == [1, 2, 3, 4]
    assert {trigger for _, trigger, _ in tried(delivery)} == {"manual"}


def test_the_schedule_takes_over_from_an_extra_try_that_was_cut_off(delivery: Delivery) -> None:
    """It was no try of the schedule, costs it nothing, and is made again afterwards."""
    ask(delivery.id, Trigger.MANUAL)
    ask_first = take(10)
    lose_leases()
    due_now(delivery)
    ExtraTry.objects.update(asked_at=Now())
    taken = [each for each in lanes_only() if each.delivery_id == delivery.id]
    assert [(each.is_extra, each.number) for each in taken] == [(False, 2)]
    end(ask_first[0])
    end(taken[0], 500)
    delivery.refresh_from_db()
    assert (delivery.abandoned_count, delivery.step) == (0, 1)
    (again,) = take(10)
    assert (again.is_extra, again.number) == (True, 3)
    assert ExtraTry.objects.get().abandoned_count == 1
    end(again)
    assert tried(delivery) == [
        (1, "manual", "abandoned"),
        (2, "schedule", "http_status"),
        (3, "manual", ""),
    ]


def lanes_only() -> list[Claimed]:
    """What a claim takes whose extra tries another claimer has in hand at this moment."""
    asked = ExtraTry.objects.values_list("delivery_id", "endpoint_id").get()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("webhooks.extra._ARE_ASKED", "SELECT FALSE")
        taken = take(10)
    assert ExtraTry.objects.filter(delivery_id=asked[0]).exists()
    return taken


def test_an_extra_try_that_the_schedule_took_over_too_often_is_dropped(delivery: Delivery) -> None:
    Endpoint.objects.update(retry_schedule=[5] * 9)
    ask(delivery.id, Trigger.MANUAL)
    for _ in range(FORGIVEN + 1):
        assert [each.is_extra for each in take(10)] == [True]
        lose_leases()
        due_now(delivery)
        (scheduled,) = lanes_only()
        end(scheduled, 500)
    assert take(10) == []
    assert not ExtraTry.objects.exists()
    assert len({number for number, *_ in tried(delivery)}) == len(tried(delivery)) == 2 * (FORGIVEN + 1)


def test_an_extra_try_takes_over_from_the_schedule_that_was_cut_off(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    (scheduled,) = take(10)
    lose_leases()
    ask(delivery.id, Trigger.MANUAL)
    (extra,) = take(10)
    assert (extra.is_extra, extra.number) == (True, 2)
    end(scheduled)
    end(extra, 500)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.abandoned_count, delivery.step) == ("pending", 1, 0)
    assert tried(delivery) == [(1, "schedule", "abandoned"), (2, "manual", "http_status")]


def test_a_scheduled_try_that_was_cut_off_once_too_often_is_settled_first(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    for _ in range(FORGIVEN + 1):
        take(10)
        lose_leases()
    ask(delivery.id, Trigger.MANUAL)
    (spent,) = take(10)
    assert (spent.is_extra, spent.spent) == (False, True)
    end(spent, None, failure=Failure.ABANDONED)
    (extra,) = take(10)
    assert extra.is_extra
    delivery.refresh_from_db()
    assert delivery.step == 1


def test_a_late_answer_after_a_takeover_changes_nothing(delivery: Delivery) -> None:
    ask(delivery.id, Trigger.MANUAL)
    (late,) = take(10)
    lose_leases()
    (current,) = take(10)
    end(late)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.claim_id) == ("pending", current.claim_id)
    assert ExtraTry.objects.get().claim_id == current.claim_id


def test_giving_back_uses_no_number_again(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    (claimed,) = take(10)
    give_back([claimed])
    delivery.refresh_from_db()
    assert (delivery.attempt_count, delivery.claim_id) == (0, None)
    (claimed,) = take(10)
    Delivery.objects.update(attempt_count=5)
    give_back([claimed])
    delivery.refresh_from_db()
    assert (delivery.attempt_count, delivery.claim_id) == (5, None)


def test_tries_that_were_cut_off_are_tallied_without_a_duration(endpoint: Endpoint) -> None:
    owe(endpoint, 2)
    take(10)
    lose_leases()
    take(10)
    assert Tally.objects.values_list("error", "tries", "duration_ms").get() == ("abandoned", 2, 0)
