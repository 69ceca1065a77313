"""The rows of `Health`, as the rules of `carriers.health` see them: locked and written for many at once."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from carriers.health import NOTED_EVERY, Circuit, Standing
from carriers.models import CarrierAccount, Health
from carriers.registry import adapters

#: What `standing` reads, in its order; `health` and `account` are the aliases of the two tables.
COLUMNS = """
account.courier, account.pace_limit, health.circuit, health.open_until, health.openings, health.failing,
health.last_answer_at, health.last_failure_at, health.last_failure, health.pace, health.pace_changed_at,
health.paced_until, health.counted_from, health.counted
"""

_READ = f"""
SELECT health.account_id, clock_timestamp(), {COLUMNS}
FROM carriers_health AS health JOIN carriers_carrieraccount AS account ON account.id = health.account_id
WHERE health.account_id = ANY(%(accounts)s::uuid[])
"""  # noqa: S608 (constants only)
# Whoever made the account did not know of health: a version before it, beside this one for a while.
_COMPLETE = """
INSERT INTO carriers_health (account_id)
SELECT id FROM carriers_carrieraccount AS account
WHERE NOT EXISTS (SELECT FROM carriers_health WHERE account_id = account.id)
ON CONFLICT DO NOTHING
"""
# What an answer changes: all is not well, or it is a while since one was noted.
_CHANGED_BY_AN_ANSWER = """
AND (health.circuit <> 'closed' OR health.failing IS NOT NULL OR health.last_answer_at IS NULL
     OR health.last_answer_at <= clock_timestamp() - make_interval(secs => %(noted)s))
"""
# By id, as wherever several are locked, so that two writers wait for each other and never both.
_LOCK = "ORDER BY health.account_id FOR NO KEY UPDATE OF health"

_WRITE = """
UPDATE carriers_health AS health
SET circuit = told.circuit, open_until = told.open_until, openings = told.openings, failing = told.failing,
    last_answer_at = told.last_answer_at, last_failure_at = told.last_failure_at,
    last_failure = told.last_failure, pace = told.pace, pace_changed_at = told.pace_changed_at,
    paced_until = told.paced_until, counted_from = told.counted_from, counted = told.counted
FROM jsonb_to_recordset(%s) AS told (
    account uuid, circuit text, open_until timestamptz, openings integer, failing uuid[],
    last_answer_at timestamptz, last_failure_at timestamptz, last_failure text, pace double precision,
    pace_changed_at timestamptz, paced_until timestamptz, counted_from timestamptz, counted integer
)
WHERE health.account_id = told.account
"""


def standing(row: Sequence[Any]) -> Standing:
    """What a row of `COLUMNS` says."""
    courier, pace_limit, circuit, open_until, openings, failing, *rest = row
    known = Standing(Circuit(circuit), open_until, openings, tuple(failing or ()), *rest)
    return replace(known, ceiling=ceiling(courier, pace_limit))


def of_account(account: CarrierAccount) -> Standing:
    """What the row of an account says that was read with it (`select_related("health")`)."""
    row: Health | None = getattr(account, "health", None)
    if row is None:
        return Standing(ceiling=ceiling(account.courier, account.pace_limit))
    told = (
        account.courier, account.pace_limit, row.circuit, row.open_until, row.openings, row.failing,
        row.last_answer_at, row.last_failure_at, row.last_failure, row.pace, row.pace_changed_at,
        row.paced_until, row.counted_from, row.counted,
    )  # fmt: skip
    return standing(told)


def ceiling(courier: str, pace_limit: float | None) -> float | None:
    """Calls a second that an account makes at most: its own pace, else its carrier's; None: unbounded."""
    if pace_limit is not None or courier not in adapters():
        return pace_limit
    return adapters()[courier].pace_limit


def complete() -> int:
    """Give accounts that have no row of health one: nobody asks with them without. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPLETE)
        return int(cursor.rowcount)


def locked(account_ids: Collection[UUID]) -> tuple[dict[UUID, Standing], datetime]:
    """Lock the rows of these accounts and read them; and the database's clock then: one statement.

    Call it within a transaction. An account that was deleted is left out.
    """
    return _read(_READ + _LOCK, account_ids)


def changed_by_an_answer(account_ids: Collection[UUID]) -> set[UUID]:
    """Those of these accounts whose rows an answer would change: none while all is well."""
    found, _ = _read(_READ + _CHANGED_BY_AN_ANSWER, account_ids)
    return set(found)


def _read(statement: str, account_ids: Collection[UUID]) -> tuple[dict[UUID, Standing], datetime]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"accounts": list(account_ids), "noted": NOTED_EVERY.total_seconds()})
        rows = cursor.fetchall()
    now = max((row[1] for row in rows), default=datetime.min.replace(tzinfo=UTC))
    return {account: standing(row) for account, _, *row in rows}, now


def write(standings: Mapping[UUID, Standing]) -> None:
    """Write the rows of these accounts, whose locks the caller holds: one statement."""
    if standings:
        rows = [_row(account, one) for account, one in standings.items()]
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, [json.dumps(rows, default=str)])


def _row(account: UUID, one: Standing) -> dict[str, Any]:
    return {
        "account": account,
        "circuit": one.circuit.value,
        "open_until": one.open_until,
        "openings": one.openings,
        "failing": list(one.failing) or None,
        "last_answer_at": one.last_answer_at,
        "last_failure_at": one.last_failure_at,
        "last_failure": one.last_failure,
        "pace": one.pace,
        "pace_changed_at": one.pace_changed_at,
        "paced_until": one.paced_until,
        "counted_from": one.counted_from,
        "counted": one.counted,
    }
