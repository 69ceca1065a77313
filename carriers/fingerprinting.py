"""Accounts that have no fingerprint yet get one, and what was counted for them today goes on counting.

Nobody asks with them before. A version before this one made them, or the secret of fingerprints is new. So do
those whose key could not be read then and can be now, since FIELD_ENCRYPTION_KEYS has what opens it again.
"""

import json
from collections.abc import Mapping
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import connection, transaction
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from accounts.encryption import cipher
from carriers import standings
from carriers.fingerprints import NOBODYS, fingerprint, fingerprint_of_nobodys
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
    lacking = _lacking().order_by("id").values_list("id", flat=True)
    some = list(lacking[:BATCH])
    while some:
        done += _complete(some)
        some = list(lacking.filter(id__gt=some[-1])[:BATCH])
    return done


def _lacking() -> QuerySet[CarrierAccount]:
    return CarrierAccount.objects.filter(Q(fingerprint=None) | Q(fingerprint__startswith=NOBODYS))


@transaction.atomic
def _complete(account_ids: list[UUID]) -> int:
    """Whoever counts calls of theirs holds their health, and is waited for."""
    standings.locked(account_ids)
    missing = _lacking().filter(id__in=account_ids).annotate(sealed=Cast("key", TextField()))
    held = missing.select_for_update(no_key=True, of=("self",)).order_by("id")
    told = {
        id_: found
        for id_, courier, token, before in held.values_list("id", "courier", "sealed", "fingerprint")
        if (found := _fingerprint(id_, courier, token)) != before
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
