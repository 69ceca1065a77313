"""Whether the log is append-only for the role that the application connects as, and its triggers hold."""

from collections.abc import Iterator

import pgtrigger
from django.conf import settings
from django.db import connection

from config import grants
from config.doctor.findings import Finding, bad, ok

#: What makes a role a stranger to the tables.
OWN_ROLE = (
    "make a role for the application (`manage.py grant_app_role --create`), give it to DATABASE_URL, and the "
    "owner's to MIGRATION_DATABASE_URL"
)
_STANDING = """
SELECT current_user, session.rolsuper, pg_has_role(current_user, log.relowner, 'MEMBER'),
    has_parameter_privilege(current_user, 'session_replication_role', 'SET'),
    has_schema_privilege(current_user, current_schema(), 'CREATE')
FROM pg_roles AS session CROSS JOIN pg_class AS log
WHERE session.rolname = current_user AND log.oid = 'events_event'::regclass
"""


def append_only() -> Iterator[Finding]:
    """It can change nothing in the log, and nothing that keeps it so. In development it owns everything."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING)
        role, is_superuser, owns, may_replicate, may_create = cursor.fetchone()
    if not settings.PRODUCTION and (is_superuser or owns):
        yield ok(f"development: {role} owns the log, and triggers alone guard it")
        return
    if is_superuser or owns:
        what = "is a superuser" if is_superuser else "owns the log, or is a member of the role that does"
        yield bad(f"{role} {what}: it can switch off what keeps the log append-only", OWN_ROLE)
        return
    found = [*_held(role), *_around(role, may_replicate=may_replicate, may_create=may_create)]
    yield from found or [ok(f"{role} can read the log and add to it, and can neither change nor empty it")]


def _held(role: str) -> Iterator[Finding]:
    held = grants.held_by(role)
    again = "run `manage.py grant_app_role` with MIGRATION_DATABASE_URL set"
    if much := [f"{grants.listed(one.too_much)} on {one.name}" for one in held if one.too_much]:
        yield bad(f"{role} may do more than it needs: {_some(much)}", again)
    if little := [f"{grants.listed(one.missing)} on {one.name}" for one in held if one.missing]:
        yield bad(f"{role} may not do what the application needs: {_some(little)}", again)


def _around(role: str, *, may_replicate: bool, may_create: bool) -> Iterator[Finding]:
    if may_replicate:
        yield bad(
            f"{role} may set session_replication_role, which switches triggers off",
            f"REVOKE SET ON PARAMETER session_replication_role FROM {role}",
        )
    if may_create:
        yield bad(
            f"{role} may create tables and functions in the schema of ours",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC, and from the role",
        )


_HOW = {"INSTALLED": "switched off", "UNINSTALLED": "missing"}


def triggers() -> Iterator[Finding]:
    """Every trigger that the code counts on is there, as the code has it, and switched on."""
    wrong = []
    every = pgtrigger.registered()
    for model, trigger in every:
        status, enabled = trigger.get_installation_status(model)
        if status != "INSTALLED" or not enabled:
            wrong.append(f"{trigger.name} is {_HOW.get(status, 'another')}")
    if wrong:
        yield bad(
            f"triggers: {', '.join(wrong)}",
            "as the owner of the tables run `manage.py pgtrigger install`, or `pgtrigger enable`",
        )
    else:
        yield ok(f"{len(every)} are there and switched on")


def _some(those: list[str]) -> str:
    more = f", and {len(those) - 3} more" if len(those) > 3 else ""
    return ", ".join(those[:3]) + more
