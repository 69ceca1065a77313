"""What Celery runs."""

import logging
from collections.abc import Iterator

import pytest
from celery import Celery
from django.db import OperationalError

from accounts.models import Merchant
from tests.subscribers import Subscriber, later, status, subscriber
from tests.webhooks.cast import EndpointFactory, owe
from webhooks import tasks
from webhooks.models import Delivery, Endpoint


@pytest.fixture
def server(settings) -> Iterator[Subscriber]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with subscriber() as running:
        yield running


@pytest.fixture(autouse=True)
def _loud_again() -> None:
    tasks._quiet_until[0] = 0.0


@pytest.fixture
def nudges(monkeypatch) -> list[bool]:
    sent: list[bool] = []
    monkeypatch.setattr(tasks, "nudge", lambda: sent.append(True))
    return sent


@pytest.mark.django_db
def test_the_sweep_finds_what_nobody_was_nudged_about(alice: Merchant, server: Subscriber, nudges) -> None:
    owe(EndpointFactory(merchant=alice, url=server.url()), 3)
    tasks.sweep()
    assert len(server.heard()) == 3


@pytest.mark.django_db
def test_the_sweep_puts_deliveries_in_order_first(alice: Merchant, server: Subscriber, nudges) -> None:
    owe(EndpointFactory(merchant=alice, url=server.url()))
    Endpoint.objects.update(state="disabled")
    tasks.sweep()
    assert Delivery.objects.get().state == "held"
    Endpoint.objects.update(state="active")
    tasks.sweep()
    assert len(server.heard()) == 1


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
    alice: Merchant, server: Subscriber, nudges, monkeypatch, part: str
) -> None:
    def refuse() -> int:
        raise OperationalError("too long")

    forgotten: list[bool] = []
    monkeypatch.setattr(f"webhooks.{part}", refuse)
    monkeypatch.setattr(tasks.stats, "forget", lambda: forgotten.append(True))
    owe(EndpointFactory(merchant=alice, url=server.url()))
    tasks.sweep()
    assert len(server.heard()) == 1
    assert forgotten == [True]


@pytest.mark.django_db
def test_a_pump_with_work_left_nudges_again_and_one_without_does_not(
    alice: Merchant, server: Subscriber, nudges, monkeypatch
) -> None:
    server.answer("/hook", later(0.1, status(200)))
    owe(EndpointFactory(merchant=alice, url=server.url()), 15)
    monkeypatch.setattr(tasks, "BUDGET", 0.05)
    tasks.pump()
    assert nudges == [True]
    tasks.pump()
    assert nudges == [True]
    assert len(server.heard()) == 15


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
    assert (tasks.pump.name, tasks.sweep.name) == ("webhooks.pump", "webhooks.sweep")
    assert tasks.send_notices.name == "webhooks.send_notices"
