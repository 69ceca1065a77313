"""The short words by which each program is started, wherever that is."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
import requests
from django.conf import settings

from accounts.models import ApiKey, Merchant
from config import children, heartbeat, loopback, programs
from config.supervisor import Stack
from tests.factories import CarrierAccountFactory
from tests.faults.stage import Broker, database_url
from tests.waiting import eventually
from trackers.models import Tracker

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def start(tmp_path: Path, broker: Broker, transactional_db: None) -> Iterator[Start]:
    """Start `manage.py WORDS` on the test's database and a broker of its own."""
    begun = []
    url = database_url(settings.DATABASES["default"]["PORT"])

    def program(*words: str, **more: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "DATABASE_URL": url, "REDIS_URL": broker.url} | more
        environment["PARCELWIRE_DATA"] = str(tmp_path)
        command = children.Command("-".join(words), [sys.executable, "manage.py", *words])
        own = children.Command(command.name, command.words, environment=environment)
        begun.append(children.spawn(own, tmp_path))
        return begun[-1]

    yield program
    for process in begun:
        children.signal_group(process, signal.SIGKILL)
        process.wait(60)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Told to end in order, it does: its exit status."""
    process.terminate()
    return process.wait(60)


def _last_beat(url: str) -> datetime:
    with suppress(redis.RedisError):
        return heartbeat.last_beat(url) or datetime.min.replace(tzinfo=UTC)
    return datetime.min.replace(tzinfo=UTC)


@pytest.mark.journey
def test_web_worker_and_beat_start_by_one_word_and_end_when_told(
    start: Start, broker: Broker, tmp_path: Path
) -> None:
    (tmp_path / "static").mkdir()
    port = loopback.free_port()
    web = start("web", "--port", str(port), DRAIN_SECONDS="0", WEB_PROCESSES="2")
    workers = [start("worker"), start("worker", "deliveries", "late")]
    beat = start("beat")
    eventually(lambda: loopback.http_status(f"http://127.0.0.1:{port}/healthz") == 200)
    eventually(lambda: len(Path(f"/proc/{web.pid}/task/{web.pid}/children").read_text().split()) == 2)
    eventually(lambda: _last_beat(broker.url).year > 1)
    assert "worker-deliveries-late@" in children.log_tail(tmp_path, "worker-deliveries-late", 1000)
    assert [_ended(process) for process in (web, *workers, beat)] == [0, 0, 0, 0]
    assert list(tmp_path.glob(f"{programs.BEAT_SCHEDULE}*"))


@pytest.mark.journey
def test_a_call_under_way_when_the_web_is_told_to_end_is_answered(start: Start, alice: Merchant) -> None:
    """Twice, which changes nothing; nobody else is let in once it does not drain any more."""
    CarrierAccountFactory(merchant=alice, courier="all24")  # whom no worker asks: the call waits
    key = ApiKey.issue(alice)[1]
    port = loopback.free_port()
    url = f"http://127.0.0.1:{port}"
    web = start("web", "--port", str(port), DRAIN_SECONDS="1", TRACK_WAIT="10")
    eventually(lambda: loopback.http_status(f"{url}/readyz?of=web") == 200)
    with ThreadPoolExecutor(1) as caller:
        parcel = {"trackingNumber": "HSAAAA00", "courierCode": "all24"}
        answer = caller.submit(
            requests.post,
            f"{url}/v1/trackers/track",
            json=parcel,
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )
        eventually(Tracker.objects.exists)
        web.terminate()
        eventually(lambda: loopback.http_status(f"{url}/readyz?of=web") != 200)
        web.terminate()
        eventually(lambda: loopback.http_status(f"{url}/healthz") is None)
        assert (answer.result().status_code, web.wait(60)) == (200, 0)


def test_a_worker_for_a_queue_that_is_misspelt_does_not_start(start: Start, tmp_path: Path) -> None:
    assert start("worker", "delivery").wait(60) == 1
    said = children.log_tail(tmp_path, "worker-delivery", 1)
    assert said == "there is no queue 'delivery'; there are parcelwire, deliveries, late"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["manage.py", "web", "--port", "80"], "web"),
        (["/srv/manage.py", "worker"], "worker"),
        (["manage.py", "worker", "parcelwire"], "worker"),
        (["manage.py", "worker", "late", "--processes", "3"], "worker-late"),
        (["manage.py", "worker", "deliveries", "late"], "worker-deliveries-late"),
        (["manage.py", "migrate", "--no-input"], "migrate"),
        (["manage.py"], "manage.py"),
        (["/lib/pytest/__main__.py", "-q"], "pytest"),
        (["/bin/celery", "-A", "config", "worker"], "celery"),
    ],
)
def test_a_process_knows_its_name(words: list[str], name: str) -> None:
    assert programs.own_name(words) == name


def test_the_stack_starts_the_same(tmp_path: Path) -> None:
    commands = Stack(tmp_path, "127.0.0.1", 8123, print)._commands()
    lines = {one.name: " ".join(one.words[1:]) for one in commands}
    assert lines == {
        "web": "manage.py web --host 127.0.0.1 --port 8123",
        "worker": "manage.py worker parcelwire",
        "worker-deliveries": "manage.py worker deliveries",
        "worker-late": "manage.py worker late",
        "beat": "manage.py beat",
    }


def test_what_a_worker_takes_from_are_the_queues_that_there_are() -> None:
    assert list(programs.QUEUES) == list(settings.CELERY_TASK_QUEUES)
