"""How workers advance recoveries: in turns, batch by batch, and only where it is of use."""

import pytest
from django.db.models.functions import Now

from accounts.models import Merchant
from tests.subscribers import Subscriber
from tests.webhooks.cast import EndpointFactory, owe
from tests.webhooks.test_recovering import ended_as, in_state, recovery, to_its_end, told
from webhooks import holding, pump, recovering, tasks
from webhooks.claims import take
from webhooks.models import Delivery, Endpoint, Recovery
from webhooks.recovering import advance

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch) -> None:
    monkeypatch.setattr(recovering, "BATCH", 4)


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_it_waits_while_its_endpoint_is_not_active(endpoint: Endpoint, state: str) -> None:
    ended_as(endpoint, "exhausted", 6)
    made = recovery(endpoint)
    advance()
    Endpoint.objects.update(state=state)
    assert not advance()
    assert told(made) == ("running", 4, 4)
    Endpoint.objects.update(state="active")
    to_its_end()
    assert told(made) == ("done", 6, 6)


def test_what_it_made_due_is_held_by_a_pause_and_released_by_its_end(endpoint: Endpoint) -> None:
    ended_as(endpoint, "exhausted", 3)
    recovery(endpoint)
    to_its_end()
    for state, expected in (("paused", "held"), ("active", "pending")):
        Endpoint.objects.update(state=state)
        while holding.reconcile():
            pass
        assert set(Delivery.objects.values_list("state", flat=True)) == {expected}
    assert len(take(10)) == 3


def test_it_is_cancelled_when_its_endpoint_is_deleted(alice: Merchant, endpoint: Endpoint) -> None:
    ended_as(endpoint, "exhausted", 6)
    made = recovery(endpoint)
    advance()
    holding.delete(alice.id, endpoint.id)
    to_its_end()
    assert told(made) == ("cancelled", 4, 4)
    assert made.finished_at is not None
    assert not endpoint.deliveries.filter(state="pending").exists()


def test_one_that_waits_holds_up_no_other(alice: Merchant, endpoint: Endpoint) -> None:
    paused = EndpointFactory(merchant=alice, state="paused")
    for one in (paused, endpoint):
        ended_as(one, "exhausted", 2)
    waits, goes = recovery(paused), recovery(endpoint)
    to_its_end()
    assert (told(waits)[0], told(goes)[0]) == ("running", "done")


def test_any_number_that_wait_take_no_turn_of_one_that_can_go_on(alice: Merchant, endpoint: Endpoint) -> None:
    paused = EndpointFactory(merchant=alice, state="paused")
    waiting = [recovery(paused) for _ in range(5)]
    ended_as(endpoint, "exhausted", 2)
    goes = recovery(endpoint)
    assert advance()
    assert told(goes)[0] == "done"
    assert not advance()
    assert {told(one)[0] for one in waiting} == {"running"}


def test_recoveries_take_turns(alice: Merchant, endpoint: Endpoint) -> None:
    other = EndpointFactory(merchant=alice)
    for one in (endpoint, other):
        ended_as(one, "exhausted", 12)
    first, second = recovery(endpoint), recovery(other)
    for _ in range(4):
        advance()
    assert (told(first)[1], told(second)[1]) == (8, 8)


def test_an_endpoint_that_has_enough_to_do_is_given_no_more_until_it_was_sent(
    alice: Merchant, server: Subscriber, monkeypatch
) -> None:
    monkeypatch.setattr(recovering, "AHEAD", 6)
    endpoint = EndpointFactory(merchant=alice, url=server.url())
    ended_as(endpoint, "exhausted", 20)
    made = recovery(endpoint)
    to_its_end()
    assert told(made) == ("running", 8, 8)
    while told(made)[0] == "running":
        pump.run(60)
        Recovery.objects.update(next_batch_at=Now())
        to_its_end()
    pump.run(60)
    assert told(made) == ("done", 20, 20)
    assert len(server.heard()) == 20


def test_a_batch_costs_the_same_in_a_long_list(endpoint: Endpoint, monkeypatch) -> None:
    monkeypatch.setattr(recovering, "BATCH", 1_000)
    owed = owe(endpoint, 5_500)
    in_state(owed, "exhausted")
    made = recovery(endpoint)
    to_its_end()
    assert told(made) == ("running", 5_000, 5_000)
    Delivery.objects.filter(state="pending").update(state="delivered", next_attempt_at=None)
    Recovery.objects.update(next_batch_at=Now())
    to_its_end()
    assert told(made) == ("done", 5_500, 5_500)
    assert endpoint.deliveries.filter(trigger="recovery").count() == 5_500


def test_the_task_makes_room_after_some_batches_and_asks_for_more(endpoint: Endpoint, monkeypatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(tasks, "publish", lambda task: sent.append(task.name))
    ended_as(endpoint, "exhausted", 4 * tasks.RECOVERED)
    recovery(endpoint)
    tasks.recover()
    assert sent == ["webhooks.recover", "webhooks.pump_late"]
    sent.clear()
    tasks.recover()
    assert sent == []  # nobody has looked since
    assert tasks.recover.name == "webhooks.recover"


def test_the_sweep_goes_on_with_what_nobody_was_nudged_about(
    alice: Merchant, server: Subscriber, monkeypatch
) -> None:
    monkeypatch.setattr(tasks, "publish", lambda _: None)
    ended_as(EndpointFactory(merchant=alice, url=server.url()), "exhausted", 3)
    made = recovery(Endpoint.objects.get())
    tasks.sweep()
    tasks.pump_late()
    assert told(made) == ("done", 3, 3)
    assert len(server.heard()) == 3


def test_who_is_told_to_stop_makes_no_more_batches(endpoint: Endpoint, monkeypatch) -> None:
    ended_as(endpoint, "exhausted", 12)
    made = recovery(endpoint)
    monkeypatch.setattr(recovering, "stop", type("Stop", (), {"is_set": staticmethod(lambda: True)}))
    assert not recovering.run(3)
    assert told(made) == ("running", 0, 0)
