"""The subscribers of a run: what they note, what they are like, and what they tell the nemesis."""

import base64
import contextlib
import hmac
import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from config import loopback
from tests.faults.harness import manners
from tests.faults.harness.fleet_control import Control
from tests.faults.harness.history import read
from tests.faults.harness.manners import Answer
from tests.processes import ROOT
from tests.waiting import eventually

SECRET = "whsec_" + base64.b64encode(b"a secret of the tests").decode()
BEHAVIOURS = ("quick", "resetting", "gone", "redirecting")


class Running:
    """A fleet as a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        endpoints = [{"n": nth, "behaviour": each} for nth, each in enumerate(BEHAVIOURS)]
        (folder / "plan.json").write_text(json.dumps({"seed": 1, "endpoints": endpoints}))
        (folder / "secrets.json").write_text(json.dumps({str(nth): SECRET for nth in range(len(BEHAVIOURS))}))
        self.port, control, self.forbidden = (loopback.free_port() for _ in range(3))
        words = [str(folder), str(self.port), str(control), str(self.forbidden)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.harness.fleet", *words], cwd=ROOT
        )
        self.control = Control(control)
        for port in (self.port, control, self.forbidden):
            eventually(lambda port=port: not loopback.port_is_free("127.0.0.1", port))

    def post(self, endpoint: int, id_: str, *, signature: str | None = None) -> http.client.HTTPResponse:
        tracking = {"tracker": {"trackerId": "t"}, "metadata": {"sequence": 2, "previousSequence": 1}}
        body = json.dumps({"type": "tracking.updated", "trackings": [tracking | {"events": []}]}).encode()
        right = hmac.digest(b"a secret of the tests", f"{id_}.1000.".encode() + body, "sha256")
        headers = {
            "webhook-id": id_,
            "webhook-timestamp": "1000",
            "webhook-signature": signature or "v1," + base64.b64encode(right).decode(),
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", f"/e/{endpoint}", body, headers)
            self.own_port = connection.sock.getsockname()[1]
            answer = connection.getresponse()
            answer.read()
            return answer
        finally:
            connection.close()

    def noted(self, what: str) -> list[dict[str, Any]]:
        return [note for note in read(self.folder / "subscribers.jsonl") if note["what"] == what]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("fleet"))
    yield made
    made.process.kill()
    made.process.wait()


def test_what_arrives_and_what_is_answered_is_noted(fleet: Running) -> None:
    assert fleet.post(0, "one").status == 200
    (arrived,) = [note for note in fleet.noted("arrived") if note["id"] == "one"]
    assert (arrived["signature"], arrived["type"], arrived["timestamp"]) == ("ok", "tracking.updated", 1000)
    assert (arrived["tracker"], arrived["sequence"], arrived["previous"]) == ("t", 2, 1)
    eventually(lambda: [note["status"] for note in fleet.noted("answered") if note["id"] == "one"] == [200])


def test_a_wrong_signature_is_noted_as_such(fleet: Running) -> None:
    fleet.post(0, "two", signature="v1,AAAA")
    (arrived,) = [note for note in fleet.noted("arrived") if note["id"] == "two"]
    assert arrived["signature"] == "wrong"


def test_an_answer_that_is_torn_counts_as_none(fleet: Running) -> None:
    id_ = next(str(n) for n in range(100) if manners.chance(1, 1, str(n)) % 3 == 0)
    with contextlib.suppress(http.client.HTTPException, ConnectionResetError):
        fleet.post(1, id_)
    assert fleet.post(1, id_).status == 200
    eventually(lambda: [n["status"] for n in fleet.noted("answered") if n["endpoint"] == 1] == [0, 200])


def test_one_that_is_gone_stays_so_and_one_that_redirects_points_to_the_forbidden_port(
    fleet: Running,
) -> None:
    told = [fleet.post(2, str(n)).status for n in range(manners.BEFORE_GONE + 2)]
    assert told == [200] * manners.BEFORE_GONE + [410] * 2
    assert fleet.post(3, "x").headers["location"] == f"http://127.0.0.1:{fleet.forbidden}/"
    assert fleet.noted("forbidden") == []


def test_whoever_comes_to_the_forbidden_port_is_noted(fleet: Running, tmp_path: Path) -> None:
    other = Running(tmp_path)
    try:
        assert loopback.http_status(f"http://127.0.0.1:{other.forbidden}/") is None
        eventually(lambda: other.noted("forbidden"))
    finally:
        other.process.kill()
        other.process.wait()


def test_a_held_request_is_named_and_waits(fleet: Running) -> None:
    with ThreadPoolExecutor() as beside:
        peer = beside.submit(fleet.control.hold, 60.0)
        eventually(peer.running)
        sent = []
        while not peer.done():
            sent.append(beside.submit(fleet.post, 0, f"held {len(sent)}"))
            if not peer.done():
                eventually(lambda: peer.done() or sent[-1].done())
        assert not sent[-1].done()
        assert peer.result() > 0
        fleet.control.let_go()
        assert sent[-1].result().status == 200


def test_the_next_200_is_named(fleet: Running) -> None:
    with ThreadPoolExecutor() as beside:
        peer = beside.submit(fleet.control.answered, 60.0)
        ports = []
        while not peer.done():
            fleet.post(0, "again")
            ports.append(fleet.own_port)
        assert peer.result() in ports


def test_nobody_is_named_where_nobody_comes_or_the_fleet_stands_still(
    fleet: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fleet.control.hold(0.05) == 0
    assert fleet.control.answered(0.05) == 0
    monkeypatch.setattr("tests.faults.harness.fleet_control._GRACE", 0.2)
    fleet.process.send_signal(signal.SIGSTOP)
    try:
        assert fleet.control.hold(0.05) == 0
    finally:
        fleet.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize(
    ("behaviour", "by", "statuses"),
    [
        ("quick", 0, [200]),
        ("ordered", 0, [200]),
        ("refusing", 2, [503, 503, 200]),
        ("refusing", 0, [200]),
        ("throttling", 1, [429, 200]),
        ("redirecting", 0, [307, 307]),
    ],
)
def test_each_behaviour_answers_in_its_way(behaviour: str, by: int, statuses: list[int]) -> None:
    told = [manners.answer(behaviour, by, nth + 1, 1, "http://x/").status for nth in range(len(statuses))]
    assert told == statuses


def test_slow_ones_take_their_time_and_hanging_ones_take_all_of_it() -> None:
    assert manners.answer("slow", 0, 1, 1, "") == Answer(after=manners.SLOW)
    assert manners.answer("hanging", 4, 1, 1, "") == Answer(after=manners.HANG, torn=True)
    assert manners.answer("hanging", 4, 2, 1, "") == Answer()
    assert manners.answer("throttling", 1, 1, 1, "").headers == {"Retry-After": "2"}
