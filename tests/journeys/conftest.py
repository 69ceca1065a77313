"""The real stack for journeys: worker processes on the test's database and broker, carriers, subscribers."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.db import connection
from pytest_django import Settings

from accounts.models import Merchant
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, carrier_server
from tests.factories import CarrierAccountFactory
from tests.subscribers import Subscriber, subscriber

ROOT = Path(__file__).resolve().parent.parent.parent
LOOPBACK = "127.0.0.0/8"


class Worker:
    """A Celery worker in a session of its own, as `manage.py up` starts them; it takes from all queues."""

    def __init__(self, log: Path, **environment: str) -> None:
        words = "celery -A config worker --concurrency 2 --without-mingle --without-gossip --loglevel INFO"
        self._log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", *words.split()],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database_url(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def kill(self) -> None:
        """SIGKILL to the worker and its pool, as if the machine had lost its power."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(60)
        self._log.close()


def database_url() -> str:
    at = connection.settings_dict
    return f"postgres://{at['USER']}:{quote(at['PASSWORD'])}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


@pytest.fixture
def start_worker(tmp_path: Path, transactional_db: None) -> Iterator[Callable[..., Worker]]:
    """Start workers, with short leases where a test says so; they are killed when it ends."""
    started: list[Worker] = []

    def start(**environment: str) -> Worker:
        environment = {
            "REDIS_URL": django_settings.REDIS_URL,
            "CARRIER_ALLOWED_NETWORKS": LOOPBACK,
            "WEBHOOK_ALLOWED_NETWORKS": LOOPBACK,
            "SWEEP_INTERVAL": "0.2",
        } | environment
        started.append(Worker(tmp_path / "worker.log", **environment))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


@pytest.fixture(autouse=True)
def _patient(settings: Settings) -> None:
    """Workers may take their time to start."""
    settings.TRACK_WAIT = 120


@pytest.fixture
def carrier() -> Iterator[CarrierServer]:
    with carrier_server() as server:
        yield server


@pytest.fixture
def account(alice: Merchant, carrier: CarrierServer) -> CarrierAccount:
    """Alice's own account at that carrier."""
    return CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)


@pytest.fixture
def hook(settings: Settings) -> Iterator[Subscriber]:
    """A subscriber that answers as a test scripts it."""
    settings.WEBHOOK_ALLOWED_NETWORKS = [LOOPBACK]
    with subscriber() as server:
        yield server
