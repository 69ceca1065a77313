"""Fresh keys for an endpoint: those that they replace sign beside them for a while."""

from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import connection, transaction
from django.db.models import TextField
from django.db.models.functions import Cast

from accounts.encryption import cipher
from events.conflicts import or_conflict
from webhooks.keyring import Keys, OldSecret, read_old, written_old
from webhooks.models import Endpoint
from webhooks.reading import unknown_webhook
from webhooks.signing import signer

#: Seconds that a replaced secret may count on: from, to, and where nobody says.
OVERLAP = (0, 7 * 86_400)
DEFAULT_OVERLAP = 86_400
#: Replaced secrets that count at once; one more, and the oldest goes.
MOST_OLD = 5


def rotate(merchant_id: UUID, endpoint_id: UUID, overlap: int) -> Keys:
    """Give an endpoint fresh keys of its kind. The replaced ones sign on for `overlap` seconds.

    What cannot be read, or signs nothing, is dropped: an endpoint of lost encryption keys is whole again.
    Raises ApiError: 404 `webhook_not_found`, 409 `request_conflict`.
    """
    return or_conflict(partial(_rotate, merchant_id, endpoint_id, overlap))


def _rotate(merchant_id: UUID, endpoint_id: UUID, overlap: int) -> Keys:
    with transaction.atomic():
        endpoint = locked(merchant_id, endpoint_id)
        return replace_keys(endpoint, endpoint.signature, overlap)


def locked(merchant_id: UUID, endpoint_id: UUID) -> Endpoint:
    """The merchant's endpoint, locked until the transaction ends; its keys and headers stay closed.

    Raises ApiError 404 `webhook_not_found`.
    """
    mine = Endpoint.objects.filter(merchant_id=merchant_id, id=endpoint_id, deleted_at=None)
    found = mine.select_for_update(no_key=True).only("id", "url", "types", "couriers", "signature").first()
    if found is None:
        raise unknown_webhook()
    return found


def replace_keys(endpoint: Endpoint, kind: str, overlap: int) -> Keys:
    """Give a locked endpoint fresh keys of this kind. Returns them."""
    keys = Keys.fresh(kind)
    old = _old(endpoint.id, overlap)
    Endpoint.objects.filter(id=endpoint.id).update(**asdict(keys), old_secrets=written_old(old))
    return keys


def _old(endpoint_id: UUID, overlap: int) -> list[OldSecret]:
    """What counts beside the fresh keys, newest first."""
    columns = [Cast(name, TextField()) for name in ("secret", "old_secrets")]
    tokens = Endpoint.objects.filter(id=endpoint_id).values_list(*columns).get()
    secret, before = (_opened(token) for token in tokens)
    now = _clock()
    old = [OldSecret(secret or "", now + timedelta(seconds=overlap)), *_read(before)]
    return [each for each in old if each.until > now and _signs(each.secret)][:MOST_OLD]


def _opened(token: str | None) -> str | None:
    try:
        return token and cipher().decrypt(token.encode()).decode()
    except InvalidToken:
        return None


def _read(text: str | None) -> list[OldSecret]:
    try:
        return read_old(text)
    except ValueError:
        return []


def _signs(secret: str) -> bool:
    try:
        signer(secret)
    except ValueError:
        return False
    return True


def _clock() -> datetime:
    """The database's, which had to be asked for after the row was locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
