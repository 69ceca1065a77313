"""The rows of `DailyUse` and `KeyUse`: calls counted before they are made, and returned if they never were.

Whoever reserves for an account holds the lock of its `Health` row. Rows of accounts are written first, then
those of couriers, then those of keys, each kind in order, so that two writers wait for each other and never
both.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from django.db import Error, connection

from carriers.budget import Reservation, key_quota_of, service_quota_of

logger = logging.getLogger(__name__)

#: Days for which the counts of a day are kept, so that staff can look back.
KEPT_DAYS = 30
#: Counts that one statement deletes.
BATCH = 1_000

_RESERVE = """
INSERT INTO carriers_dailyuse AS used (account_id, courier, day, reserved)
SELECT account, courier, day, calls
FROM unnest(%(accounts)s::uuid[], %(couriers)s::text[], %(days)s::date[], %(calls)s::integer[])
    AS wanted (account, courier, day, calls)
ORDER BY account
ON CONFLICT (account_id, day) WHERE account_id IS NOT NULL
DO UPDATE SET reserved = used.reserved + excluded.reserved
"""

# What others have reserved since this one looked is in what it returns. The keys wait for the couriers' rows.
_RESERVE_SHARED = """
WITH of_all AS (
    INSERT INTO carriers_dailyuse AS used (courier, day, reserved)
    SELECT courier, day, calls
    FROM jsonb_to_recordset(%(of_all)s) AS wanted (courier text, day date, calls integer)
    ORDER BY courier, day
    ON CONFLICT (courier, day) WHERE account_id IS NULL
    DO UPDATE SET reserved = used.reserved + excluded.reserved
    RETURNING courier, reserved
),
of_keys AS (
    INSERT INTO carriers_keyuse AS used (courier, fingerprint, day, reserved)
    SELECT courier, fingerprint, day, calls
    FROM jsonb_to_recordset(%(of_keys)s)
        AS wanted (courier text, fingerprint text, day date, calls integer)
    WHERE (SELECT count(*) FROM of_all) >= 0
    ORDER BY fingerprint, day
    ON CONFLICT (fingerprint, day) DO UPDATE SET reserved = used.reserved + excluded.reserved
    RETURNING courier, reserved
)
SELECT courier, reserved, true FROM of_all UNION ALL SELECT courier, reserved, false FROM of_keys
"""

# What the key before this one left unused is not this one's; of the courier's number it is as good as any.
_RETURN = """
WITH returned AS (
    SELECT * FROM jsonb_to_recordset(%s) AS told (
        account uuid, courier text, day date, generation integer, fingerprint text, calls integer)
),
held AS MATERIALIZED (
    SELECT used.id, returned.calls FROM carriers_dailyuse AS used
    JOIN returned ON used.day = returned.day AND returned.fingerprint IS NULL AND (
        (used.account_id = returned.account AND used.generation = returned.generation)
        OR (used.account_id IS NULL AND returned.account IS NULL AND used.courier = returned.courier))
    ORDER BY used.account_id NULLS LAST, used.courier, used.day FOR NO KEY UPDATE OF used
),
held_keys AS MATERIALIZED (
    SELECT used.id, returned.calls FROM carriers_keyuse AS used
    JOIN returned ON used.day = returned.day AND used.fingerprint = returned.fingerprint
    WHERE (SELECT count(*) FROM held) >= 0
    ORDER BY used.fingerprint, used.day FOR NO KEY UPDATE OF used
),
of_keys AS (
    UPDATE carriers_keyuse AS used SET reserved = greatest(used.reserved - held_keys.calls, 0)
    FROM held_keys WHERE used.id = held_keys.id
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

# They were numbered day by day: the oldest come first.
_FORGET = """
DELETE FROM {table} WHERE id = ANY(ARRAY(
    SELECT id FROM (SELECT id, day FROM {table} ORDER BY id LIMIT %(batch)s) AS oldest
    WHERE day < (statement_timestamp() AT TIME ZONE 'UTC')::date - %(kept)s::integer))
"""


class _Where(NamedTuple):
    """A row: of an account, of all accounts at a courier, or of a key."""

    account: str | None
    courier: str
    day: str
    generation: int = 0
    fingerprint: str | None = None


class AllSpokenFor(Exception):  # noqa: N818 (the name says what happened)
    """Others have reserved meanwhile what was left of a key's number, or of a courier's for all accounts."""


def reserve(wanted: Mapping[Reservation, int]) -> None:
    """Count so many calls for the account, the key and the day of each, in the caller's transaction.

    Two statements at most. The caller holds the locks of the accounts' `Health` rows, and has seen that their
    own quotas hold it. Raises AllSpokenFor where a key's number or a courier's does not: then the transaction
    is to be rolled back.
    """
    if not wanted:
        return
    accounts = sorted(wanted, key=lambda one: one.account)
    values: dict[str, Any] = {
        "accounts": [one.account for one in accounts],
        "couriers": [one.courier for one in accounts],
        "days": [one.day for one in accounts],
        "calls": [wanted[one] for one in accounts],
    }
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, values)
    _reserve_shared(wanted)


def _reserve_shared(wanted: Mapping[Reservation, int]) -> None:
    calls: dict[_Where, int] = defaultdict(int)
    for one, count in wanted.items():
        for where in _shared(one):
            calls[where] += count
    if not calls:
        return
    rows = [where._asdict() | {"calls": count} for where, count in calls.items()]
    values = {
        "of_all": json.dumps([row for row in rows if row["fingerprint"] is None]),
        "of_keys": json.dumps([row for row in rows if row["fingerprint"] is not None]),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE_SHARED, values)
        for courier, reserved, is_of_all in cursor.fetchall():
            quota = service_quota_of(courier) if is_of_all else key_quota_of(courier)
            if quota is not None and reserved > quota:
                raise AllSpokenFor


def _shared(one: Reservation) -> list[_Where]:
    """The rows that it shares with other accounts, where the courier names numbers for them."""
    day = one.day.isoformat()
    of_all = [_Where(None, one.courier, day)] if service_quota_of(one.courier) is not None else []
    of_key = [_Where(None, one.courier, day, fingerprint=one.fingerprint)]
    return [*of_all, *(of_key if key_quota_of(one.courier) is not None else [])]


def give_back(ended: Iterable[tuple[Reservation | None, int]]) -> None:
    """Return what was reserved beyond the calls begun, to its own day and key: one statement, or none.

    Never tried again, since what is returned twice would let a key exceed its quota: what the database
    refuses stays counted.
    """
    returned: dict[_Where, int] = {}
    for reservation, begun in ended:
        if reservation is not None and begun < reservation.calls:
            own = _Where(
                str(reservation.account),
                reservation.courier,
                reservation.day.isoformat(),
                reservation.generation,
            )
            for where in (own, *_shared(reservation)):
                returned[where] = returned.get(where, 0) + reservation.calls - begun
    if not returned:
        return
    rows = [where._asdict() | {"calls": calls} for where, calls in returned.items()]
    try:
        with connection.cursor() as cursor:
            cursor.execute(_RETURN, [json.dumps(rows)])
    except Error:
        logger.exception("calls that were not made stay counted")


def forget() -> int:
    """Delete some of the counts of days that are long over, the oldest first; how many. Two statements."""
    deleted = 0
    with connection.cursor() as cursor:
        for table in ("carriers_dailyuse", "carriers_keyuse"):
            cursor.execute(_FORGET.format(table=table), {"kept": KEPT_DAYS, "batch": BATCH})
            deleted += cursor.rowcount
    return deleted


def start_anew(account_id: UUID, courier: str, day: date) -> None:
    """A new key has its whole day. The caller holds the lock of the account's `Health` row."""
    with connection.cursor() as cursor:
        cursor.execute(_RESET, [account_id, courier, day])
