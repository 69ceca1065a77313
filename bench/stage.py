"""The servers of a bench: PostgreSQL, Valkey, the web, workers, a subscriber, as `manage.py up` runs them."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from signal import SIGKILL
from urllib.parse import urlsplit

import psycopg
import redis
import requests
from celery import Celery
from psycopg import sql

from bench.desk import Desk
from config import children, embedded, loopback, programs

_ROOT = Path(__file__).resolve().parent.parent
#: Seconds for whatever a bench waits for; what takes longer is broken.
PATIENCE = 180.0
_WORKER = "worker --concurrency 1 --loglevel WARNING --without-gossip --without-mingle"


class Stage:
    """PostgreSQL and Valkey run; commands, workers and web servers may be started on them."""

    def __init__(self, data: Path, urls: dict[str, str], threads: int, desk: Desk | None = None) -> None:
        self.data = data
        self._threads = threads
        self.constant = data / "constant.json"
        self.database_url = urls["DATABASE_URL"]
        self._redis_url = urls["REDIS_URL"]
        self._environment = {
            **os.environ,
            **urls,
            "PARCELWIRE_DATA": str(data),
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "API_RATE_LIMIT": "off",
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "CARRIER_ALLOWED_NETWORKS": "127.0.0.0/8",
            "BENCH_CONSTANT": str(self.constant),
        }
        self.desk = desk or Desk(self._environment)

    @contextlib.contextmanager
    def scene(self, name: str, **settings: str) -> Iterator["Stage"]:
        """The same with a database of its own, empty as migrations leave it, and with an empty Valkey."""
        redis.Redis.from_url(self._redis_url).flushdb()
        parts = urlsplit(self.database_url)
        ours, template = sql.Identifier(name), sql.Identifier(parts.path[1:])
        with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(ours, template))
            try:
                urls = {
                    "DATABASE_URL": parts._replace(path=f"/{name}").geturl(),
                    "REDIS_URL": self._redis_url,
                }
                yield Stage(self.data, urls | settings, self._threads, self.desk)
            finally:
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(ours))

    def elsewhere(self, database_url: str) -> "Stage":
        """The same on another database, which somebody else runs."""
        urls = {"DATABASE_URL": database_url, "REDIS_URL": self._redis_url}
        return Stage(self.data, urls, self._threads, self.desk)

    def command(self, *words: str) -> str:
        """What a command of manage.py writes, which is run without this scene's own settings."""
        return self.desk.run(urlsplit(self.database_url).path[1:], list(words))

    @contextlib.contextmanager
    def talk(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A command of manage.py that is spoken with, and must end well."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=_ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise RuntimeError(f"{words[0]} ended with {process.returncode}")

    def database(self) -> psycopg.Connection:
        """A connection to look with from outside."""
        return psycopg.connect(self.database_url, autocommit=True)

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
            yield _answering(f"http://127.0.0.1:{port}", "forget")

    @contextlib.contextmanager
    def carrier(self) -> Iterator[str]:
        """A carrier for as long as this lasts; its URL."""
        port = loopback.free_port()
        with self._running("carrier", f"-m bench.carrier {port}"):
            yield _answering(f"http://127.0.0.1:{port}", "forget")

    @contextlib.contextmanager
    def workers(self, queues: Sequence[str]) -> Iterator[None]:
        """One worker process for each of `queues`, some of which may be several with commas between them.

        They are killed in the end, whatever they are doing.
        """
        with contextlib.ExitStack() as running:
            for nth, names in enumerate(queues):
                words = f"-m celery -A config {_WORKER} -n {nth}@bench -Q {names}"
                running.enter_context(self._running(f"worker-{nth}", words))
            yield

    @contextlib.contextmanager
    def programs(self) -> Iterator[None]:
        """Everything that `manage.py up` runs on its servers, in as many processes."""
        with contextlib.ExitStack() as running:
            for name, words in programs.stack("127.0.0.1", loopback.free_port()).items():
                running.enter_context(self._running(name, f"manage.py {' '.join(words)}"))
            yield

    @contextlib.contextmanager
    def plain_workers(self, of: str = "bench.plain", *, count: int = 1) -> Iterator[None]:
        """So many worker processes of a plain way, for as long as this lasts."""
        with contextlib.ExitStack() as running:
            for nth in range(count):
                words = f"-m celery -A {of} {_WORKER} -n plain-{nth}@bench"
                running.enter_context(self._running(f"worker-plain-{nth}", words))
            yield

    def forget_tasks(self) -> None:
        """What has been published and nobody has taken yet."""
        redis.Redis.from_url(self._redis_url).flushdb()

    def wait_for_workers(self, count: int) -> None:
        """Until so many have started and answer. Raises TimeoutError."""
        control = Celery(broker=self._redis_url).control
        if not children.wait_until(
            lambda: len(control.ping(timeout=1.0, limit=count) or ()) == count, PATIENCE
        ):
            raise TimeoutError(f"{count} workers were awaited")

    def tasks_begun(self, workers: int) -> int:
        """How many tasks these workers have begun since they were started; whoever published them."""
        app = Celery(broker=self._redis_url)
        told = app.control.inspect(timeout=PATIENCE, limit=workers).stats() or {}
        if len(told) != workers:
            raise RuntimeError(f"{len(told)} workers answered instead of {workers}")
        return sum(sum(each["total"].values()) for each in told.values())

    @contextlib.contextmanager
    def _running(self, name: str, words: str) -> Iterator[None]:
        command = children.Command(name, [sys.executable, *words.split()], environment=self._environment)
        process = children.spawn(command, self.data)
        try:
            yield
        finally:
            children.signal_group(process, SIGKILL)
            process.wait()


@contextlib.contextmanager
def stage(threads: int, *, durable: bool = True) -> Iterator[Stage]:
    """A stage on a temporary folder, with the tables made. Not `durable`: no figure counts."""
    for name in (*embedded.SERVERS_OF_OTHERS, "PARCELWIRE_ENV"):
        os.environ.pop(name, None)  # never a database that somebody needs
    data = Path(tempfile.mkdtemp(prefix="parcelwire-bench-"))
    with embedded.using(data, "a bench", durable=durable, discard=True) as urls:
        made = Stage(data, urls, threads)
        try:
            made.command("migrate", "--run-syncdb", "--verbosity", "0")
            yield made
        finally:
            made.desk.end()


def fetch(url: str, key: str) -> requests.Response:
    """One answer."""
    return requests.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE)


def fetch_text(url: str) -> str:
    """What a subscriber of a bench tells of itself."""
    return requests.get(url, timeout=PATIENCE).text


def say_to(process: subprocess.Popen[str], line: str) -> None:
    """One line to a command that is spoken with."""
    if process.stdin:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    """The next line that it writes. Raises EOFError where it has ended instead."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise EOFError("a command that is spoken with has ended")
    return line


def _answering(url: str, path: str) -> str:
    if not children.wait_until(lambda: loopback.http_status(f"{url}/{path}") == 200, PATIENCE):
        raise TimeoutError(f"the server on {url} does not answer")
    return url
