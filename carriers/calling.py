"""Carriers call us: which account a call is for, by the address it came to and the secret it shows."""

import hashlib
import hmac
import re
from functools import cache
from typing import Any

from cryptography.fernet import InvalidToken
from django.db.models import TextField
from django.db.models.functions import Cast

from accounts.encryption import cipher
from carriers.accounts import Account
from carriers.adapter import Credentials
from carriers.models import CarrierAccount
from carriers.registry import adapters

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,64}", re.ASCII)


def account_called(courier: str, token: str, authorization: str) -> Account | None:
    """The active account whose address and `Authorization: Bearer <secret>` these are. It holds no key.

    Whatever is wrong, finding out takes the same steps: one query, one decryption, one comparison.
    """
    scheme, _, shown = authorization.partition(" ")
    found = _found(courier, token if _TOKEN.fullmatch(token) else "")
    secret = _opened(found.pop("sealed") if found else None)
    right = hmac.compare_digest(_digest(shown.strip()), _digest(secret or ""))
    if not (found and secret and right and scheme.lower() == "bearer"):
        return None
    zone = found["time_zone"] or adapters()[courier].time_zone
    called = Credentials(found["id"], "", "", zone)
    return Account(called, found["merchant_id"] is not None, found["changed_at"])


def _found(courier: str, token: str) -> dict[str, Any] | None:
    """The account as the database holds it, its secret encrypted."""
    called = (
        CarrierAccount.objects.filter(push_token=token, courier=courier, state=CarrierAccount.State.ACTIVE)
        .annotate(sealed=Cast("push_secret", TextField()))
        .values("id", "merchant_id", "time_zone", "changed_at", "sealed")
        .first()
    )
    return dict(called) if called else None


def _opened(sealed: str | None) -> str | None:
    """The secret; None where there is none, or no key opens it."""
    try:
        opened = cipher().decrypt((sealed or _nobodys()).encode()).decode()
    except InvalidToken:
        return None
    return opened if sealed else None


@cache
def _nobodys() -> str:
    return cipher().encrypt(b"whsec of nobody, as long as most").decode()


def _digest(secret: str) -> bytes:
    """Of one length, so that comparing takes the same time whatever was shown."""
    return hashlib.sha256(secret.encode(errors="replace")).digest()
