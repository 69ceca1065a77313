"""Row `straight`: what PostgreSQL does at most, on one processor of its own, for clients that only ask it.

Its processes are kept on one processor and the clients on the others, so that it is full as soon as clients
bring enough: its rate stops growing with their number, and the accounts say that it was PostgreSQL.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from functools import partial
from subprocess import Popen

from bench.curves import Curve
from bench.deliveries.figures import Table
from bench.processes.accounts import Accounts, pin, postmaster
from bench.processes.run import Paced, Run, curve, sides_of
from bench.stage import Stage, hear, say_to
from bench.turns import in_turn

_OF = "clients"
#: Everything may be claimed at once, and stays claimed.
_SETTINGS = {"POLL_IN_FLIGHT_PER_ACCOUNT": "100000", "POLL_LEASE": "3600"}


def straight(run: Run) -> Table:
    """PostgreSQL on one processor: claims and settlings of deliveries, and records of five scans."""
    with pinned(run.stage) as rest:
        sides = {
            f"{kind}, {number} {_OF}": partial(_measure, run, kind, number, rest)
            for kind in ("deliveries", "records")
            for number in run.sizes.clients
        }
        found = in_turn(sides, run.rounds)
    curves: dict[str, Curve] = {}
    for kind in ("deliveries", "records"):
        own = {name: rounds for name, rounds in found.items() if name.startswith(kind)}
        curves[f"{kind}, PostgreSQL on one processor"] = curve(own, run.sizes.clients, _OF)
    return Table(sides_of(found), [], curves=curves)


@contextlib.contextmanager
def pinned(on: Stage) -> Iterator[set[int]]:
    """PostgreSQL on the first processor that we may use, for as long as this lasts; all the others."""
    ours = os.sched_getaffinity(0)
    first = min(ours)
    pin(postmaster(on), {first})
    try:
        yield (ours - {first}) or ours
    finally:
        pin(postmaster(on), ours)


def _measure(run: Run, kind: str, number: int, processors: set[int]) -> Paced:
    """All clients are ready before the first of them begins."""
    sizes = run.sizes
    with run.stage.scene("straight", **_SETTINGS) as on, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(on.talk("bench_straight")) for _ in range(number)]
        for nth, client in enumerate(clients):
            pin(client.pid, processors)
            if kind == "deliveries":
                _ask(client, f"owe {sizes.straight_deliveries} {nth}")
            else:
                _ask(client, f"follow {sizes.straight_polls}")
        accounts = Accounts(on, {"clients": [client.pid for client in clients]})
        stack.callback(accounts.close)
        with on.database() as database:
            database.execute("CHECKPOINT")
        before = accounts.look()
        told = _at_once(clients, "send" if kind == "deliveries" else "record")
        count = sum(round(one["count"]) for one in told)
        each = sizes.straight_deliveries if kind == "deliveries" else sizes.straight_polls
        if count != number * each:
            raise RuntimeError(f"{count} instead of {number * each}")
        seconds = max(one["ended"] for one in told) - min(one["began"] for one in told)
        paced = Paced(count / seconds, accounts.since(before, count))
        for client in clients:
            client.communicate()
    return paced


def _at_once(clients: Sequence[Popen[str]], question: str) -> list[dict[str, float]]:
    for client in clients:
        say_to(client, question)
    return [json.loads(hear(client)) for client in clients]


def _ask(client: Popen[str], question: str) -> None:
    say_to(client, question)
    hear(client)
