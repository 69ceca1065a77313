"""Names of hosts, looked up while the wire goes on: those that nobody answers for hold up nobody else."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.processes import ROOT
from tests.subscribers import Subscriber, subscriber
from tests.waiting import eventually
from tests.webhooks.test_transport import outgoing, send
from webhooks import names, transport
from webhooks.exchanges import Failure
from webhooks.names import DOUBTFUL, PROMPT, Names, place
from webhooks.transport import Wire, wire

DEADLINE = 0.4


@pytest.fixture(autouse=True)
def _rules(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


class Resolver:
    """Knows `*.good.example`, has never heard of `*.bad.example`, and never answers for any other."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.asked: list[str] = []
        self._lock = threading.Lock()
        self._open = 0
        self.most_open = 0

    def __call__(self, host: str, port: int) -> list[str]:
        with self._lock:
            self.asked.append(host)
            self._open += 1
            self.most_open = max(self.most_open, self._open)
        try:
            if host.endswith("good.example"):
                return ["127.0.0.1"]
            if not host.endswith("bad.example"):
                self.over.wait(180)
            raise OSError("no such name")
        finally:
            with self._lock:
                self._open -= 1


@pytest.fixture
def resolver(monkeypatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(transport, "_look_up", made)
    yield made
    made.over.set()


@pytest.fixture
def own(resolver: Resolver) -> Iterator[Wire]:
    made = Wire(wire().allowed)
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


def at(host: str, server: Subscriber, path: str = "/hook") -> str:
    return f"http://{host}:{server.server_port}{path}"


def test_a_name_is_looked_up_once_for_all_that_go_there_in_a_minute(
    server: Subscriber, own: Wire, resolver: Resolver
) -> None:
    for _ in range(3):
        results = send(*[outgoing(at("A.good.example", server, f"/{nth}")) for nth in range(5)], on=own)
        assert {(result.failure, result.address) for result in results} == {(None, "127.0.0.1")}
    assert resolver.asked == ["a.good.example"]


def test_a_name_that_nobody_knows_is_a_dns_error(server: Subscriber, own: Wire) -> None:
    for _ in range(2):
        own.start([outgoing(at("shop.bad.example", server))])
        (result,) = own.wait(50)  # before the deadline
        assert (result.failure, result.address, result.status_code) == (Failure.DNS_ERROR, "", None)


def test_a_name_that_nobody_answers_for_is_a_dns_error_in_time_and_holds_up_nobody(
    server: Subscriber, own: Wire, settings
) -> None:
    own.start([outgoing(at("stuck.example", server))])
    for _ in range(5):
        fine = [outgoing(server.url()), outgoing(at("shop.good.example", server))]
        assert {result.failure for result in send(*fine, on=own)} == {None}
    settings.DELIVERY_DNS_DEADLINE = DEADLINE
    silent = outgoing(at("silent.example", server))
    own.start([silent])
    (result,) = own.wait(50)
    assert (result.token, result.failure, result.address) == (silent.token, Failure.DNS_ERROR, "")
    assert result.duration_ms >= 1000 * DEADLINE


def test_hundreds_of_names_that_nobody_answers_for_hold_up_a_new_one_for_a_moment_only_once(
    server: Subscriber, own: Wire, resolver: Resolver
) -> None:
    silent = [outgoing(at(f"{nth}.silent.example", server)) for nth in range(PROMPT + 100)]
    own.start(silent)
    late = outgoing(at("late.good.example", server))
    own.start([late])
    eventually(lambda: own.wait(0.01) or len(resolver.asked) == PROMPT)
    resolver.over.set()
    results = {result.token: result.failure for result in heard_all(own, PROMPT + 101)}
    assert results.pop(late.token) is None
    assert set(results.values()) == {Failure.DNS_ERROR}


def test_names_that_were_slow_before_share_a_few_threads(
    server: Subscriber, own: Wire, resolver: Resolver, settings
) -> None:
    settings.DELIVERY_DNS_DEADLINE = DEADLINE
    silent = [at(f"{nth}.silent.example", server) for nth in range(PROMPT)]
    results = send(*map(outgoing, silent), on=own)
    assert {result.failure for result in results} == {Failure.DNS_ERROR}
    resolver.over.set()
    eventually(lambda: own.wait(0.01) or not own._names._running)
    resolver.over.clear()
    resolver.most_open = 0
    eventually(lambda: own.wait(0.01) or all(own._names.known(place(url)) is None for url in silent))
    new = outgoing(at("new.good.example", server))
    own.start(map(outgoing, silent))
    settings.DELIVERY_DNS_DEADLINE = 60
    own.start([new])
    results = {result.token: result.failure for result in heard_all(own, PROMPT + 1)}
    assert results.pop(new.token) is None
    assert set(results.values()) == {Failure.DNS_ERROR}
    assert resolver.most_open <= DOUBTFUL + 1


def heard_all(own: Wire, count: int) -> list:
    results: list = []
    eventually(lambda: results.extend(own.wait(0.05)) or len(results) >= count)
    return results


def test_a_cancelled_one_is_not_sent_when_its_name_is_found(
    server: Subscriber, own: Wire, monkeypatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(own._names, "_look_up", lambda *_: gate.wait(60) and ["127.0.0.1"])
    request = outgoing(at("slow.example", server))
    own.start([request])
    own.wait(0)
    own.cancel([request.token])
    gate.set()
    assert own.wait(0.1) == []
    assert server.heard() == []


def test_what_took_a_while_to_look_up_counts_in_the_time_of_the_try(
    server: Subscriber, own: Wire, monkeypatch
) -> None:
    def slowly(*_: object) -> list[str]:
        threading.Event().wait(0.2)
        return ["127.0.0.1"]

    monkeypatch.setattr(own._names, "_look_up", slowly)
    (result,) = send(outgoing(at("slow.example", server)), on=own)
    assert result.failure is None
    assert result.duration_ms >= 200


def test_a_wire_that_is_closed_hears_of_no_name(resolver: Resolver) -> None:
    made = Wire(wire().allowed)
    made.start([outgoing("http://silent.example/")])
    made.close()
    resolver.over.set()
    eventually(lambda: resolver._open == 0)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://shop.example/hook", ("shop.example", 443)),
        ("http://Shop.Example.:8080/hook", ("shop.example", 8080)),
        ("https://1.shop/", ("1.shop", 443)),
        ("https://127.0.0.1/", None),
        ("https://0x7f.1/", None),
        ("https://2130706433/", None),
        ("https://[::1]:8443/", None),
        ("https://localhost/", None),
        ("https://a.localhost/", None),
        ("https://sh%6fp.example/", None),
        ("ftp://shop.example/", None),
        ("https://shop.example:port/", None),
        ("nothing", None),
    ],
)
def test_only_names_are_looked_up(url: str, where: tuple[str, int] | None) -> None:
    assert place(url) == where


def test_answers_are_forgotten_beyond_a_limit(monkeypatch) -> None:
    monkeypatch.setattr(names, "LIMIT", 3)
    rung = threading.Semaphore(0)
    found: Names[int] = Names(lambda *_: ["127.0.0.1"], rung.release)
    ended: list[Callable[..., object]] = []
    for nth in range(5):
        found.ask((f"{nth}.example", 443), nth, 5)
        rung.acquire()
        ended += found.over()
    known = [found.known((f"{nth}.example", 443)) for nth in range(5)]
    assert known == [None, None, *[("127.0.0.1",)] * 3]
    assert len(ended) == 5


def test_the_system_s_resolver_that_never_answers_holds_up_nobody() -> None:
    """In a network of its own, whose name server takes questions and says nothing."""
    words = ["unshare", "--user", "--map-root-user", "--mount", "--net"]
    if subprocess.run([*words, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespaces here")
    told = subprocess.run(
        [*words, sys.executable, "-P", "-m", "tests.webhooks.silent_resolver"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "DELIVERY_DNS_DEADLINE": "1",
            # A busy machine is slow.
            "DELIVERY_DEADLINE": "60",
            "DELIVERY_CONNECT_DEADLINE": "60",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert told.stderr == ""
    silent, fine, seconds, closed = map(float, told.stdout.split())
    assert (silent, fine) == (300, 20)
    # The resolver itself would take a minute and a half.
    assert seconds < 60
    assert closed < 25
