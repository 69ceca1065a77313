"""PostgreSQL and Redis: where neither is set, the embedded ones."""

import sys
from typing import Any

from config import database, embedded, faults, sections
from config.variables.running import PARCELWIRE_DATA, PRODUCTION

#: Commands that want the role that owns the tables.
_OWNERS = {"migrate", "grant_app_role"}
MIGRATING = len(sys.argv) > 1 and sys.argv[1] in _OWNERS

DATABASE_URL = sections.servers.secret(
    "DATABASE_URL",
    shown="the embedded PostgreSQL",
    means="`postgres://user:password@host:port/name`; required in production",
)
REDIS_URL = sections.servers.secret(
    "REDIS_URL",
    shown="the embedded Valkey",
    means="`redis://:password@host:port/0`, Celery's broker; required in production",
)
MIGRATION_DATABASE_URL = sections.servers.secret(
    "MIGRATION_DATABASE_URL",
    shown="`DATABASE_URL`",
    means="the database as seen by `manage.py migrate`, for a role that owns the tables while the app's role "
    "does not",
)
if PRODUCTION:
    for _name, _url in (("DATABASE_URL", DATABASE_URL), ("REDIS_URL", REDIS_URL)):
        if not _url:
            faults.add(_name, "is not set; embedded servers are for trying, not for production")
DATABASE_URL = DATABASE_URL or embedded.database_url(PARCELWIRE_DATA)
REDIS_URL = REDIS_URL or embedded.redis_url(PARCELWIRE_DATA)


def _database(name: str, url: str) -> dict[str, Any]:
    try:
        return database.postgresql(url, migrating=MIGRATING)
    except ValueError:  # a URL is not quoted: a password may be in it
        faults.add(name, "is not the URL of a PostgreSQL; expected postgres://user:password@host:port/name")
        return {}


DATABASES = {"default": _database("DATABASE_URL", DATABASE_URL)}
if MIGRATION_DATABASE_URL:
    _owned = _database("MIGRATION_DATABASE_URL", MIGRATION_DATABASE_URL)
    DATABASES = {"default": _owned} if MIGRATING else DATABASES
