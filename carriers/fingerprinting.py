"""Accounts that have no fingerprint yet get one, and what was counted for them today goes on counting.

Nobody asks with them before. A version before this one made them, or the secret of fingerprints is new.
"""

import json
from collections.abc import Mapping
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import connection, transaction
from django.db.models import TextField
from django.db.models.functions import Cast

from accounts.encryption import cipher
from carriers import standings
from carriers.fingerprints import fingerprint, fingerprint_of_nobodys
from carriers.models import CarrierAccount
from carriers.registry import adapters

#: Accounts that are written at once.
BATCH = 200

_WRITE = """
UPDATE carriers_carrieraccount AS account SET fingerprint = told.fingerprint
FROM jsonb_to_recordset(%s) AS told (account uuid, fingerprint text) WHERE account.id = told.account
"""
# Yesterday's too: by some carrier's clock that is today.
_CARRY = """
INSERT INTO carriers_keyuse AS used (courier, fingerprint, day, reserved)
SELECT account.courier, account.fingerprint, own.day, sum(own.reserved)
FROM carriers_dailyuse AS own JOIN carriers_carrieraccount AS account ON account.id = own.account_id
WHERE own.account_id = ANY(%(accounts)s::uuid[]) AND account.courier = ANY(%(couriers)s::text[])
  AND own.day >= (statement_timestamp() AT TIME ZONE 'UTC')::date - 1
GROUP BY account.courier, account.fingerprint, own.day
ORDER BY account.fingerprint, own.day
ON CONFLICT (fingerprint, day) DO UPDATE SET reserved = used.reserved + excluded.reserved
"""


def complete() -> int:
    """Give them fingerprints, a batch at a time; how many. One statement while there are none."""
    done = 0
    while some := list(
        CarrierAccount.objects.filter(fingerprint=None).order_by("id").values_list("id", flat=True)[:BATCH]
    ):
        done += _complete(some)
    return done


@transaction.atomic
def _complete(account_ids: list[UUID]) -> int:
    """Whoever counts calls of theirs holds their health, and is waited for."""
    standings.locked(account_ids)
    missing = CarrierAccount.objects.filter(id__in=account_ids, fingerprint=None)
    sealed = missing.annotate(sealed=Cast("key", TextField())).select_for_update(no_key=True, of=("self",))
    told = {
        id_: _fingerprint(id_, courier, token)
        for id_, courier, token in sealed.order_by("id").values_list("id", "courier", "sealed")
    }
    if told:
        _write(told)
    return len(told)


def _fingerprint(account_id: UUID, courier: str, sealed: str) -> str:
    try:
        key = cipher().decrypt(sealed.encode()).decode()
    except InvalidToken:
        return fingerprint_of_nobodys(account_id)
    return fingerprint(courier, key)


def _write(told: Mapping[UUID, str]) -> None:
    rows = [{"account": str(account), "fingerprint": one} for account, one in told.items()]
    counting = [code for code, one in adapters().items() if one.daily_quota is not None]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [json.dumps(rows)])
        cursor.execute(_CARRY, {"accounts": list(told), "couriers": counting})
