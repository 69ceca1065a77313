"""`manage.py grant_app_role [ROLE] [--create]`: what the application may do in a database of another's."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connection, transaction
from psycopg import sql

from config import database, grants

_STANDING = """
SELECT role.rolsuper, role.rolname = current_user,
    EXISTS (
        SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace
        AND relname IN ('events_event', 'django_migrations') AND pg_has_role(role.oid, relowner, 'MEMBER')
    )
FROM pg_roles AS role WHERE role.rolname = %s
"""


class Command(BaseCommand):
    help = (
        "Give the application's role what it needs of tables that MIGRATION_DATABASE_URL's role owns, and "
        "no more: no UPDATE, DELETE or TRUNCATE on the log. To be run after each migrate, by that role."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", nargs="?", help="by default the user of DATABASE_URL")
        parser.add_argument(
            "--create",
            action="store_true",
            help="make the role where there is none, with DATABASE_URL's password",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        ours = database.postgresql(settings.DATABASE_URL, migrating=False)
        role = options["role"] or ours["USER"]
        try:
            with transaction.atomic():
                if options["create"]:
                    self._create(role, ours["PASSWORD"] if role == ours["USER"] else "")
                _refuse_owners(role)
                done = grants.grant(role)
                _refuse_what_is_left(role)
        except Error as error:
            raise CommandError(f"the grants of {role} were left as they are: {error}".strip()) from error
        for statement in done:
            self.stdout.write(statement)
        self.stdout.write(f"{role} may do what the application needs, and no more")

    def _create(self, role: str, password: str) -> None:
        """The password leaves this process as a hash only: statements are logged."""
        if _standing(role):
            return
        if not password:
            raise CommandError(f"DATABASE_URL has no password for {role}: make the role with CREATE ROLE")
        with connection.cursor() as cursor:
            sealed = connection.connection.pgconn.encrypt_password(
                password.encode(), role.encode(), b"scram-sha-256"
            )
            cursor.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(sealed.decode())
                )
            )
        self.stdout.write(f"made the role {role}")


def _standing(role: str) -> tuple[bool, bool, bool] | None:
    """Whether it is a superuser, the one who asks, or of those who own tables here; None: there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [role])
        found: tuple[bool, bool, bool] | None = cursor.fetchone()
    return found


def _refuse_owners(role: str) -> None:
    standing = _standing(role)
    if standing is None:
        raise CommandError(f"there is no role {role}; make it with CREATE ROLE, or say --create")
    is_superuser, is_asking, owns = standing
    if is_asking:
        raise CommandError(
            f"{role} is who connects here. Set MIGRATION_DATABASE_URL to the role that owns the tables, and "
            "DATABASE_URL to another one, for the application"
        )
    if is_superuser or owns:
        what = "is a superuser" if is_superuser else "owns tables here, or is a member of the role that does"
        raise CommandError(
            f"{role} {what}: no grant would hold it back. Give the application a role of its own"
        )


def _refuse_what_is_left(role: str) -> None:
    """What comes from PUBLIC, or from a role that it is a member of, is not ours to take."""
    every = grants.held_by(role)
    if not any(one.name == "events_event" for one in every):
        raise CommandError("there are no tables yet: run `manage.py migrate` first")
    left = [one for one in every if one.too_much or one.missing]
    if left:
        one = left[0]
        what = (
            f"still may {grants.listed(one.too_much)}"
            if one.too_much
            else f"may not {grants.listed(one.missing)}"
        )
        raise CommandError(
            f"{role} {what} on {one.name}: through PUBLIC or a role that it is a member of, or because who "
            "connects here does not own it"
        )
