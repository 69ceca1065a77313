"""`manage.py listen` as a process, with real messages and real nonsense over real connections."""

import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import time

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Merchant
from config import children
from tests.processes import PATIENCE, ROOT, environment, processes_of
from tests.webhooks.cast import EndpointFactory, attempts_of, owe
from webhooks import pump, signing
from webhooks.keyring import Keys
from webhooks.listening import keys, serving
from webhooks.listening.inbox import Inbox
from webhooks.listening.serving import BODY_LIMIT, Listener
from webhooks.models import Endpoint
from webhooks.rotating import rotate

SECRET = signing.new_secret()
BODY = b'{"type":"tracking.updated","weight":136.0}'


class Listening:
    """A running `manage.py listen` on a free port. `text` is all that it has written."""

    def __init__(self, data: Path, *options: str, **variables: str) -> None:
        self.data, self.output = data, data.with_name("listen.output")
        words = [sys.executable, "manage.py", "listen", "--port", "0", *options]
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                words,
                cwd=ROOT,
                env=environment(data, **variables),
                stdout=file,
                stderr=file,
                # Where the tests run in a shell's background, Ctrl-C is ignored, and children inherit that.
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no lock in it
            )
        assert self.says("listening on http://127.0.0.1:"), self.text
        self.port = int(self.text.partition("127.0.0.1:")[2].partition("/")[0])
        self.url = f"http://127.0.0.1:{self.port}/hook"

    @property
    def text(self) -> str:
        return self.output.read_text()

    def says(self, words: str) -> bool:
        children.wait_until(lambda: words in self.text or self.process.poll() is not None, PATIENCE)
        return words in self.text

    def connection(self) -> closing[http.client.HTTPConnection]:
        return closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE))

    def raw(self, request: bytes) -> bytes:
        """All that is answered to these bytes, until the listener closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65_536), b""))


@contextmanager
def listen(folder: Path, *options: str, **variables: str) -> Iterator[Listening]:
    running = Listening(folder / "data", *options, **variables)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def posted(listening: Listening, body: bytes = BODY, *, sent: bytes | None = None, age: int = 0) -> int:
    """The status for a message signed with SECRET. `sent` is the body that goes out instead of it."""
    timestamp = int(time()) - age
    signature = signing.signatures([signing.signer(SECRET)], "msg_1", timestamp, body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(timestamp), "webhook-signature": signature}
    with listening.connection() as connection:
        connection.request("POST", "/hook", body if sent is None else sent, headers)
        return connection.getresponse().status


def test_it_says_of_each_message_whether_it_verifies_and_ends_with_1_if_one_does_not(tmp_path: Path) -> None:
    with listen(tmp_path, "--count", "3", PARCELWIRE_LISTEN_SECRET=SECRET) as listening:
        assert posted(listening) == 204
        assert posted(listening, sent=b'{"type": "tracking.updated", "weight": 136.0}') == 400
        assert posted(listening, age=1_000) == 400
        assert listening.process.wait(PATIENCE) == 1
    assert "tracking.updated, POST /hook" in listening.text
    assert "signature 1 (v1) verifies with secret 1\n  verified, answered 204" in listening.text
    assert "the body was changed on its way" in listening.text
    assert "s old, and 300 s are allowed" in listening.text
    assert "2 of 3 messages did not verify" in listening.text
    assert SECRET not in listening.text


def test_it_ends_with_0_where_every_message_verified(tmp_path: Path) -> None:
    with listen(tmp_path, "--count", "1", "--secret", signing.new_secret(), "--secret", SECRET) as listening:
        assert posted(listening) == 204
        assert listening.process.wait(PATIENCE) == 0
    assert "verifies with secret 2" in listening.text


def test_without_a_secret_nothing_is_verified_and_nothing_refused(tmp_path: Path) -> None:
    with listen(tmp_path, "--count", "1") as listening:
        assert posted(listening) == 204
        assert listening.process.wait(PATIENCE) == 0
    assert "not verified, answered 204" in listening.text


def test_it_starts_no_server_and_asks_for_none(tmp_path: Path) -> None:
    with listen(tmp_path) as listening:
        assert posted(listening) == 204
        assert list(processes_of(listening.data)) == [listening.process.pid]
    assert not (listening.data / "postgres").exists()


def test_it_answers_the_status_that_it_is_told_to(tmp_path: Path) -> None:
    with listen(tmp_path, "--status", "503", "--secret", SECRET) as listening:
        assert posted(listening) == 503
        assert posted(listening, sent=b"{}") == 503
        assert listening.says("NOT VERIFIED, answered 503")
        assert listening.says("  verified, answered 503")


def test_it_is_heard_on_this_machine_alone(tmp_path: Path) -> None:
    with listen(tmp_path) as listening, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", listening.port), timeout=5)


def test_a_connection_is_kept_for_several_requests_of_any_kind(tmp_path: Path) -> None:
    with listen(tmp_path) as listening, listening.connection() as connection:
        seen = []
        for method in ("GET", "HEAD", "POST", "POST", "GET"):
            connection.request(method, "/hook", BODY if method == "POST" else None)
            answer = connection.getresponse()
            seen.append((method, answer.status, bool(answer.read()), connection.sock is not None))
        assert seen == [
            ("GET", 200, True, True),
            ("HEAD", 200, False, True),
            ("POST", 204, False, True),
            ("POST", 204, False, True),
            ("GET", 200, True, True),
        ]
        assert listening.says("HEAD /hook: no message, answered 200")


def test_a_body_over_the_limit_is_refused_and_the_sender_sees_it(tmp_path: Path) -> None:
    with listen(tmp_path, "--count", "2", "--secret", SECRET) as listening:
        assert posted(listening, b"x" * BODY_LIMIT) == 204
        assert posted(listening, b"x" * (BODY_LIMIT + 1)) == 413
        assert listening.process.wait(PATIENCE) == 1
    assert f"refused: a body of {BODY_LIMIT + 1} bytes" in listening.text


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"", 411),
        (b"Transfer-Encoding: chunked\r\n", 411),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", 411),
        (b"Content-Length: -1\r\n", 400),
        (b"Content-Length: 2\r\nContent-Length: 3\r\n", 400),
        (b"Content-Length: 2x\r\n", 400),
        (b"Content-Length: 10\r\n", 400),
        (b"Content-Length: 99999999999999\r\n", 413),
    ],
)
def test_what_is_no_whole_message_is_refused_and_the_connection_closed(
    listening: Listening, head: bytes, status: int
) -> None:
    answer = listening.raw(b"POST /hook HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n{}")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "request_", [b"\x00\xff\x1b[2J\r\n\r\n", b"DANCE / HTTP/1.1\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_request_is_survived(listening: Listening, request_: bytes) -> None:
    listening.raw(request_)
    assert posted(listening) == 204


def test_a_sender_that_goes_away_is_said_to(listening: Listening) -> None:
    with socket.create_connection(("127.0.0.1", listening.port)) as connection:
        connection.sendall(b"POST /hook HTTP/1.1\r\nContent-Le")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert listening.says("the sender closed the connection before it was answered")
    assert "Traceback" not in listening.text


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (2, "refused: the body of 2 bytes did not come, answered 408"),
        (BODY_LIMIT + 1, f"refused: a body of {BODY_LIMIT + 1} bytes; {BODY_LIMIT} are taken, answered 413"),
    ],
)
def test_a_body_that_does_not_come_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, length: int, said: str
) -> None:
    do_post = serving._Handler.do_POST

    def impatiently(handler: serving._Handler) -> None:
        handler.connection.settimeout(0.1)
        do_post(handler)

    monkeypatch.setattr(serving._Handler, "do_POST", impatiently)
    entries: list[str] = []
    inbox = Inbox(keys.read([SECRET]), entries.append, None, 1)
    with Listener(0, inbox) as listener, listener.serving():
        with socket.create_connection(("127.0.0.1", listener.server_port), timeout=PATIENCE) as connection:
            connection.sendall(b"POST /hook HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % length)
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert answer.startswith(b"HTTP/1.1 %s " % said[-3:].encode())
        assert inbox.ended.wait(PATIENCE)
    assert entries == [said]
    assert inbox.refused == 1


def test_a_sender_cannot_steer_the_terminal(listening: Listening) -> None:
    line = b"POST /\x1b[2J\x9b31m HTTP/1.1\r\nHost: x\r\nwebhook-id: \x1b]0;x\x07\r\n"
    listening.raw(line + b"Content-Length: 4\r\n\r\n\x1b[2J")
    listening.raw(b"\x1b[2J \x1b[2J \x1b[2J\r\n\r\n")
    assert posted(listening) == 204
    assert listening.says("webhook-id: \\x1b]0;x\\x07")
    assert all(letter.isprintable() or letter == "\n" for letter in listening.text)


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    """One without a secret, for tests that look at answers alone."""
    with listen(tmp_path_factory.mktemp("listening")) as running:
        yield running


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--secret", signing.new_private_key()], "secret no. 1 is a private key"),
        (["--secret", "abc"], "begins with neither whsec_ nor whpk_"),
        (["--port", "70000"], "--port is 70000; expected 0 to 65535"),
        (["--status", "101"], "--status is 101; expected 200 to 599"),
        (["--count", "0"], "--count is 0; expected at least 1"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("listen", *options)


def test_a_port_that_is_taken_is_named(listening: Listening) -> None:
    with pytest.raises(CommandError, match=f"port {listening.port} of 127.0.0.1: Address already in use"):
        call_command("listen", "--port", str(listening.port))


def test_ctrl_c_ends_it_quietly(tmp_path: Path) -> None:
    with listen(tmp_path) as listening:
        listening.process.send_signal(signal.SIGINT)
        assert listening.process.wait(PATIENCE) == 0
    assert "Traceback" not in listening.text


def test_a_reader_that_goes_away_ends_it(tmp_path: Path) -> None:
    read, write = os.pipe()
    words = [sys.executable, "manage.py", "listen", "--port", "0"]
    env = environment(tmp_path / "data")
    with subprocess.Popen(words, cwd=ROOT, env=env, stdout=write, stderr=subprocess.DEVNULL) as process:
        os.close(write)
        with os.fdopen(read) as reader:
            port = int(reader.readline().partition("127.0.0.1:")[2].partition("/")[0])
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
            connection.request("POST", "/", b"{}")
            assert connection.getresponse().status == 204
        process.wait(PATIENCE)


@pytest.mark.django_db
@pytest.mark.parametrize("version", ["v1", "v1a"])
def test_real_deliveries_verify_with_either_key_while_they_overlap(
    tmp_path: Path, alice: Merchant, settings, version: str
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    old = Keys.fresh(version)
    endpoint = EndpointFactory(merchant=alice, **asdict(old))
    new = rotate(alice.id, endpoint.id, 3_600)
    for ring in (old, new):
        with listen(tmp_path, "--count", "1", "--secret", ring.public_key or ring.secret) as listening:
            Endpoint.objects.update(url=listening.url)
            (delivery,) = owe(endpoint)
            assert pump.run(60) == 1
            assert listening.process.wait(PATIENCE) == 0
        assert [each.status_code for each in attempts_of(delivery)] == [204]
        assert json.loads(bytes(delivery.message.body))["type"] in listening.text
