"""The servers of a bench: PostgreSQL, Valkey and the web, as `manage.py up` runs them."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from config import embedded, loopback

_ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 60.0


class Stage:
    """PostgreSQL and Valkey run; commands and web servers may be started on them."""

    def __init__(self, data: Path, urls: dict[str, str], threads: int) -> None:
        self._data = data
        self._threads = threads
        self.constant = data / "constant.json"
        self.database_url = urls["DATABASE_URL"]
        self._environment = {
            **os.environ,
            **urls,
            "PARCELWIRE_DATA": str(data),
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "API_RATE_LIMIT": "off",
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "BENCH_CONSTANT": str(self.constant),
        }

    def command(self, *words: str) -> str:
        """What a command of manage.py writes."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=_ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    @contextlib.contextmanager
    def web(self) -> Iterator[str]:
        """A web server for as long as this lasts; its URL."""
        port = loopback.free_port()
        words = f"-m granian --interface wsgi --host 127.0.0.1 --port {port} --workers 1 --no-ws"
        words += f" --blocking-threads {self._threads} config.wsgi:application"
        with self._running("web", words):
            yield _answering(f"http://127.0.0.1:{port}", "healthz")

    @contextlib.contextmanager
    def subscriber(self) -> Iterator[str]:
        """A subscriber for as long as this lasts; its URL."""
        port = loopback.free_port()
        with self._running("subscriber", f"-m bench.subscriber {port}"):
            yield _answering(f"http://127.0.0.1:{port}", "heard")

    @contextlib.contextmanager
    def worker(self, *, plain: bool) -> Iterator[None]:
        """One worker process, the product's or that of the plain way, for as long as this lasts."""
        app = "bench.plain" if plain else "config"
        words = (
            f"-m celery -A {app} worker --concurrency 1 --loglevel WARNING --without-gossip --without-mingle"
        )
        with self._running("worker", words):
            yield

    @contextlib.contextmanager
    def _running(self, name: str, words: str) -> Iterator[None]:
        with (self._data / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *words.split()], cwd=_ROOT, env=self._environment, stdout=log, stderr=log
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait(_PATIENCE)


@contextlib.contextmanager
def stage(threads: int) -> Iterator[Stage]:
    """A stage on a temporary folder, with the tables made."""
    for name in ("DATABASE_URL", "REDIS_URL", "PARCELWIRE_ENV"):
        os.environ.pop(name, None)  # never a database that somebody needs
    data = Path(tempfile.mkdtemp(prefix="parcelwire-bench-"))
    with embedded.using(data, "a bench", discard=True) as urls:
        made = Stage(data, urls, threads)
        made.command("migrate", "--run-syncdb", "--verbosity", "0")
        yield made


def fetch(url: str, key: str) -> requests.Response:
    """One answer."""
    return requests.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=_PATIENCE)


def fetch_text(url: str) -> str:
    """What a subscriber of a bench tells of itself."""
    return requests.get(url, timeout=_PATIENCE).text


def _answering(url: str, path: str) -> str:
    deadline = time.monotonic() + _PATIENCE
    while loopback.http_status(f"{url}/{path}") != 200:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the server on {url} does not answer")
        time.sleep(0.05)
    return url
