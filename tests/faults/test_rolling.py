"""Two webs and three workers under load, each replaced in turn: no call fails, nothing is lost or doubled."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import ApiKey, Merchant
from config import children, loopback, programs
from events.models import Event
from tests.carrier_server import CarrierServer, carrier_server, order
from tests.factories import CarrierAccountFactory
from tests.faults.front import Front
from tests.faults.stage import Stage, database_url
from tests.faults.truth import claimed, drained, sends
from tests.faults.witness import slowly
from tests.subscribers import Answer, Handler, status
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory
from trackers.claiming import oldest_due
from trackers.models import Tracker, Watch
from trackers.rebuilding import check
from webhooks.models import Attempt, Delivery, Endpoint

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

#: Calls that are answered between two replacements, at least.
BETWEEN = 30
CODES = ("050000", "060000", "070000")
#: Seconds that the carrier, and a slow subscriber, take.
SLOW = 0.3
#: A subscriber refuses each message so often: its next try is a late one.
REFUSALS = 3


@dataclass(slots=True)
class Fleet:
    """Programs of the project, each of which can be replaced by another of its kind."""

    data: Path
    environment: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *words: str) -> None:
        environment = self.environment | {"PARCELWIRE_DATA": str(self.data / name)}
        (self.data / name / "static").mkdir(parents=True, exist_ok=True)
        command = children.Command(name, [sys.executable, "manage.py", *words], environment=environment)
        self.running[name] = children.spawn(command, self.data)

    def end(self, name: str) -> int:
        """SIGTERM; its exit status once it has ended."""
        self.running[name].terminate()
        return self.running[name].wait(120)

    def has_begun(self, name: str, times: int) -> bool:
        """Whether this worker, or the one in its place, is at work."""
        return children.log_file(self.data, name).read_text(errors="replace").count(" ready.") >= times

    def kill(self) -> None:
        for process in self.running.values():
            children.signal_group(process, signal.SIGKILL)
            process.wait(60)


@pytest.fixture
def carrier() -> Iterator[CarrierServer]:
    with carrier_server() as server:
        yield server


@pytest.fixture
def fleet(tmp_path: Path, on: Stage) -> Iterator[Fleet]:
    made = Fleet(
        tmp_path,
        {
            **os.environ,
            "DATABASE_URL": database_url(connection.settings_dict["PORT"]),
            "REDIS_URL": on.broker.url,
            "CARRIER_ALLOWED_NETWORKS": "127.0.0.0/8",
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "API_RATE_LIMIT": "off",
            "POLL_NOW_MIN_INTERVAL": "0",
            "DRAIN_SECONDS": "3",
            # A busy machine is slow: what is under way must not run into any of these.
            **dict.fromkeys(("DELIVERY_DEADLINE", "DELIVERY_CONNECT_DEADLINE", "CARRIER_DEADLINE"), "60"),
            **dict.fromkeys(("DELIVERY_LEASE", "POLL_LEASE"), "120"),
        },
    )
    yield made
    made.kill()


class Load:
    """Callers, each on a thread: they create, ask for polls, read, and wait for carriers."""

    def __init__(self, front: Front, carrier: CarrierServer) -> None:
        self._front = front
        self._carrier = carrier
        self._over = threading.Event()
        self._numbers = count(1)
        #: Of trackers whose creation was answered.
        self.created: list[str] = []
        acts = (self._follow, self._follow, self._read, self._read, self._track)
        self._threads = [threading.Thread(target=self._go_on, args=[act]) for act in acts]
        self._threads.append(threading.Thread(target=front.look, args=[self._over]))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, act: Callable[[], None]) -> None:
        while not self._over.wait(0.05):
            act()
        self._front.close()

    def _number(self) -> str:
        """A parcel of which each poll learns one scan more, up to three."""
        number = f"HSROLL{next(self._numbers):06}"
        polls = count(1)

        def reply() -> tuple[int, bytes]:
            threading.Event().wait(SLOW)
            return order(number, *CODES[: next(polls)])

        self._carrier.replies[number] = reply
        return number

    def _follow(self) -> None:
        answer = self._front.call("POST", "/v1/trackers", _parcel(self._number()))
        if answer:
            tracker = str(answer["data"]["tracker"]["trackerId"])
            self.created.append(tracker)
            self._front.call("POST", f"/v1/trackers/{tracker}/poll")

    def _track(self) -> None:
        answer = self._front.call("POST", "/v1/trackers/track", _parcel(self._number()))
        if answer:
            self.created.append(str(answer["data"]["trackings"][0]["tracker"]["trackerId"]))

    def _read(self) -> None:
        self._front.call("GET", "/v1/trackers?limit=5")
        if self.created:
            self._front.call("GET", f"/v1/trackers/{self.created[-1]}/results")


def _parcel(number: str) -> dict[str, str]:
    return {"trackingNumber": number, "courierCode": "all24"}


def _unsteady() -> Answer:
    """Refuse each message a few times, and take it then."""
    seen: Counter[str] = Counter()
    lock = threading.Lock()

    def answer(handler: Handler) -> None:
        with lock:
            seen[handler.post.id] += 1
            times = seen[handler.post.id]
        status(503 if times <= REFUSALS else 200)(handler)

    return answer


def test_each_is_replaced_in_turn_and_nobody_notices(
    alice: Merchant, carrier: CarrierServer, on: Stage, fleet: Fleet, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    on.seen.answer("/slow", slowly(SLOW))
    on.seen.answer("/unsteady", _unsteady())
    for path in ("/quick", "/slow", "/unsteady"):
        EndpointFactory(merchant=alice, url=on.seen.url(path), retry_schedule=[1, 1, 1, 1, 1])
    ports = [loopback.free_port() for _ in range(2)]
    words = {f"web-{port}": ("web", "--port", str(port)) for port in ports}
    words |= {programs.worker_name([queue]): ("worker", queue) for queue in programs.QUEUES}
    for name in words:
        fleet.start(name, *words[name])
    fleet.start("beat", "beat")
    front = Front(ports, ApiKey.issue(alice)[1])
    load = Load(front, carrier)
    try:
        eventually(lambda: front.is_ready(*ports), within=240)
        for name in words:
            _go_on_for_a_while(front)
            assert fleet.end(name) == 0
            _go_on_for_a_while(front)
            fleet.start(name, *words[name])
            eventually(
                lambda name=name: (
                    front.is_ready(*ports) and (name.startswith("web") or fleet.has_begun(name, 2))
                ),
                within=240,
            )
        _go_on_for_a_while(front)
    finally:
        load.stop()
    assert front.failed == []
    eventually(lambda: oldest_due() is None and not Watch.objects.exclude(claim_id=None).exists())
    drained()  # of what the last polls said
    assert [fleet.end(name) for name in (*words, "beat")] == [0] * 6
    _check_parcels(load, carrier)
    _check_deliveries(on)


def _go_on_for_a_while(front: Front) -> None:
    goal = front.answered + BETWEEN
    eventually(lambda: front.answered + len(front.failed) >= goal, within=240)


def _check_parcels(load: Load, carrier: CarrierServer) -> None:
    """Each creation that was answered made one tracker, and each answer of the carrier was recorded once."""
    made = Tracker.objects.values_list("id", flat=True)
    assert sorted(map(str, made)) == sorted(load.created)
    assert not Watch.objects.exclude(claim_id=None).exists()
    asked = Counter(carrier.asked)
    scans = Counter(Event.objects.filter(type="tracking.scanned").values_list("stream", flat=True))
    numbers = dict(Tracker.objects.values_list("id", "tracking_number"))
    assert {numbers[id_]: found for id_, found in scans.items()} == {
        number: min(times, len(CODES)) for number, times in asked.items()
    }
    assert list(check()) == []


def _check_deliveries(on: Stage) -> None:
    """Each delivery that was owed arrived as often as it was refused, and once more."""
    assert claimed() == 0
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert set(Attempt.objects.values_list("error", flat=True)) == {"", "http_status"}
    for endpoint in Endpoint.objects.all():
        path = "/" + endpoint.url.rpartition("/")[2]
        owed = Delivery.objects.filter(endpoint=endpoint).values_list("message_id", flat=True)
        times = REFUSALS + 1 if path == "/unsteady" else 1
        assert sends(on.seen.posts(path)) == {str(id_): times for id_ in owed}, path
        assert len(owed) > 2 * BETWEEN
