"""What the application's role may do with each table, where another role owns them and migrates.

The log can only be read and added to, a merchant's row only be kept, what migrations write only be read. No
table can be emptied, and no sequence set back: positions of the log would be handed out twice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from psycopg import sql

READ = frozenset({"SELECT"})
APPEND = READ | {"INSERT"}
KEEP = APPEND | {"UPDATE"}
CHANGE = KEEP | {"DELETE"}
SEQUENCE = frozenset({"USAGE", "SELECT"})

#: Tables of which the role may do less than CHANGE.
LESS: Mapping[str, frozenset[str]] = {
    "events_event": APPEND,
    # The log refers to a merchant that was deleted.
    "accounts_merchant": KEEP,
    "django_migrations": READ,
    "django_content_type": READ,
    "auth_permission": READ,
}

_OF_TABLES = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
_OF_COLUMNS = ["SELECT", "INSERT", "UPDATE", "REFERENCES"]
_OF_SEQUENCES = ["USAGE", "SELECT", "UPDATE"]

_HELD = """
SELECT class.relname, class.relkind = 'S', ARRAY(
    SELECT asked FROM unnest(
        CASE class.relkind WHEN 'S' THEN %(of_sequences)s::text[] ELSE %(of_tables)s::text[] END
    ) AS asked
    WHERE CASE class.relkind WHEN 'S' THEN has_sequence_privilege(%(role)s, class.oid, asked)
        ELSE has_table_privilege(%(role)s, class.oid, asked) END
), ARRAY(
    SELECT asked FROM unnest(%(of_columns)s::text[]) AS asked
    WHERE class.relkind <> 'S' AND has_any_column_privilege(%(role)s, class.oid, asked)
)
FROM pg_class AS class
LEFT JOIN pg_depend AS owned ON owned.objid = class.oid AND owned.classid = 'pg_class'::regclass
    AND class.relkind = 'S' AND owned.refclassid = 'pg_class'::regclass AND owned.deptype IN ('a', 'i')
LEFT JOIN pg_class AS parent ON parent.oid = owned.refobjid
WHERE class.relnamespace = current_schema()::regnamespace AND class.relkind IN ('r', 'p', 'S')
    AND coalesce(parent.relname, class.relname) = ANY (%(tables)s)
ORDER BY class.relname
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A table or sequence of ours, and what a role may do with it in the end.

    By what it was given, by the roles that it is a member of, as owner or superuser, and as anybody.
    `in_part`: what it may with some columns at least.
    """

    name: str
    is_sequence: bool
    held: frozenset[str]
    in_part: frozenset[str]

    @property
    def wanted(self) -> frozenset[str]:
        return SEQUENCE if self.is_sequence else LESS.get(self.name, CHANGE)

    @property
    def missing(self) -> frozenset[str]:
        return self.wanted - self.held

    @property
    def too_much(self) -> frozenset[str]:
        return (self.held | self.in_part) - self.wanted


def held_by(role: str) -> list[Held]:
    """What the role may do with each of our tables and their sequences, by name. One statement."""
    ours = [*connection.introspection.django_table_names(), "django_migrations"]
    values: dict[str, Any] = {
        "role": role,
        "tables": ours,
        "of_tables": _OF_TABLES,
        "of_columns": _OF_COLUMNS,
        "of_sequences": _OF_SEQUENCES,
    }
    with connection.cursor() as cursor:
        cursor.execute(_HELD, values)
        rows = cursor.fetchall()
    return [
        Held(name, is_sequence, frozenset(held), frozenset(in_part))
        for name, is_sequence, held, in_part in rows
    ]


def grant(role: str) -> list[str]:
    """Give the role what it lacks and take what it has too much; returns what was changed, in SQL.

    Does nothing that need not be done: it may run while the application does. For whoever owns the tables;
    what becomes of tables that are made later is told to the database too. Call it in a transaction.
    """
    done = [text for one in held_by(role) for text in _changes(one, role)]
    done += _of_schema(role)
    with connection.cursor() as cursor:
        for statement in done:
            cursor.execute(statement)
    return done


def _changes(one: Held, role: str) -> Iterator[str]:
    kind = "SEQUENCE" if one.is_sequence else "TABLE"
    if one.too_much:
        yield _written(f"REVOKE {listed(one.too_much)} ON {kind} {{}} FROM {{}}", one.name, role)
    if one.missing:
        yield _written(f"GRANT {listed(one.missing)} ON {kind} {{}} TO {{}}", one.name, role)


def _of_schema(role: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(_AROUND, [role, role])
        schema, database, may_use, may_connect = cursor.fetchone()
        cursor.execute(_PROMISED, [role])
        promised = {kind: frozenset(given) for kind, given in cursor.fetchall()}
    if not may_connect:
        yield _written("GRANT CONNECT ON DATABASE {} TO {}", database, role)
    if not may_use:
        yield _written("GRANT USAGE ON SCHEMA {} TO {}", schema, role)
    for kind, name, wanted in (("r", "TABLES", CHANGE), ("S", "SEQUENCES", SEQUENCE)):
        if promised.get(kind) != wanted:
            later = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {{}} GRANT {listed(wanted)} ON {name} TO {{}}"
            yield _written(later, schema, role)


_AROUND = """
SELECT current_schema(), current_database(), has_schema_privilege(%s, current_schema(), 'USAGE'),
    has_database_privilege(%s, current_database(), 'CONNECT')
"""
#: What the role gets of tables and sequences that we make later in this schema.
_PROMISED = """
SELECT promised.defaclobjtype::text, array_agg(given.privilege_type::text)
FROM pg_default_acl AS promised CROSS JOIN aclexplode(promised.defaclacl) AS given
JOIN pg_roles AS role ON role.oid = given.grantee
WHERE promised.defaclrole = current_user::regrole AND role.rolname = %s
    AND promised.defaclnamespace = current_schema()::regnamespace
GROUP BY promised.defaclobjtype
"""


def listed(privileges: frozenset[str]) -> str:
    """Privileges in SQL's words."""
    return ", ".join(sorted(privileges))


def _written(template: str, *names: str) -> str:
    """With these names in place of `{}`, quoted."""
    return sql.SQL(template).format(*map(sql.Identifier, names)).as_string()
