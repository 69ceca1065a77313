"""`manage.py metrics` as a process: it answers whatever its servers do."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from config import loopback
from tests.metrics.scraping import scrape
from tests.processes import PATIENCE, ROOT


@contextlib.contextmanager
def exporter(**environment: str) -> Iterator[int]:
    """The command while it runs: its port."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "metrics", "--port", "0"],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        yield int(process.stdout.readline().rpartition(":")[2].removesuffix("/metrics\n"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_it_tells_how_the_servers_are() -> None:
    with exporter() as port:
        found = scrape(port)
    assert found.of("up", server="redis") == 1
    assert found.has("build_info")


def test_it_answers_though_no_server_does() -> None:
    nobody = f"127.0.0.1:{loopback.free_port()}"
    with exporter(DATABASE_URL=f"postgres://a:b@{nobody}/c", REDIS_URL=f"redis://{nobody}/0") as port:
        found = scrape(port)
    assert found.of("up", server="database") == found.of("up", server="redis") == 0
    assert found.has("scrape_seconds")
    assert not found.has("alerts")


def test_a_server_that_never_answers_does_not_hold_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        black_hole = f"127.0.0.1:{silent.getsockname()[1]}"
        with exporter(DATABASE_URL=f"postgres://a:b@{black_hole}/c") as port:
            found, again = scrape(port), scrape(port)
    assert found.of("up", server="database") == again.of("up", server="database") == 0
    assert found.of("up", server="redis") == 1


def test_nothing_but_metrics_and_health_is_answered() -> None:
    with exporter() as port:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE) as answer:
            assert answer.read() == b"ok"
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"http://127.0.0.1:{port}/admin/", timeout=PATIENCE)


def test_a_port_that_is_taken_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = [sys.executable, "manage.py", "metrics", "--port", port]
        assert subprocess.run(words, cwd=ROOT, check=False).returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on" in capfd.readouterr().err
