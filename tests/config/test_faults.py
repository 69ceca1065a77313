"""What a wrong data folder, or a damaged file in it, is answered with: one line."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import embedded, keeper, keys, loopback, occupancy, servers
from tests.processes import gone, manage, python

_FORK = """
import sys
from pathlib import Path
from config import keeper, servers
def explode(server, data):
    raise ZeroDivisionError("no such luck")
servers.start = explode
data = Path(sys.argv[1])
data.mkdir()
try:
    keeper.fork(data, "a test", [servers.Valkey(data)])
except servers.ServerError as error:
    print("told:", error)
finally:
    print("the parent ends")
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place of a data folder, for an environment that configures no servers."""
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("REDIS_URL")
    folder = tmp_path / "data"
    yield folder
    assert gone(folder)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nobody, root included, can make anything."""
    if os.geteuid() == 0:
        yield Path("/sys/kernel")
        return
    folder = tmp_path / "closed"
    folder.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    yield folder
    folder.chmod(stat.S_IRWXU)


def _answer(data: Path, command: str) -> str:
    """The one line that a command fails with; among what is wrong with the settings, where it reads them."""
    status, written = manage(data, *command.split())
    assert status == 1, written
    lines = written.splitlines()
    (line,) = [one for one in lines if one.startswith("  ")] or lines
    return line


@pytest.mark.parametrize("command", ["migrate", "up --port 0"])
def test_a_data_folder_that_is_a_file_is_said(data: Path, command: str) -> None:
    data.touch()
    assert f"the data folder {data} is a file" in _answer(data, command)
    assert "cannot be made: Not a directory" in _answer(data / "below", command)


@pytest.mark.parametrize("command", ["migrate", "up --port 0"])
def test_a_data_folder_that_cannot_be_written_to_is_said(closed: Path, command: str) -> None:
    assert str(closed) in _answer(closed, command)
    assert "cannot be made" in _answer(closed / "data", command)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"SECRET_KEY": 1}'])
def test_damaged_secrets_are_said(data: Path, content: str) -> None:
    data.mkdir()
    (data / "secrets.json").write_text(content)
    with pytest.raises(keys.DataError, match="is damaged: bring it back"):
        keys.development_secrets(data)
    with pytest.raises(servers.ServerError, match="is damaged: bring it back"):
        embedded.using(data, "a test").__enter__()


@pytest.mark.parametrize("command", ["migrate", "up --port 0"])
def test_a_command_with_damaged_secrets_says_so(data: Path, command: str) -> None:
    data.mkdir()
    (data / "secrets.json").touch()
    assert "secrets.json is damaged" in _answer(data, command)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"postgres": 1}', '{"postgres": {}}'])
def test_a_damaged_record_of_servers_is_written_anew(data: Path, content: str) -> None:
    data.mkdir()
    (data / "servers.json").write_text(content)
    assert "no-embedded" in embedded.database_url(data)
    with embedded.using(data, "a test", durable=False) as urls:
        assert not loopback.valkey_refusal(urls["REDIS_URL"])


def test_a_record_damaged_while_the_servers_run_is_said(data: Path) -> None:
    with embedded.using(data, "a test", durable=False):
        (data / "servers.json").write_text("{")
        with pytest.raises(keys.DataError, match=r"servers\.json cannot be read"):
            embedded.using(data, "another").__enter__()


def test_an_unforeseen_fault_of_the_keeper_is_told_and_runs_nothing_of_the_parent(data: Path) -> None:
    written = python(data, "-c", _FORK, str(data)).communicate(timeout=120)[0]
    assert written.splitlines() == ["told: ZeroDivisionError: no such luck", "the parent ends"]


def test_a_keeper_that_finds_the_folder_taken_says_by_whom(data: Path) -> None:
    with (
        occupancy.occupy(data, "somebody else"),
        pytest.raises(servers.ServerError, match="in use by somebody else"),
    ):
        keeper.fork(data, "a test", [servers.Valkey(data)])


def test_an_odd_name_of_the_data_folder_does_no_harm(tmp_path: Path, data: Path) -> None:
    odd = tmp_path / """a "b" c\\d 'e' %f é"""
    with embedded.using(odd, "a test", durable=False) as urls:
        assert not loopback.postgres_refusal(urls["DATABASE_URL"])
        assert not loopback.valkey_refusal(urls["REDIS_URL"])
    assert gone(odd)


def test_an_abbreviated_option_is_refused_and_not_ignored(data: Path) -> None:
    status, written = manage(data, "up", "--dat", str(data / "elsewhere"), "--port", "0")
    assert status == 2
    assert "unrecognized arguments: --dat" in written
