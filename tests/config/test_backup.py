"""`manage.py backup FILE`: a file that is whole, its owner's alone, and never over another."""

import io
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection
from django.utils import timezone

from config import dumping, restoring
from config.dumping import DumpError, dump
from events.models import Event
from tests.factories import MerchantFactory
from tests.processes import ROOT
from tests.waiting import eventually
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "parcelwire.dump"


def test_it_has_every_table_and_is_its_owners_alone(file: Path) -> None:
    out = io.StringIO()
    call_command("backup", str(file), stdout=out)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
    assert f"{len(connection.introspection.table_names())} tables" in out.getvalue()
    assert "FIELD_ENCRYPTION_KEYS are not in it" in out.getvalue()


def test_no_backup_is_written_over_another(file: Path) -> None:
    file.write_text("yesterday's")
    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", str(file))
    assert file.read_text() == "yesterday's"


def test_nor_over_one_that_appears_meanwhile(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = dumping._tables

    def meanwhile(*arguments: Any) -> set[str]:
        file.write_text("another's")
        return tables(*arguments)

    monkeypatch.setattr(dumping, "_tables", meanwhile)
    with pytest.raises(DumpError, match="appeared meanwhile"):
        dump(file)
    assert file.read_text() == "another's"
    assert list(file.parent.iterdir()) == [file]


def test_a_share_without_links_is_good_enough(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    assert dump(file).size == file.stat().st_size > 10_000
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_where_there_is_no_such_folder_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(DumpError, match="cannot be written to: No such file or directory"):
        dump(tmp_path / "nowhere" / "parcelwire.dump")


def test_one_that_failed_leaves_nothing_behind(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", "no_such_database")
    with pytest.raises(DumpError, match=r'failed.*: .*"no_such_database" does not exist'):
        dump(file)
    assert not list(file.parent.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=str)
def test_nor_does_one_that_was_told_to_end(number: signal.Signals, file: Path, tmp_path: Path) -> None:
    """It ends while a pg_dump runs that takes for ever."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (programs / name).write_text(
            "#!/bin/sh\n[ \"$1\" = --version ] && echo 'pg_dump (PostgreSQL) 18.0' && exit\nexec sleep 600\n"
        )
        (programs / name).chmod(0o755)
    process = subprocess.Popen(
        # Whoever runs the tests may ignore SIGHUP.
        ["env", "--default-signal=HUP", sys.executable, "manage.py", "backup", str(file)],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"},
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: list(tmp_path.glob(f".{file.name}-*")))
        eventually(lambda: _slept(process.pid))
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    finally:
        process.kill()
        process.wait()
    assert list(tmp_path.iterdir()) == [programs]


def _slept(pid: int) -> bool:
    """Whether its child is the program that takes for ever."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return any("sleep" in Path(f"/proc/{child}/cmdline").read_text() for child in children)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_dies_while_it_is_made_does_not_cost_the_dump(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = dumping._run

    def long(words: list[str]) -> str:
        if "--format=custom" in words:
            pid = connection.connection.info.backend_pid
            with psycopg.connect(**connection.get_connection_params()) as another:
                another.execute("SELECT pg_terminate_backend(%s)", [pid])
        return run(words)

    monkeypatch.setattr(dumping, "_run", long)
    assert dump(file).tables > 40


def test_one_that_lacks_a_table_is_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = connection.introspection.table_names()
    monkeypatch.setattr(connection.introspection, "table_names", lambda: [*known, "forgotten"])
    with pytest.raises(DumpError, match="the dump lacks forgotten"):
        dump(file)
    assert not list(file.parent.iterdir())


def test_the_password_is_in_the_environment_and_never_an_argument(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, run = [], dumping.subprocess.run

    def noting(words: list[str], **options: Any) -> Any:
        asked.append((words, options["env"]))
        return run(words, **options)

    monkeypatch.setattr(dumping.subprocess, "run", noting)
    dump(file)
    password = connection.settings_dict["PASSWORD"]
    assert password
    assert {environment["PGPASSWORD"] for _, environment in asked} == {password}
    assert not any(password in word for words, _ in asked for word in words)
    assert {environment["PGDATABASE"] for _, environment in asked} == {connection.settings_dict["NAME"]}


@pytest.mark.parametrize(("server", "chosen"), [(15, 15), (16, 18), (18, 18)])
def test_programs_of_the_servers_own_version_are_taken_or_the_next(
    server: int, chosen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [dumping._Programs(Path(f"/pg{version}"), version) for version in (18, 15, 19)]
    monkeypatch.setattr(dumping, "_installed", lambda: iter(found))
    assert dumping._programs(server).version == chosen


def test_where_all_are_older_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [dumping._Programs(Path("/usr/bin"), 15)]
    monkeypatch.setattr(dumping, "_installed", lambda: iter(found))
    with pytest.raises(DumpError, match="Install postgresql-client-18") as refused:
        dumping._programs(18)
    assert "/usr/bin/pg_dump is of version 15" in str(refused.value)


def test_a_program_that_finds_no_version_is_passed_by(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's wrapper ends with an error where no version is installed."""
    for name in ("pg_dump", "pg_restore"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert all(one.folder != tmp_path for one in dumping._installed())


def test_after_a_restore_positions_go_on_behind_every_one_that_was_given_out() -> None:
    before = restoring.move_on()
    alice = MerchantFactory()
    event = Event.objects.create(
        merchant_id=alice.id,
        stream=alice.id,
        version=1,
        type="tracker.created",
        key="one",
        data={},
        recorded_at=timezone.now(),
    )
    assert event.position == before + 1
    out = io.StringIO()
    call_command("after_restore", stdout=out)
    told = int(out.getvalue().split()[-1])
    assert told >= event.position + restoring.LEFT_OUT


def test_after_a_restore_endpoints_can_be_paused_all_at_once() -> None:
    alice = MerchantFactory()
    states = [Endpoint.State.ACTIVE, Endpoint.State.ACTIVE, Endpoint.State.DISABLED]
    for nth, state in enumerate(states):
        Endpoint.objects.create(
            merchant=alice, url="https://x.example", secret="whsec_", fingerprint=str(nth), state=state
        )
    out = io.StringIO()
    call_command("after_restore", "--pause-endpoints", stdout=out)
    assert "2 endpoints are paused" in out.getvalue()
    assert sorted(Endpoint.objects.values_list("state", flat=True)) == ["disabled", "paused", "paused"]
    assert Endpoint.objects.filter(paused_at=None).count() == 1


def test_a_role_that_may_not_is_told_which_may(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise ProgrammingError("permission denied for sequence events_event_position_seq")

    monkeypatch.setattr("config.management.commands.after_restore.move_on", refused)
    with pytest.raises(CommandError, match="set MIGRATION_DATABASE_URL"):
        call_command("after_restore")
