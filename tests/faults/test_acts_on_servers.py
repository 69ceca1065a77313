"""Each act upon PostgreSQL, Valkey and the ways to them does what it says, and heals it."""

import socket

import psycopg
import pytest
import redis

from tests.faults.harness.grips import PROGRAMS
from tests.faults.small import Small, act
from tests.waiting import eventually


def asked(stack: Small, by: str = "worker") -> int:
    """What the database answers to this program; by the program's way to it."""
    url = stack.url_of("postgres").rpartition(":")[0] + f":{stack.ways[by, 'postgres'].port}/parcelwire"
    with psycopg.connect(url, connect_timeout=2) as own:
        return int(own.execute("SELECT 1").fetchone()[0])


@pytest.mark.parametrize("kind", ["postgres_stop", "postgres_kill"])
def test_a_postgresql_that_stopped_is_away_and_comes_back(stack: Small, kind: str) -> None:
    with psycopg.connect(stack.url_of("postgres")) as own:
        doing, notes = act(stack, kind, "postgres")
        with doing:
            with pytest.raises(psycopg.OperationalError):
                own.execute("SELECT 1")
            with pytest.raises(psycopg.OperationalError):
                asked(stack)
    assert asked(stack) == 1
    assert len(notes.pids("crashed")) == 1


def test_a_session_that_crashes_ends_all_of_them(stack: Small) -> None:
    with (
        psycopg.connect(stack.url_of("postgres"), autocommit=True) as one,
        psycopg.connect(stack.url_of("postgres"), autocommit=True) as other,
    ):
        postmaster = stack.pid_of("postgres")
        doing, notes = act(stack, "postgres_crash", "postgres")
        with doing:
            for own in (one, other):
                with pytest.raises(psycopg.OperationalError):
                    eventually(lambda own=own: not own.execute("SELECT 1"))
    assert asked(stack) == 1
    assert stack.pid_of("postgres") == postmaster
    assert len(notes.pids("crashed")) == 1


def test_sessions_are_ended(stack: Small) -> None:
    with psycopg.connect(stack.url_of("postgres")) as own:
        doing, notes = act(stack, "postgres_terminate", "postgres", "all")
        with doing, pytest.raises(psycopg.OperationalError):
            own.execute("SELECT 1")
    assert [note["sessions"] for note in notes] == [1, 0]


def test_strangers_take_every_session(stack: Small) -> None:
    with psycopg.connect(stack.url_of("postgres")) as own:
        doing, notes = act(stack, "postgres_exhaust", "postgres")
        with doing:
            with pytest.raises(psycopg.OperationalError):
                own.execute("SELECT 1")
            with pytest.raises(psycopg.OperationalError, match=r"connection slots|too many clients"):
                psycopg.connect(stack.url_of("postgres"))
    eventually(lambda: asked(stack) == 1)
    assert notes[-1]["sessions"] > 50


TABLES = """
CREATE TABLE IF NOT EXISTS trackers_tracker (id int);
CREATE TABLE IF NOT EXISTS webhooks_endpoint (id int);
CREATE TABLE IF NOT EXISTS events_event (id int);
TRUNCATE trackers_tracker; INSERT INTO trackers_tracker VALUES (1);
"""


@pytest.mark.parametrize(("how", "waits"), [("snapshot", False), ("rows", True)])
def test_a_transaction_stays_open(stack: Small, how: str, waits: bool) -> None:
    with psycopg.connect(stack.url_of("postgres"), autocommit=True) as own:
        own.execute(TABLES)
        doing, _ = act(stack, "postgres_hold", "postgres", how)
        with doing:
            held = own.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            ).fetchone()
            assert held == (1,)
            own.execute("SET lock_timeout = '50ms'")
            if waits:
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    own.execute("UPDATE trackers_tracker SET id = 2")
        own.execute("SET lock_timeout = 0")
        own.execute("UPDATE trackers_tracker SET id = 2")


def client(stack: Small) -> redis.Redis:
    return redis.Redis.from_url(stack.url_of("valkey"), socket_timeout=0.2, socket_connect_timeout=0.2)


@pytest.mark.parametrize("kind", ["valkey_kill", "valkey_stop", "valkey_flush"])
def test_a_valkey_goes_away_hangs_or_forgets(stack: Small, kind: str) -> None:
    eventually(lambda: client(stack).set("kept", "1"))
    doing, _ = act(stack, kind, "valkey")
    with doing:
        if kind != "valkey_flush":
            with pytest.raises(redis.RedisError):
                client(stack).ping()
    eventually(lambda: not loud(stack))
    assert (client(stack).get("kept") == b"1") is (kind == "valkey_stop")


def loud(stack: Small) -> str:
    """What keeps it from answering."""
    try:
        client(stack).ping()
    except redis.RedisError as error:
        return str(error)
    return ""


def test_the_network_of_one_program_is_disturbed_and_no_other(stack: Small) -> None:
    doing, notes = act(stack, "net_cut", "worker", "postgres")
    with doing:
        with pytest.raises(psycopg.OperationalError):
            asked(stack, "worker")
        assert asked(stack, "web-0") == 1
    assert asked(stack, "worker") == 1
    assert notes[0]["ways"] == ["worker to postgres"]


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("net_cut", "cut"), ("net_freeze", "frozen"), ("net_slow", "slow"), ("net_tear", "torn")],
)
def test_the_network_of_all_is_disturbed_and_heals(stack: Small, kind: str, mode: str) -> None:
    doing, _ = act(stack, kind, "all", "valkey")
    ways = [stack.ways[program, "valkey"] for program in PROGRAMS]
    with doing:
        assert {way.mode for way in ways} == {mode}
    assert {way.mode for way in ways} == {"pass"}


def test_the_way_to_carriers_is_torn_in_the_middle(stack: Small) -> None:
    doing, _ = act(stack, "carrier_net", "carrier", "torn")
    way = stack.ways["worker", "carrier"]
    with doing, socket.create_connection(("127.0.0.1", way.port)) as own:
        own.settimeout(60)
        own.sendall(b"PING\r\n")
        with pytest.raises(ConnectionResetError):
            raise ConnectionResetError if own.recv(10) == b"" else AssertionError
    assert way.mode == "pass"
