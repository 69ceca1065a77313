"""An endpoint's deliveries of some time, sent again by workers, batch by batch."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts.models import Merchant
from tests.subscribers import Subscriber
from tests.webhooks.cast import EndpointFactory, attempts_of, due_now, ended, owe
from webhooks import extra, pump, recovering
from webhooks.claims import take
from webhooks.models import Delivery, Endpoint, Recovery, Trigger
from webhooks.recovering import advance
from webhooks.settling import settle

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch) -> None:
    monkeypatch.setattr(recovering, "BATCH", 4)


def recovery(endpoint: Endpoint, *states: str, **more: Any) -> Recovery:
    """One of everything that the endpoint was owed so far."""
    spans = {"since": LONG_AGO, "until": Now()} | more
    made = Recovery.objects.create(endpoint=endpoint, states=states or ["exhausted", "pending"], **spans)
    return Recovery.objects.get(id=made.id)


def in_state(deliveries: list[Delivery], state: str) -> None:
    due = Now() + timedelta(hours=1) if state == "pending" else None
    ids = [each.id for each in deliveries]
    Delivery.objects.filter(id__in=ids).update(state=state, next_attempt_at=due, step=3, abandoned_count=2)


def ended_as(endpoint: Endpoint, state: str, count: int = 1) -> list[Delivery]:
    """Deliveries of this endpoint that are in this state, each a second older than the next."""
    owed = owe(endpoint, count)
    in_state(owed, state)
    for nth, each in enumerate(owed):
        ago = timedelta(seconds=count - nth)
        Delivery.objects.filter(id=each.id).update(created_at=F("created_at") - ago)
    return list(Delivery.objects.filter(id__in=[each.id for each in owed]).order_by("created_at"))


def to_its_end() -> int:
    """Batches until none can go on."""
    count = 0
    while advance():
        count += 1
    return count


def row(delivery: Delivery, *names: str) -> tuple[Any, ...]:
    return tuple(Delivery.objects.filter(id=delivery.id).values_list(*names).get())


def told(made: Recovery) -> tuple[str, int, int]:
    made.refresh_from_db()
    return made.state, made.examined, made.recovered


@pytest.mark.parametrize("state", ["exhausted", "delivered"])
def test_what_has_ended_begins_its_schedule_anew(endpoint: Endpoint, state: str) -> None:
    (delivery,) = ended_as(endpoint, state)
    made = recovery(endpoint, state)
    to_its_end()
    assert told(made) == ("done", 1, 1)
    names = ("state", "step", "abandoned_count", "trigger", "delivered_at")
    assert row(delivery, *names) == ("pending", 0, 0, "recovery", None)
    settle([(each, ended(each.delivery_id)) for each in take(1)])
    assert [(each.trigger, each.status_code) for each in attempts_of(delivery)] == [("recovery", 200)]


def test_what_waits_for_its_next_try_is_brought_forward_and_goes_on_with_its_run(endpoint: Endpoint) -> None:
    (delivery,) = ended_as(endpoint, "pending")
    assert take(10) == []
    made = recovery(endpoint)
    to_its_end()
    assert told(made) == ("done", 1, 1)
    assert row(delivery, "step", "abandoned_count", "trigger") == (3, 2, "schedule")
    assert len(take(10)) == 1


def test_what_is_due_keeps_its_place_and_is_not_counted(endpoint: Endpoint) -> None:
    (delivery,) = ended_as(endpoint, "pending")
    due_now(delivery)
    before = row(delivery, "next_attempt_at")
    made = recovery(endpoint)
    to_its_end()
    assert told(made) == ("done", 1, 0)
    assert row(delivery, "next_attempt_at") == before


def test_only_the_states_that_are_asked_for_are_sent_again(endpoint: Endpoint) -> None:
    for state in ("delivered", "exhausted", "held", "cancelled"):
        ended_as(endpoint, state)
    made = recovery(endpoint)
    to_its_end()
    assert told(made) == ("done", 4, 1)
    left = Delivery.objects.exclude(state="pending").values_list("state", flat=True)
    assert sorted(left) == ["cancelled", "delivered", "held"]


def test_the_span_begins_with_since_and_ends_before_until(endpoint: Endpoint) -> None:
    rows = ended_as(endpoint, "exhausted", 5)
    made = recovery(endpoint, since=rows[1].created_at, until=rows[3].created_at)
    to_its_end()
    assert told(made) == ("done", 2, 2)
    assert [row(each, "state")[0] for each in rows] == [
        "exhausted",
        "pending",
        "pending",
        "exhausted",
        "exhausted",
    ]


def test_another_endpoints_deliveries_are_left_alone(alice: Merchant, endpoint: Endpoint) -> None:
    other = EndpointFactory(merchant=alice)
    ended_as(other, "exhausted", 2)
    ended_as(endpoint, "exhausted", 1)
    made = recovery(endpoint)
    to_its_end()
    assert told(made) == ("done", 1, 1)
    assert set(other.deliveries.values_list("state", flat=True)) == {"exhausted"}


def test_a_test_is_never_sent_again(endpoint: Endpoint) -> None:
    (delivery,) = ended_as(endpoint, "exhausted")
    Delivery.objects.update(trigger="test")
    made = recovery(endpoint)
    to_its_end()
    assert told(made) == ("done", 1, 0)
    assert row(delivery, "state") == ("exhausted",)


def test_the_oldest_are_sent_first_over_all_batches(endpoint: Endpoint) -> None:
    rows = ended_as(endpoint, "exhausted", 11)
    recovery(endpoint)
    assert to_its_end() == 3
    order = endpoint.deliveries.order_by("next_attempt_at").values_list("id", flat=True)
    assert list(order) == [each.id for each in rows]


def test_the_row_says_how_far_it_is(endpoint: Endpoint) -> None:
    rows = ended_as(endpoint, "exhausted", 6)
    made = recovery(endpoint)
    assert advance()
    assert told(made) == ("running", 4, 4)
    assert (made.cursor, made.reached_at) == (rows[3].id, rows[3].created_at)
    assert made.finished_at is None
    assert advance()
    assert told(made) == ("done", 6, 6)
    assert made.finished_at is not None
    assert not advance()


def test_a_batch_is_the_same_statements_however_many_rows(
    endpoint: Endpoint, count_statements: Callable[..., int], monkeypatch
) -> None:
    ended_as(endpoint, "exhausted", 61)
    recovery(endpoint)
    monkeypatch.setattr(recovering, "BATCH", 1)
    few = count_statements(advance)
    monkeypatch.setattr(recovering, "BATCH", 50)
    assert count_statements(advance) == few
    with CaptureQueriesContext(connection) as asked:
        advance()
    assert len([one for one in asked if "SAVEPOINT" not in one["sql"]]) == 2


def test_deliveries_of_the_same_moment_are_none_forgotten_between_two_batches(endpoint: Endpoint) -> None:
    owed = owe(endpoint, 9)
    in_state(owed, "exhausted")
    assert len(set(Delivery.objects.values_list("created_at", flat=True))) == 1
    made = recovery(endpoint)
    to_its_end()
    assert told(made) == ("done", 9, 9)


def test_what_comes_after_it_was_asked_for_is_no_part_of_it(endpoint: Endpoint) -> None:
    ended_as(endpoint, "exhausted", 4)
    made = recovery(endpoint)
    advance()
    ended_later = owe(endpoint, 2)
    in_state(ended_later, "exhausted")
    to_its_end()
    assert told(made) == ("done", 4, 4)


def test_one_under_way_is_left_to_its_try(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    (claimed,) = take(1)
    before = Delivery.objects.filter(id=delivery.id).values().get()
    made = recovery(endpoint)
    to_its_end()
    assert told(made) == ("done", 1, 0)
    assert Delivery.objects.filter(id=delivery.id).values().get() == before
    settle([(claimed, ended(delivery.id, 500))])
    assert row(delivery, "state", "step", "trigger") == ("pending", 1, "schedule")


@pytest.mark.parametrize(("code", "state"), [(200, "delivered"), (500, "pending")])
def test_an_ended_one_that_is_tried_by_hand_just_now_has_its_schedule_if_that_fails(
    endpoint: Endpoint, code: int, state: str
) -> None:
    (delivery,) = ended_as(endpoint, "exhausted")
    extra.ask(delivery.id, Trigger.MANUAL)
    (claimed,) = take(10)
    made = recovery(endpoint)
    to_its_end()
    assert told(made) == ("done", 1, 1)
    assert take(10) == []
    settle([(claimed, ended(delivery.id, code))])
    assert row(delivery, "state", "claim_id") == (state, None)
    settle([(each, ended(each.delivery_id)) for each in take(10)])
    assert row(delivery, "state") == ("delivered",)
    triggers = [one.trigger for one in attempts_of(delivery)]
    assert triggers == (["manual"] if code == 200 else ["manual", "recovery"])


def test_bringing_forward_keeps_the_endpoints_cap(endpoint: Endpoint) -> None:
    Endpoint.objects.update(max_in_flight=3)
    ended_as(endpoint, "exhausted", 6)
    for _ in range(2):
        recovery(endpoint)
        to_its_end()
        take(100)
    assert Delivery.objects.exclude(claim_id=None).count() == 2


def test_its_tries_count_for_the_endpoints_health(endpoint: Endpoint) -> None:
    ended_as(endpoint, "exhausted")
    recovery(endpoint)
    to_its_end()
    settle([(each, ended(each.delivery_id, 500)) for each in take(1)])
    endpoint.refresh_from_db()
    assert endpoint.failing_tries == 1


def test_the_same_ids_and_bytes_arrive_again(alice: Merchant, server: Subscriber) -> None:
    endpoint = EndpointFactory(merchant=alice, url=server.url(), max_in_flight=1)
    owe(endpoint, 9)
    pump.run(60)
    recovery(endpoint, "delivered")
    to_its_end()
    pump.run(60)
    heard = [(one.headers["webhook-id"], one.body) for one in server.heard()]
    assert len(heard) == 18
    assert heard[:9] == heard[9:]
