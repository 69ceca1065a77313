"""Whether the database is as this version of the code has it."""

from collections.abc import Iterator

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from config.doctor.findings import Finding, bad, ok, warn


def migrations() -> Iterator[Finding]:
    """Every migration of the code is applied, and no other."""
    loader = MigrationLoader(connection)
    known, applied = loader.disk_migrations or {}, loader.applied_migrations or {}
    missing = sorted(f"{app}.{name}" for app, name in loader.graph.nodes.keys() - applied.keys())
    ours = {app for app, _ in known}
    strange = [f"{app}.{name}" for app, name in applied if app in ours and (app, name) not in known]
    if missing:
        yield bad(
            f"{len(missing)} not applied: {', '.join(missing[:3])}{' and more' if len(missing) > 3 else ''}",
            "run `manage.py migrate`, then `manage.py grant_app_role` if the application has its own role",
        )
    if strange:
        yield warn(
            f"{len(strange)} in the database are of another version: {', '.join(sorted(strange)[:3])}",
            "replace what runs an older version, or go back: docs/operations.md",
        )
    if not missing and not strange:
        yield ok(f"all {len(applied)} are applied")
