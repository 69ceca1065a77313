"""PostgreSQL: stopped, killed, crashed, its sessions ended, all of them taken, and made to wait."""

import contextlib
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from tests.faults.harness.acts import pids
from tests.faults.harness.acts.act import Fault, Note
from tests.faults.harness.grips import Grips

#: Seconds that the postmaster may take to be gone.
_PATIENCE = 30.0
#: Sessions that are taken at most.
_MANY = 1000

_SESSIONS = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
_HOLD = {
    # Keeps vacuum from taking anything away, and has an id that others' snapshots must know.
    "snapshot": ("SELECT pg_current_xact_id()", "SELECT count(*) FROM events_event"),
    "rows": (
        "SELECT id FROM trackers_tracker ORDER BY id DESC LIMIT 5 FOR UPDATE SKIP LOCKED",
        "SELECT id FROM webhooks_endpoint ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED",
    ),
}


@contextmanager
def stopped(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """The immediate stop: no checkpoint, every session cut off; the next start reads the log."""
    with _away(grips, signal.SIGQUIT, note):
        yield


@contextmanager
def killed(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """The postmaster by SIGKILL; what it started ends by itself."""
    with _away(grips, signal.SIGKILL, note):
        yield


@contextmanager
def crashed(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """A session's process by SIGKILL, one at work if any is: the server ends all and recovers by itself."""
    with _session(grips) as own:
        found = own.execute(f"SELECT pid {_SESSIONS} ORDER BY state <> 'active', pid LIMIT 1").fetchone()
    victims = [int(found[0])] if found else []
    pids.send(victims, signal.SIGKILL)
    note("crashed", server="postgres", pids=victims)
    yield
    grips.come_back("postgres")


@contextmanager
def terminated(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """Sessions are ended by the server, all or about half of them, as it begins and as it ends."""
    for is_last in (False, True):
        with _unless_away(note), _session(grips) as own:
            _terminate(own, fault["how"], note)
        if not is_last:
            yield


@contextmanager
def exhausted(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """Idle strangers have all its sessions; those that there were are ended, and get no new ones."""
    with ExitStack() as strangers:
        with _unless_away(note):
            own = strangers.enter_context(_session(grips))
            taken = _take_all(grips, strangers)
            _terminate(own, "but strangers", note)
            taken += _take_all(grips, strangers)
            note("exhausted", server="postgres", sessions=taken)
        yield


@contextmanager
def held(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """A transaction of somebody else stays open: `how`, with a snapshot alone, or with rows locked."""
    with ExitStack() as holding:
        with _unless_away(note):
            own = holding.enter_context(_session(grips))
            own.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            for statement in _HOLD[fault["how"]]:
                own.execute(statement)
            note("held", server="postgres")
        yield  # the transaction ends with its session


@contextmanager
def _away(grips: Grips, number: signal.Signals, note: Note) -> Iterator[None]:
    postmaster = grips.pid_of("postgres")
    below = pids.whole(postmaster)
    pids.send([postmaster], number)
    note("crashed", server="postgres", pids=[postmaster])
    gone = pids.all_gone(below, _PATIENCE)
    try:
        assert gone, "PostgreSQL did not end"
        yield
    finally:
        grips.come_back("postgres")


@contextmanager
def _unless_away(note: Note) -> Iterator[None]:
    """What is done in this block is left where the server goes away, by another fault of the run."""
    try:
        yield
    except psycopg.OperationalError as error:
        note("missed", why=str(error))


def _terminate(own: psycopg.Connection, which: str, note: Note) -> None:
    chosen = {
        "all": "",
        "some": "AND pid % 2 = 0",
        "but strangers": "AND application_name <> 'strangers'",
    }[which]
    found = own.execute(f"SELECT pid, pg_terminate_backend(pid) {_SESSIONS} {chosen}").fetchall()
    note("terminated", server="postgres", sessions=len(found))


def _take_all(grips: Grips, into: ExitStack) -> int:
    """Open sessions until no more is to be had. How many."""
    for taken in range(_MANY):
        try:
            into.enter_context(_session(grips, application_name="strangers"))
        except psycopg.OperationalError:
            return taken
    return _MANY


@contextmanager
def _session(grips: Grips, application_name: str = "nemesis") -> Iterator[psycopg.Connection]:
    """One that ends with the block, whatever has become of it."""
    made = psycopg.connect(
        grips.url_of("postgres"), autocommit=True, connect_timeout=10, application_name=application_name
    )
    try:
        yield made
    finally:
        with contextlib.suppress(psycopg.Error):
            made.close()
