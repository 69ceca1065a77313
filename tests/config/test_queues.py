"""Every queue is taken from, sent to and swept for."""

import re
from collections.abc import Callable, Iterator

import pytest
import yaml
from django.conf import settings

from config import programs, sweeping
from config.celery import app
from tests.processes import ROOT


@pytest.fixture
def take_from() -> Iterator[Callable[[str], None]]:
    """Be the process of a worker that takes from these queues: `celery worker -Q QUEUES`."""
    queues = app.amqp.queues
    yield lambda names: queues.select(names.split(","))
    queues._consume_from = None


def test_each_queue_has_a_worker_in_the_compose_file_and_in_the_stack() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    lines = [str(service.get("command", "")) for service in services.values()]
    taken = {words.group(1) for words in map(re.compile(r"manage.py worker (\S+)$").search, lines) if words}
    assert taken == set(settings.CELERY_TASK_QUEUES)
    assert set(programs.QUEUES) == taken


def test_all_that_beat_sends_goes_to_a_queue_that_is_there() -> None:
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        route = app.amqp.router.route({}, app.tasks[entry["task"]].name)
        assert route["queue"].name in settings.CELERY_TASK_QUEUES


BESIDES = {"accounts.forget_expired_answers", "carriers.count", "trackers.count", "webhooks.count"}


@pytest.mark.parametrize(
    ("queues", "swept"),
    [
        ("parcelwire", {"trackers.sweep", "webhooks.sweep", *BESIDES}),
        ("deliveries", {"webhooks.pump"}),
        ("late", {"webhooks.pump_late"}),
        ("parcelwire,late", {"trackers.sweep", "webhooks.sweep", "webhooks.pump_late", *BESIDES}),
    ],
)
def test_a_process_sweeps_for_the_queues_of_its_worker(take_from, queues: str, swept: set[str]) -> None:
    assert len(sweeping.own()) == 8, "of a worker that chose none"
    take_from(queues)
    assert {sweep.name for sweep in sweeping.own()} == swept


def test_a_queue_that_is_misspelt_is_no_queue(take_from) -> None:
    with pytest.raises(KeyError):
        take_from("delivery")
