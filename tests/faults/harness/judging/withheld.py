"""What nobody may get: a visit where redirects lead, and secrets in logs or on record."""

from collections.abc import Iterator
from pathlib import Path

from psycopg import sql

from tests.faults.harness.judging.evidence import Evidence
from tests.faults.harness.judging.finding import Finding

#: The one table in which persons may be read.
_PERSONS = "trackers_personaldata"
_TABLES = "SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public' ORDER BY 1"


def nobody_goes_where_nobody_may(seen: Evidence) -> Finding:
    """S1. No redirect is followed: where they lead, nobody came."""
    found = Finding()
    redirects = [
        note for note in seen.subscribers if note["what"] == "answered" and 300 <= note["status"] < 400
    ]
    came = [note for note in seen.subscribers if note["what"] == "forbidden"]
    found.looked_at = len(redirects)
    if came:
        found.look(False, f"{len(came)} came where a redirect leads")
    if not any(one["behaviour"] == "redirecting" for one in seen.plan["endpoints"]):
        found.nothing = "no subscriber of the plan redirects"
    return found


def secrets_stay_secret(seen: Evidence) -> Finding:
    """S3. No secret, key or personal text of the run is in a log of its processes or in any table's row.

    Persons have a table of their own, where they may be.
    """
    found = Finding()
    secrets = _secrets(seen)
    files = sorted(Path(seen.run["logs"]).glob("*.log*"))
    found.look(bool(files), "no process has a log")
    for file in files:
        text = file.read_text(errors="replace")
        for name, secret in secrets.items():
            found.look(secret not in text, f"{name} is in {file.name}")
    for table, row in _rows(seen):
        for name, secret in secrets.items():
            if secret in row and not (table == _PERSONS and name.startswith("the recipient")):
                found.look(False, f"{name} is in {table}")
        found.looked_at += 1
    return found


def _rows(seen: Evidence) -> Iterator[tuple[str, str]]:
    """Of each table each row as text, bytes as what they spell."""
    tables = [name for (name,) in seen.database.execute(_TABLES).fetchall()]
    with seen.database.transaction():
        seen.database.execute("SET LOCAL bytea_output = 'escape'")
        for table in tables:
            whole = sql.SQL("SELECT each::text FROM {} AS each").format(sql.Identifier(table))
            with seen.database.cursor(name="rows") as cursor:
                for (row,) in cursor.execute(whole):
                    yield table, row


def _secrets(seen: Evidence) -> dict[str, str]:
    return dict(_named(seen))


def _named(seen: Evidence) -> Iterator[tuple[str, str]]:
    for one in seen.run["endpoints"]:
        yield f"the secret of endpoint {one['n']}", one["secret"]
    for nth, merchant in enumerate(seen.run["merchants"]):
        yield f"the key of merchant {nth}", merchant["key"]
    for one in seen.run["accounts"]:
        yield f"the key {one['key']}", one["key"]
        if one["push_secret"]:
            yield f"the push secret of {one['merchant']}", one["push_secret"]
    yield "the recipient's name", "Recipient of Parcels"
    yield "the recipient's address", "1 Secret Lane"
