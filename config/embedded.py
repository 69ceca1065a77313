"""Where the embedded PostgreSQL and Valkey of a data folder are; single commands find or start them.

Imports neither Django nor the settings, which look their URLs up here.
"""

import argparse
import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from config import keeper, occupancy, servers
from config.keys import DataError, make_folder
from config.secret_files import is_given

_ROOT = Path(__file__).resolve().parent.parent
#: URLs that are refused at once; the path and the name say why.
_NO_POSTGRES = "postgres:///parcelwire?host=/no-embedded-postgresql-is-running-here"
_NO_VALKEY = "redis://no-embedded-valkey-is-running-here@127.0.0.1:1/0"
_SERVERS: tuple[type[servers.Postgres] | type[servers.Valkey], ...] = (servers.Postgres, servers.Valkey)
#: Commands that use no server, or run their own.
_ALONE = {
    "",
    "help",
    "version",
    "--version",
    "-h",
    "collectstatic",
    "diffsettings",
    "settings_page",
    "up",
    "demo",
    "listen",
}
#: What names servers of others. Unset, nothing but embedded ones is reached.
SERVERS_OF_OTHERS = tuple(
    f"{name}{file}"
    for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL")
    for file in ("", "_FILE")
)
#: Seconds until a server that somebody else starts must answer.
_PATIENCE = 60.0


def data_folder() -> Path:
    """PARCELWIRE_DATA, by default `var` beside manage.py; absolute."""
    return Path(os.environ.get("PARCELWIRE_DATA") or _ROOT / "var").absolute()


def database_url(data: Path) -> str:
    """URL of the PostgreSQL recorded on `data`; where there is none, one that is refused at once."""
    place = _place(data, "postgres")
    return servers.Postgres(data).url(place["port"]) if place else _NO_POSTGRES


def redis_url(data: Path) -> str:
    """URL of the Valkey recorded on `data`; where there is none, one that is refused at once."""
    place = _place(data, "valkey")
    return servers.Valkey(data).url(place["port"]) if place else _NO_VALKEY


def stand_ins(data: Path, *, durable: bool = True) -> list[servers.Server]:
    """The servers for what DATABASE_URL and REDIS_URL leave open, in the order in which they are started."""
    every: list[servers.Server] = [server(data, durable=durable) for server in _SERVERS]
    return [server for server in every if not is_given(server.variable)]


def urls(running: Sequence[servers.Running]) -> dict[str, str]:
    """The variables that these servers stand in for, with their URLs."""
    return {one.server.variable: one.server.url(one.port) for one in running}


@contextlib.contextmanager
def servers_for_command(argv: Sequence[str]) -> Iterator[None]:
    """For one command of manage.py: find or start what DATABASE_URL and REDIS_URL leave open, and set them.

    Ends the program with the reason where that cannot be done.
    """
    command = argv[1] if len(argv) > 1 else ""
    if command == "up":
        _choose_data(argv[2:])
    needs_none = command in _ALONE or "--help" in argv or os.environ.get("PARCELWIRE_ENV") == "production"
    with contextlib.ExitStack() as held:
        try:
            if not needs_none:
                os.environ.update(held.enter_context(using(data_folder(), f"manage.py {command}")))
            yield
        except (occupancy.OccupiedError, servers.ServerError, DataError) as error:
            sys.exit(f"{error}")  # the settings, read by the command, want the folder too


@contextlib.contextmanager
def using(
    data: Path, purpose: str, *, durable: bool = True, discard: bool = False
) -> Iterator[dict[str, str]]:
    """Find the servers that run on `data`, or have a keeper run them until their last user has left.

    Gives DATABASE_URL and REDIS_URL, those that the environment lacks. Not `durable`: faster, and a crash
    may lose data. With `discard` the keeper removes the folder. Raises ServerError, OccupiedError, DataError.
    """
    if is_given("MIGRATION_DATABASE_URL") and not is_given("DATABASE_URL"):
        raise servers.ServerError("MIGRATION_DATABASE_URL is set, and DATABASE_URL is not; set both, or none")
    wanted = stand_ins(data, durable=durable)
    if not wanted:
        yield {}
        return
    make_folder(data)
    forked: list[keeper.Keeper] = []
    users = occupancy.open_lock(data, "users")
    try:
        fcntl.flock(users, fcntl.LOCK_SH)  # not before a keeper that is stopping has ended
        with occupancy.open_lock(data, "starting") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            found: dict[str, str] = {}
            while not found:
                if not occupancy.is_occupied(data):
                    forked += _keepers(data, purpose, wanted, discard=discard)
                found = _wait_until_answered(data, wanted)
        yield found
    finally:
        users.close()
        for one in forked:
            one.leave()


def _keepers(
    data: Path, purpose: str, wanted: Sequence[servers.Server], *, discard: bool
) -> list[keeper.Keeper]:
    """A new keeper; none where somebody else has taken the folder meanwhile. Raises ServerError."""
    who = f"a command, first {purpose} (pid {os.getpid()})"
    try:
        return [keeper.fork(data, who, wanted, discard=discard)]
    except servers.ServerError:
        if not occupancy.is_occupied(data):
            raise
        return []


def _wait_until_answered(data: Path, wanted: Sequence[servers.Server]) -> dict[str, str]:
    """The URLs of servers that somebody runs; empty where that one has ended. Raises OccupiedError."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        places = occupancy.recorded(data)
        refusals = {
            server.name: server.refusal(places[server.name]["port"])
            if server.name in places
            else "not recorded"
            for server in wanted
        }
        if not any(refusals.values()):
            return {server.variable: server.url(places[server.name]["port"]) for server in wanted}
        if not occupancy.is_occupied(data):
            return {}
        if time.monotonic() > deadline:
            raise occupancy.OccupiedError(
                f"{occupancy.holder(data)} runs {data}, but its servers are not there: {refusals}"
            )
        time.sleep(0.05)


def _place(data: Path, name: str) -> occupancy.Place | None:
    with contextlib.suppress(DataError):  # whoever starts the servers writes the record anew
        return occupancy.recorded(data).get(name)
    return None


def _choose_data(arguments: Sequence[str]) -> None:
    """Heed `--data` before the settings are read: they make their secrets in that folder."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--data")
    chosen = parser.parse_known_args(arguments)[0].data
    if chosen:
        os.environ["PARCELWIRE_DATA"] = chosen
