"""PostgreSQL and Redis: where neither is set, the embedded ones."""

import sys
from collections.abc import Callable
from typing import Any

from config import database, embedded, faults, passwords, sections, weakness
from config.variables.running import PARCELWIRE_DATA, PRODUCTION

#: Commands that want the role that owns the tables.
_OWNERS = ("migrate", "grant_app_role", "backup", "after_restore")
MIGRATING = len(sys.argv) > 1 and sys.argv[1] in _OWNERS
MAKE_PASSWORD = "python3 -c 'import secrets; print(secrets.token_hex(24))'"  # noqa: S105

_POSTGRES = "postgres://user:password@host:port/name"
_REDIS = "redis://:password@host:port/0"


def _whole(name: str, url: str, password: str, check: Callable[[str], object], form: str) -> str:
    """The URL with its password. A fault about it does not quote it: a password may be in it."""
    try:
        whole = passwords.with_password(url, password)
        check(whole)
        user, own = passwords.user_and_password(whole)
    except ValueError:
        faults.add(name, f"is not what was expected: {form}, and what is special in it percent-encoded")
        return ""
    weak = weakness.of_password(own, user)
    if PRODUCTION and weak:
        faults.add(name, f"{weak}; give the server's user another, such as this makes:", MAKE_PASSWORD)
    if PRODUCTION and not own and passwords.by_network(whole):
        faults.doubt(name, "has no password: whoever reaches that server may read and change everything")
    return whole


def _postgresql(url: str) -> dict[str, Any]:
    return database.postgresql(url, migrating=MIGRATING)


_database_url = sections.servers.secret(
    "DATABASE_URL",
    shown="the embedded PostgreSQL",
    means=f"`{_POSTGRES}`; required in production",
)
_database_password = sections.servers.secret(
    "DATABASE_PASSWORD",
    means="password for `DATABASE_URL`, which counts where none stands there: written as it is, while in a "
    "URL what is special is percent-encoded",
)
_migration_url = sections.servers.secret(
    "MIGRATION_DATABASE_URL",
    shown="`DATABASE_URL`",
    means="the database as seen by the commands that the owner of the tables runs ("
    f"{', '.join(f'`{command}`' for command in _OWNERS)}), while the app's role owns none",
)
_migration_password = sections.servers.secret(
    "MIGRATION_DATABASE_PASSWORD", means="password for `MIGRATION_DATABASE_URL`, in the same way"
)
_redis_url = sections.servers.secret(
    "REDIS_URL",
    shown="the embedded Valkey",
    means=f"`{_REDIS}`, Celery's broker; required in production. Over TLS `rediss://`, and at its end "
    "`?ssl_ca_certs=FILE` where the system does not know who signed the certificate",
)
_redis_password = sections.servers.secret("REDIS_PASSWORD", means="password for `REDIS_URL`, in the same way")

if _migration_url and not _database_url:
    faults.add("MIGRATION_DATABASE_URL", "is set, and DATABASE_URL is not; set both, or none")
if PRODUCTION:
    _wanted = (("DATABASE_URL", _database_url, _POSTGRES), ("REDIS_URL", _redis_url, _REDIS))
    for _name, _given, _form in _wanted:
        if not _given and not faults.is_told(_name):
            faults.add(_name, f"is not set; production has servers of its own: {_form}")

DATABASE_URL = (
    _whole("DATABASE_URL", _database_url, _database_password, _postgresql, _POSTGRES)
    if _database_url
    else embedded.database_url(PARCELWIRE_DATA)
)
MIGRATION_DATABASE_URL = (
    _whole("MIGRATION_DATABASE_URL", _migration_url, _migration_password, _postgresql, _POSTGRES)
    if _migration_url
    else ""
)
REDIS_URL = passwords.verified(
    _whole("REDIS_URL", _redis_url, _redis_password, passwords.check_redis, _REDIS)
    if _redis_url
    else embedded.redis_url(PARCELWIRE_DATA)
)
_used = (MIGRATION_DATABASE_URL if MIGRATING else "") or DATABASE_URL
DATABASES = {"default": _postgresql(_used) if _used else {}}
if DATABASE_URL and MIGRATION_DATABASE_URL:
    _one, _other = _postgresql(DATABASE_URL)["NAME"], _postgresql(MIGRATION_DATABASE_URL)["NAME"]
    if _one != _other:
        faults.doubt("MIGRATION_DATABASE_URL", f"is of the database {_other!r}, and DATABASE_URL of {_one!r}")
