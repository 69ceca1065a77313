"""All checks, in the order in which they are told, and what becomes of those that cannot be made."""

from collections.abc import Callable, Iterator, Sequence

import redis
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError, connection

from config.doctor import (
    backlog,
    broker,
    clocks,
    configuration,
    encryption,
    files,
    migrated,
    postgresql,
    processes,
    role,
)
from config.doctor.findings import Check, Finding, bad, warn
from config.logs.redacting import redacted

POSTGRESQL, REDIS = "PostgreSQL", "Redis"
_POSTGRESQL, _REDIS = frozenset({POSTGRESQL}), frozenset({REDIS})

CHECKS: Sequence[Check] = (
    Check("versions", configuration.versions),
    Check("settings", configuration.system_checks),
    Check("callers", configuration.callers),
    Check("e-mail", configuration.mail),
    Check("data folder", files.room),
    Check("static files", files.static_files),
    Check("PostgreSQL", postgresql.server, _POSTGRESQL),
    Check("durability", postgresql.durability, _POSTGRESQL),
    Check("connections", postgresql.connections, _POSTGRESQL),
    Check("database clock", clocks.of_postgresql, _POSTGRESQL),
    Check("migrations", migrated.migrations, _POSTGRESQL),
    Check("append-only log", role.append_only, _POSTGRESQL),
    Check("triggers", role.triggers, _POSTGRESQL),
    Check("encryption keys", encryption.keys, _POSTGRESQL),
    Check("Redis", broker.server, _REDIS),
    Check("eviction", broker.eviction, _REDIS),
    Check("memory", broker.memory, _REDIS),
    Check("persistence", broker.persistence, _REDIS),
    Check("Redis clock", clocks.of_redis, _REDIS),
    Check("beat", processes.beat, _REDIS),
    Check("workers", processes.workers, _REDIS),
    Check("sweeps", backlog.sweeps, _POSTGRESQL),
    Check("queues", backlog.queues, _POSTGRESQL),
    Check("alerts", backlog.attention, _POSTGRESQL),
)


def examine(
    checks: Sequence[Check] = CHECKS, begin: Callable[[Check], None] = lambda _check: None
) -> Iterator[tuple[Check, Finding]]:
    """What each check finds, in their order; each is told to `begin` first.

    A server that was out of reach once is not asked again.
    """
    away: set[str] = set()
    for check in checks:
        begin(check)
        if lost := check.needs & away:
            server = ", ".join(sorted(lost))
            yield check, warn(f"not asked: {server} is out of reach", f"mend {server} first")
            continue
        for finding in _found(check, away):
            yield check, Finding(finding.level, redacted(finding.found), redacted(finding.todo))


def _found(check: Check, away: set[str]) -> Iterator[Finding]:
    try:
        yield from check.look()
    except ProgrammingError as error:
        yield bad(
            _first_line(error), "run `manage.py migrate`, or look at the grants: `manage.py grant_app_role`"
        )
    except (OperationalError, InterfaceError) as error:
        if _is_there():
            yield bad(f"refused: {_first_line(error)}", "ask again; then look at PostgreSQL's log")
        else:
            away.add(POSTGRESQL)
            yield bad(f"does not answer: {_first_line(error)}", "look at DATABASE_URL, and whether it runs")
    except redis.ResponseError as error:
        yield bad(f"refused: {_first_line(error)}", "look at REDIS_URL, and what its user may do")
    except redis.RedisError as error:
        away.add(REDIS)
        yield bad(f"does not answer: {_first_line(error)}", "look at REDIS_URL, and whether it runs")
    except Exception as error:  # noqa: BLE001 - whatever it was, the others are told
        yield bad(
            f"could not be looked at: {_first_line(error)}", "ask again as the user that the web runs as"
        )


def _is_there() -> bool:
    try:
        connection.ensure_connection()
        return bool(connection.is_usable())
    except DatabaseError:
        return False


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
