"""Row `replica`: a second PostgreSQL that follows the first, and what it takes from it.

Results are read through a web on the first and through one on the replica. Then a worker delivers as fast as
it can, and the first is asked how far behind the replica is: for so long nobody reads there what is new.
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event, Thread
from urllib.parse import urlsplit

from bench import load
from bench.deliveries.figures import Side, Table, quantile
from bench.processes.accounts import Accounts, pid_of
from bench.processes.run import Paced, Run, sides_of
from bench.processes.workers import delivered
from bench.stage import PATIENCE, Stage
from bench.turns import in_turn
from config import children, loopback
from config.servers import Postgres, postgres_binary

_FIRST, _SECOND = "results of the first", "results of the replica"
_REPLICA = "the replica"
#: Seconds between two questions how far behind it is.
_PAUSE = 0.05
#: Seconds in which the replica ends.
_END = 10.0
_LAG = "SELECT extract(epoch FROM coalesce(replay_lag, interval '0'))::float8 FROM pg_stat_replication"
_LEVEL = "SELECT coalesce(bool_and(replay_lsn >= %s), false) FROM pg_stat_replication"


def replica(run: Run) -> Table:
    """Results read of the first and of a replica; how far that is behind while a worker delivers."""
    with run.stage.scene("replica") as on:
        cast = json.loads(on.command("bench_cast", "--trackers", str(run.sizes.trackers)))
        with _following(on) as (second, root):
            found = _reads(run, on, second, root, cast)
            lags: list[list[float]] = []
            told = [_deliveries(run, root, lags) for _ in range(run.rounds)]
    sides = sides_of({**found, "deliveries meanwhile": told})
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        sides[f"behind, {name}"] = Side("ms", [quantile(each, share) * 1000 for each in lags])
    return Table(sides, [])


@dataclass(frozen=True, slots=True)
class _Web:
    """A web, its calls, and the accounts of all that works for it."""

    calls: list[load.Call]
    accounts: Accounts

    def read(self, seconds: float) -> Paced:
        before = self.accounts.look()
        rate = load.run(self.calls, seconds)
        if set(rate.statuses) != {200}:
            raise RuntimeError(f"statuses {rate.statuses}")
        return Paced(rate.per_second, self.accounts.since(before, sum(rate.statuses.values())))


def _reads(run: Run, on: Stage, second: Stage, root: int, cast: dict[str, object]) -> dict[str, list[Paced]]:
    """Each through a web of its own, with as many threads."""
    with contextlib.ExitStack() as stack:
        sides = {}
        for name, stage in ((_FIRST, on), (_SECOND, second)):
            url = stack.enter_context(stage.web())
            accounts = Accounts(on, {"web": [pid_of(on, "web")], _REPLICA: [root]})
            stack.callback(accounts.close)
            sides[name] = partial(_Web(_calls(url, cast), accounts).read, run.sizes.reads)
        return in_turn(sides, run.rounds)


def _calls(url: str, cast: dict[str, object]) -> list[load.Call]:
    key = f"Authorization: Bearer {cast['key']}"
    trackers = cast["trackers"]
    if not isinstance(trackers, list):
        raise TypeError("a list of trackers is wanted")
    return [load.Call(f"{url}/v1/trackers/{id_}/results", (key,)) for id_ in trackers]


def _deliveries(run: Run, root: int, lags: list[list[float]]) -> Paced:
    """One worker process; what the replica used and how far behind it was is noted meanwhile."""
    seen: list[float] = []
    paced = delivered(run, 1, meanwhile=_watching(run.stage, seen), others={_REPLICA: [root]})
    lags.append(seen)
    return paced


@contextlib.contextmanager
def _watching(on: Stage, seen: list[float]) -> Iterator[None]:
    """Seconds for which what is committed is not replayed, every so often."""
    over = Event()

    def watch() -> None:
        with on.database() as database:
            while not over.is_set():
                seen.extend(row[0] for row in database.execute(_LAG))
                over.wait(_PAUSE)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def _following(on: Stage) -> Iterator[tuple[Stage, int]]:
    """A replica on the same machine that has caught up: a stage on it, and its first process."""
    copy = Postgres(on.data / "replica")
    copy.folder.mkdir(parents=True)
    shutil.copy(on.data / "secrets.json", copy.data)  # its passwords are the first one's
    _run(on, copy, _basebackup(on, copy))
    port = loopback.free_port()
    process = children.spawn(copy.command(port), copy.data)
    try:
        url = urlsplit(on.database_url)
        if not children.wait_until(lambda: not copy.refusal(port), PATIENCE):
            raise TimeoutError(children.log_tail(copy.data, copy.name))
        _wait_until_level(on)
        moved = url._replace(netloc=f"{url.netloc.rpartition(':')[0]}:{port}").geturl()
        yield on.elsewhere(moved), process.pid
    finally:
        children.stop([(process, copy.command(port))], copy.data, _soon())
        shutil.rmtree(copy.data, ignore_errors=True)


def _basebackup(on: Stage, copy: Postgres) -> Sequence[str]:
    url = urlsplit(on.database_url)
    words = f"-h {url.hostname} -p {url.port} -U {url.username} -R -c fast -X stream -D {copy.cluster}"
    return [str(postgres_binary("pg_basebackup")), *words.split()]


def _run(on: Stage, copy: Postgres, words: Sequence[str]) -> None:
    environment = {**os.environ, "PGPASSWORD": urlsplit(on.database_url).password or ""}
    command = children.Command("basebackup", words, unprivileged_in=copy.folder, environment=environment)
    if children.spawn(command, copy.data).wait():
        raise RuntimeError(children.log_tail(copy.data, "basebackup"))


def _wait_until_level(on: Stage) -> None:
    with on.database() as database:
        row = database.execute("SELECT pg_current_wal_lsn()").fetchone()

        def level() -> bool:
            return database.execute(_LEVEL, row).fetchone() == (True,)

        if not children.wait_until(level, PATIENCE):
            raise TimeoutError("the replica does not catch up")


def _soon() -> float:
    return time.monotonic() + _END
