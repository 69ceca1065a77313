"""What Celery runs."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery
from django.db import OperationalError

from accounts.models import Merchant
from tests.subscribers import Subscriber, later, status
from tests.webhooks.cast import EndpointFactory, owe
from webhooks import tasks
from webhooks.models import Delivery, Endpoint
from webhooks.paces import Pace


@pytest.fixture
def nudges(monkeypatch) -> list[Pace]:
    sent: list[Pace] = []
    monkeypatch.setattr(tasks, "nudge", sent.append)
    return sent


@pytest.fixture
def published(monkeypatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(tasks, "publish", lambda task: names.append(task.name))
    return names


@pytest.fixture
def take_from() -> Iterator[Callable[[str], None]]:
    """Be the process of a worker that takes from these queues: `celery worker -Q QUEUES`."""
    queues = tasks.pump.app.amqp.queues
    yield lambda names: queues.select(names.split(","))
    queues._consume_from = None


@pytest.mark.django_db
def test_a_pump_finds_what_nobody_was_nudged_about(alice: Merchant, server: Subscriber, nudges) -> None:
    owe(EndpointFactory(merchant=alice, url=server.url()), 3)
    tasks.pump()
    assert len(server.heard()) == 3


@pytest.mark.django_db
def test_the_sweep_puts_deliveries_in_order_and_nudges_for_what_it_releases(alice: Merchant, nudges) -> None:
    owe(EndpointFactory(merchant=alice))
    Endpoint.objects.update(state="disabled")
    tasks.sweep()
    assert Delivery.objects.get().state == "held"
    Endpoint.objects.update(state="active")
    nudges.clear()
    tasks.sweep()
    assert Delivery.objects.get().state == "pending"
    assert nudges != []


@pytest.mark.django_db
def test_a_sweep_with_nothing_to_do_nudges_nobody(nudges) -> None:
    tasks.sweep()
    assert nudges == []


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["holding.reconcile", "expiring.expire"])
def test_a_part_of_the_sweep_ends_with_its_time_and_the_next_sweep_goes_on(
    nudges, monkeypatch, part: str
) -> None:
    left = [3]

    def batch() -> int:
        left[0] -= 1
        return left[0]

    monkeypatch.setattr(f"webhooks.{part}", batch)
    with monkeypatch.context() as hurried:
        hurried.setattr(tasks, "BUDGET", 0.0)
        tasks.sweep()
    assert left == [2]
    tasks.sweep()
    assert left == [0]


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["holding.reconcile", "expiring.expire"])
def test_what_the_database_refuses_of_the_sweep_does_not_hold_up_the_rest(
    nudges, monkeypatch, part: str
) -> None:
    def refuse() -> int:
        raise OperationalError("too long")

    forgotten: list[bool] = []
    monkeypatch.setattr(f"webhooks.{part}", refuse)
    monkeypatch.setattr(tasks.stats, "forget", lambda: forgotten.append(True))
    tasks.sweep()
    assert forgotten == [True]


@pytest.mark.django_db
def test_a_pump_with_work_left_nudges_again_and_one_without_does_not(
    alice: Merchant, server: Subscriber, nudges, monkeypatch
) -> None:
    server.answer("/hook", later(0.1, status(200)))
    owe(EndpointFactory(merchant=alice, url=server.url()), 15)
    monkeypatch.setattr(tasks, "BUDGET", 0.05)
    tasks.pump()
    assert nudges == [Pace.FIRST]
    tasks.pump()
    assert nudges == [Pace.FIRST]
    assert len(server.heard()) == 15


@pytest.mark.django_db
def test_a_thousand_commits_make_one_task_and_none_while_a_pump_runs(
    published, take_from, monkeypatch
) -> None:
    take_from("deliveries")
    for _ in range(1000):
        tasks.nudge()
    assert published == ["webhooks.pump"]
    monkeypatch.setattr(tasks, "run", lambda *_: tasks.nudge() or 0)
    tasks.pump()
    # What it did not hear of before it ended is looked for by the next one.
    assert published == ["webhooks.pump"] * 2


@pytest.mark.django_db
def test_each_pace_has_a_task_of_its_own(published) -> None:
    tasks.nudge(Pace.LATE)
    tasks.nudge(Pace.FIRST)
    assert published == ["webhooks.pump_late", "webhooks.pump"]


@pytest.mark.django_db
def test_a_second_pump_of_a_process_leaves_the_work_to_the_first(published, monkeypatch) -> None:
    runs: list[int] = []

    def run(*_: object) -> int:
        runs.append(1)
        if len(runs) == 1:
            tasks.pump_late()
        return 0

    monkeypatch.setattr(tasks, "run", run)
    tasks.pump()
    assert len(runs) == 1
    # The first one had not heard of it when it ended, and it was of both paces.
    assert published == ["webhooks.pump", "webhooks.pump_late"]
    tasks.pump()
    assert len(runs) == 2


@pytest.mark.django_db
def test_a_pump_that_only_waits_for_its_last_tries_keeps_no_other_one_out(monkeypatch) -> None:
    runs: list[int] = []

    def run(*_: object) -> int:
        runs.append(1)
        if len(runs) == 1:
            tasks.pump()
        return 0

    monkeypatch.setattr(tasks, "run", run)
    monkeypatch.setattr(tasks, "BUDGET", 0.0)
    tasks.pump()
    assert len(runs) == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("queues", "task", "paces", "budget"),
    [
        ("deliveries", tasks.pump, [Pace.FIRST], tasks.BUDGET_ALONE),
        ("late", tasks.pump_late, [Pace.LATE], tasks.BUDGET_ALONE),
        ("deliveries,late", tasks.pump_late, [Pace.FIRST, Pace.LATE], tasks.BUDGET_ALONE),
        ("parcelwire,deliveries", tasks.pump, [Pace.FIRST], tasks.BUDGET),
        ("parcelwire,deliveries,late", tasks.pump, [Pace.FIRST, Pace.LATE], tasks.BUDGET),
    ],
)
def test_a_worker_pumps_at_the_paces_of_its_queues_and_makes_room_for_what_else_it_takes(
    take_from, monkeypatch, queues: str, task: Any, paces: list[Pace], budget: float
) -> None:
    ran: list[tuple[float, list[Pace]]] = []

    def run(seconds: float, those: list[Pace], *_: object) -> int:
        ran.append((seconds, those))
        return 0

    monkeypatch.setattr(tasks, "run", run)
    take_from(queues)
    task()
    assert ran == [(budget, paces)]


@pytest.fixture
def cut_off(settings) -> Iterator[Celery]:
    """An application whose broker is not there."""
    app = Celery("cut-off", broker="redis://127.0.0.1:1/0", set_as_current=False)
    app.conf.update(
        broker_transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS, task_ignore_result=True
    )
    yield app
    app.close()


def test_a_broker_that_is_not_there_is_tried_once_and_then_left_alone(cut_off: Celery, caplog) -> None:

    def hear() -> None:
        pass

    task = cut_off.task(name="nobody.hears")(hear)
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            tasks.publish(task)
    assert len([each for each in caplog.records if "nobody.hears" in each.getMessage()]) == 1


def test_the_names_are_fixed() -> None:
    assert (tasks.pump.name, tasks.pump_late.name) == ("webhooks.pump", "webhooks.pump_late")
    assert (tasks.sweep.name, tasks.recover.name) == ("webhooks.sweep", "webhooks.recover")
    assert tasks.send_notices.name == "webhooks.send_notices"
