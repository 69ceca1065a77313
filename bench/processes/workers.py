"""Rows `deliveries` and `polls`: one, two and four worker processes on one database.

Workers are started first and wait; then everything becomes due in one transaction, and there is a nudge for
each of them. So what starting takes is nobody's, and all of them begin together.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from bench.bodies import BODY
from bench.curves import Curve
from bench.deliveries.draining import drain
from bench.deliveries.figures import Table
from bench.deliveries.run import ONE_WORKER
from bench.polling.polled import polled
from bench.polling.run import POLLS, SCANS
from bench.processes.accounts import Accounts, pid_of
from bench.processes.run import Paced, Run, by_number, curve, sides_of
from bench.stage import Stage, fetch_text
from bench.turns import in_turn

_OF = "worker processes"
_ACCOUNTS = "50"
#: What a delivery leaves on the disk, and a parcel.
_OWED = ("webhooks_message", "webhooks_delivery", "webhooks_attempt")
_KEPT = ("events_event", "trackers_tracker", "trackers_watch", "trackers_rawanswer", "trackers_personaldata")

_MESSAGES = """
INSERT INTO webhooks_message (id, merchant_id, type, stream, sequence, body, created_at)
SELECT uuidv7(), m.id, 'tracking.updated', uuidv7(), nth, %(body)s, now()
FROM accounts_merchant m CROSS JOIN generate_series(1, %(each)s) AS nth
ORDER BY nth, m.id
"""
_DELIVERIES = """
INSERT INTO webhooks_delivery
    (id, message_id, endpoint_id, state, next_attempt_at, late, step, attempt_count, created_at)
SELECT uuidv7(), m.id, e.id, 'pending', now(), false, 0, 0, now()
FROM webhooks_message m JOIN webhooks_endpoint e ON e.merchant_id = m.merchant_id
ORDER BY m.id, e.id
"""
_LANES = """
INSERT INTO webhooks_lane (endpoint_id) SELECT id FROM webhooks_endpoint ON CONFLICT DO NOTHING
"""
_DUE = "UPDATE trackers_watch SET next_poll_at = now() + %s * interval '1 hour'"


def deliveries(run: Run) -> Table:
    """So many worker processes, subscribers that answer at once."""
    return by_number(run, run.sizes.workers, _OF, partial(delivered, run), "deliveries")


def polls(run: Run) -> Table:
    """The same of polls that tell five new scans each, nobody told, and of polls that tell nothing new."""
    names = {f"{number} {_OF}": number for number in run.sizes.workers}
    sides = {name: partial(_polling, run, number) for name, number in names.items()}
    found = in_turn(sides, run.rounds)
    changed = {f"changed, {name}": [one.changed for one in each] for name, each in found.items()}
    unchanged = {f"unchanged, {name}": [one.unchanged for one in each] for name, each in found.items()}
    curves: dict[str, Curve] = {
        "changed polls": curve(changed, run.sizes.workers, _OF),
        "unchanged polls": curve(unchanged, run.sizes.workers, _OF),
    }
    return Table(sides_of(changed) | sides_of(unchanged), [], curves=curves)


def delivered(
    run: Run,
    number: int,
    *,
    meanwhile: AbstractContextManager[None] | None = None,
    others: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> Paced:
    """A round of so many worker processes; `others` are processes whose accounts are wanted too."""
    count = run.sizes.deliveries
    with run.stage.scene("processes") as on:
        on.command("bench_owe", f"{run.subscriber}/at-once/{{}}", "0")
        others = {"subscriber": [pid_of(on, "subscriber")], **others}
        with _ready(on, [*ONE_WORKER] * number, others) as accounts:
            fetch_text(f"{run.subscriber}/forget")
            _owe(on, count)
            before = accounts.look()
            with meanwhile or contextlib.nullcontext():
                on.command("bench_nudge", "deliveries", str(number))
                done = drain(on, run.subscriber, count)
                spent = accounts.since(before, count)
            return Paced(done.rate, spent, _disk(on, _OWED, count))


def _owe(on: Stage, count: int) -> None:
    """Due from the commit on, which is the end of the statistics too."""
    with on.database() as database, database.transaction():
        each, rest = divmod(
            count, _one(database.execute("SELECT count(*) FROM webhooks_endpoint").fetchone())
        )
        if rest:
            raise ValueError(f"{count} deliveries are not as many for each endpoint")
        database.execute(_MESSAGES, {"each": each, "body": BODY})
        database.execute(_DELIVERIES)
        database.execute(_LANES)
        database.execute("ANALYZE webhooks_message, webhooks_delivery, webhooks_lane, webhooks_endpoint")


@dataclass(frozen=True, slots=True)
class _Polled:
    """One round: first polls, and second ones of the same parcels."""

    changed: Paced
    unchanged: Paced

    def __str__(self) -> str:
        return f"changed {self.changed}; unchanged {self.unchanged}"


def _polling(run: Run, number: int) -> _Polled:
    with run.stage.scene("processes") as on:
        on.command("bench_follow", f"{run.carrier}/{SCANS}", str(run.sizes.polls), "--accounts", _ACCOUNTS)
        _set_due(on, in_hours=1)
        with _ready(on, [POLLS] * number, {"carrier": [pid_of(on, "carrier")]}) as accounts:
            return _Polled(
                _round(run, on, accounts, number, "ok"), _round(run, on, accounts, number, "unchanged")
            )


def _round(run: Run, on: Stage, accounts: Accounts, number: int, outcome: str) -> Paced:
    count = run.sizes.polls
    fetch_text(f"{run.carrier}/forget")
    before = accounts.look()
    _set_due(on, in_hours=0)
    on.command("bench_nudge", "polls", str(number))
    found = polled(on, run.carrier, count, outcome=outcome, scans=count * SCANS)
    kept = _disk(on, _KEPT, count) if outcome == "ok" else {}
    return Paced(found.rate, accounts.since(before, count), kept)


def _disk(on: Stage, tables: Sequence[str], count: int) -> dict[str, float]:
    """Bytes of these tables and their indexes for each of so many."""
    with on.database() as database:
        return {
            name: _one(database.execute("SELECT pg_total_relation_size(%s)", [name]).fetchone()) / count
            for name in tables
        }


def _set_due(on: Stage, in_hours: int) -> None:
    with on.database() as database:
        database.execute(_DUE, [in_hours])
        if in_hours:
            database.execute("VACUUM ANALYZE")  # as autovacuum does within the first minute


@contextlib.contextmanager
def _ready(on: Stage, queues: Sequence[str], others: Mapping[str, Sequence[int]]) -> Iterator[Accounts]:
    """Workers that wait for a nudge, and the accounts of all that works from here on."""
    on.forget_tasks()
    with on.workers(queues):
        on.wait_for_workers(len(queues))
        ours = [pid_of(on, f"worker-{nth}") for nth in range(len(queues))]
        accounts = Accounts(on, {"workers": ours, **others})
        try:
            yield accounts
        finally:
            accounts.close()


def _one(row: tuple[int, ...] | None) -> int:
    if row is None:
        raise LookupError("no row")
    return row[0]
