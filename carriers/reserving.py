"""The rows of `DailyUse`: calls counted before they are made, and returned if they never were.

Whoever reserves for an account holds the lock of its `Health` row. Rows of accounts are written before those
of couriers, each kind in order, so that two writers wait for each other and never both.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from django.db import Error, connection

from carriers.budget import Reservation, service_quota_of

logger = logging.getLogger(__name__)

#: Days for which the counts of a day are kept, so that staff can look back.
KEPT_DAYS = 30

_RESERVE = """
INSERT INTO carriers_dailyuse AS used (account_id, courier, day, reserved)
SELECT account, courier, day, calls
FROM unnest(%(accounts)s::uuid[], %(couriers)s::text[], %(days)s::date[], %(calls)s::integer[])
    AS wanted (account, courier, day, calls)
ORDER BY account
ON CONFLICT (account_id, day) WHERE account_id IS NOT NULL
DO UPDATE SET reserved = used.reserved + excluded.reserved
"""

# Other accounts may have reserved since this one looked: then nothing is written for that courier.
_RESERVE_OF_ALL = """
INSERT INTO carriers_dailyuse AS used (courier, day, reserved)
SELECT courier, day, calls
FROM unnest(%(couriers)s::text[], %(days)s::date[], %(calls)s::integer[], %(quotas)s::integer[])
    AS wanted (courier, day, calls, quota)
WHERE calls <= quota
ORDER BY courier, day
ON CONFLICT (courier, day) WHERE account_id IS NULL
DO UPDATE SET reserved = used.reserved + excluded.reserved
WHERE used.reserved + excluded.reserved <= (
    SELECT quota FROM unnest(%(couriers)s::text[], %(quotas)s::integer[]) AS of_all (courier, quota)
    WHERE of_all.courier = excluded.courier LIMIT 1)
"""

# What the key before this one left unused is not this one's; of the courier's number it is as good as any.
_RETURN = """
WITH returned AS (
    SELECT * FROM jsonb_to_recordset(%s)
        AS told (account uuid, courier text, day date, generation integer, calls integer)
),
held AS MATERIALIZED (
    SELECT used.id, returned.calls FROM carriers_dailyuse AS used
    JOIN returned ON used.day = returned.day AND (
        (used.account_id = returned.account AND used.generation = returned.generation)
        OR (used.account_id IS NULL AND returned.account IS NULL AND used.courier = returned.courier))
    ORDER BY used.account_id NULLS LAST, used.courier, used.day FOR NO KEY UPDATE OF used
)
UPDATE carriers_dailyuse AS used SET reserved = greatest(used.reserved - held.calls, 0)
FROM held WHERE used.id = held.id
"""

# A key that the carrier has not counted for yet. What is under way with the one before it is not its own.
_RESET = """
INSERT INTO carriers_dailyuse AS used (account_id, courier, day, generation) VALUES (%s, %s, %s, 1)
ON CONFLICT (account_id, day) WHERE account_id IS NOT NULL
DO UPDATE SET reserved = 0, generation = used.generation + 1
"""


# What somebody else holds is left for the next look.
_FORGET = """
DELETE FROM carriers_dailyuse WHERE id = ANY(ARRAY(
    SELECT id FROM carriers_dailyuse
    WHERE day < (statement_timestamp() AT TIME ZONE 'UTC')::date - %s::integer FOR UPDATE SKIP LOCKED))
"""


class _Where(NamedTuple):
    """A row: of an account and its key, or of all accounts at a courier."""

    account: str | None
    courier: str
    day: str
    generation: int


class AllSpokenFor(Exception):  # noqa: N818 (the name says what happened)
    """Others have reserved meanwhile what was left of a courier's number for all accounts."""


def reserve(wanted: Mapping[tuple[UUID, str, date], int]) -> None:
    """Count so many calls for each (account, courier, day), in the caller's transaction: two statements.

    The caller holds the locks of the accounts' `Health` rows, and has seen that their quotas hold it. Raises
    AllSpokenFor where a courier's own number does not: then the transaction is to be rolled back.
    """
    if not wanted:
        return
    keys = sorted(wanted)
    values: dict[str, Any] = {
        "accounts": [account for account, _, _ in keys],
        "couriers": [courier for _, courier, _ in keys],
        "days": [day for _, _, day in keys],
        "calls": [wanted[key] for key in keys],
    }
    of_all: dict[tuple[str, date], int] = {}
    for (_, courier, day), calls in wanted.items():
        if service_quota_of(courier) is not None:
            of_all[courier, day] = of_all.get((courier, day), 0) + calls
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, values)
        if of_all:
            cursor.execute(_RESERVE_OF_ALL, _of_all(of_all))
            if cursor.rowcount < len(of_all):
                raise AllSpokenFor


def _of_all(wanted: Mapping[tuple[str, date], int]) -> dict[str, Any]:
    keys = sorted(wanted)
    return {
        "couriers": [courier for courier, _ in keys],
        "days": [day for _, day in keys],
        "calls": [wanted[key] for key in keys],
        "quotas": [service_quota_of(courier) for courier, _ in keys],
    }


def give_back(ended: Iterable[tuple[Reservation | None, int]]) -> None:
    """Return what was reserved beyond the calls begun, to its own day and key: one statement, or none.

    Never tried again, since what is returned twice would let a key exceed its quota: what the database
    refuses stays counted.
    """
    returned: dict[_Where, int] = {}
    for reservation, begun in ended:
        if reservation is not None and begun < reservation.calls:
            for where in _rows_of(reservation):
                returned[where] = returned.get(where, 0) + reservation.calls - begun
    if not returned:
        return
    rows = [where._asdict() | {"calls": calls} for where, calls in returned.items()]
    try:
        with connection.cursor() as cursor:
            cursor.execute(_RETURN, [json.dumps(rows)])
    except Error:
        logger.exception("calls that were not made stay counted")


def _rows_of(one: Reservation) -> list[_Where]:
    day = one.day.isoformat()
    own = _Where(str(one.account), one.courier, day, one.generation)
    of_all = service_quota_of(one.courier) is not None
    return [own, _Where(None, one.courier, day, 0)] if of_all else [own]


def forget() -> int:
    """Delete the counts of days that are long over; how many. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [KEPT_DAYS])
        return int(cursor.rowcount)


def start_anew(account_id: UUID, courier: str, day: date) -> None:
    """A new key has its whole day. The caller holds the lock of the account's `Health` row."""
    with connection.cursor() as cursor:
        cursor.execute(_RESET, [account_id, courier, day])
