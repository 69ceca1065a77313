"""Fingerprints of keys: equal for accounts that hold the same key, so that its calls are counted together.

A keyed hash (HMAC-SHA256), whose secret this installation made for itself and keeps encrypted in a row.
So it stays the same when SECRET_KEY changes, and when FIELD_ENCRYPTION_KEYS do: the secret is encrypted anew
as soon as another key comes first. Nobody is shown a fingerprint; without the secret nobody can try keys.
"""

import hashlib
import hmac
import logging
import secrets
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models.functions import Now

from accounts.encryption import SealedTextField, cipher

logger = logging.getLogger(__name__)

#: Begins fingerprints that are of no key.
NOBODYS = "-"

_READ = "SELECT secret FROM carriers_fingerprintsecret WHERE id = 1"
_MAKE = "INSERT INTO carriers_fingerprintsecret (id, secret) VALUES (1, %s) ON CONFLICT DO NOTHING"
_SEAL_ANEW = "UPDATE carriers_fingerprintsecret SET secret = %s WHERE id = 1 AND secret = %s"
_REPLACE = """
UPDATE carriers_fingerprintsecret SET secret = %s, made_at = clock_timestamp() WHERE id = 1 AND secret = %s
"""
# They are given new ones by `carriers.fingerprinting`, which takes the day's counts along.
_FORGET_ALL = """
UPDATE carriers_carrieraccount SET fingerprint = NULL WHERE id = ANY(ARRAY(
    SELECT id FROM carriers_carrieraccount ORDER BY id FOR NO KEY UPDATE))
"""


class FingerprintSecret(models.Model):
    """The one secret that keys are hashed with, encrypted; its row has the id 1."""

    secret = SealedTextField(editable=False)
    made_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"made at {self.made_at}"


def fingerprint(courier: str, key: str) -> str:
    """Of a key at a courier: 64 hexadecimal digits. One statement, but for the first of an installation."""
    return _digest("key", courier, key)


def fingerprint_of_nobodys(account_id: UUID) -> str:
    """Of a key that cannot be read: like no other, since nobody calls with it."""
    return NOBODYS + _digest("account", str(account_id))[: -len(NOBODYS)]


def is_of_a_key(found: str | None) -> bool:
    """Whether calls are counted by it: not where there is none, or where the key could not be read."""
    return found is not None and not found.startswith(NOBODYS)


def _digest(*parts: str) -> str:
    return hmac.new(_secret(), "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def _secret() -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(_MAKE, [_sealed(secrets.token_bytes(32))])
            return _secret()
    return _opened(row[0])


def _opened(sealed: str) -> bytes:
    newest = Fernet(settings.FIELD_ENCRYPTION_KEYS[0])
    try:
        return bytes.fromhex(newest.decrypt(sealed.encode()).decode())
    except InvalidToken:
        pass
    try:
        secret = bytes.fromhex(cipher().decrypt(sealed.encode()).decode())
    except InvalidToken:
        return _replaced(sealed)
    with connection.cursor() as cursor:
        cursor.execute(_SEAL_ANEW, [_sealed(secret), sealed])
    return secret


def _replaced(sealed: str) -> bytes:
    """Nothing opens it any more, as nothing opens the keys that were kept with it: all begin anew."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REPLACE, [_sealed(secrets.token_bytes(32)), sealed])
        if cursor.rowcount:
            cursor.execute(_FORGET_ALL)
            logger.warning(
                "none of FIELD_ENCRYPTION_KEYS opens the secret of fingerprints: a new one is made"
            )
    return _secret()


def _sealed(secret: bytes) -> str:
    return cipher().encrypt(secret.hex().encode()).decode()
