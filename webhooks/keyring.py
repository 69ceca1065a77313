"""What an endpoint's messages are signed with: its secret, and replaced ones until their time. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from webhooks.signing import Signer, new_private_key, new_secret, public_key, signatures, signer


@dataclass(frozen=True, slots=True)
class Keys:
    """What an endpoint signs with now, under the names of its columns."""

    signature: str
    secret: str = field(repr=False)
    public_key: str

    @classmethod
    def fresh(cls, signature: str) -> "Keys":
        """Random ones for this kind of signature, `v1` or `v1a`."""
        if signature == "v1a":
            private = new_private_key()
            return cls(signature, private, public_key(private))
        return cls(signature, new_secret(), "")


@dataclass(frozen=True, slots=True)
class OldSecret:
    """A replaced secret or private key, and the moment from which on nothing is signed with it."""

    secret: str = field(repr=False)
    until: datetime


class Keyring:
    """An endpoint's keys, decoded once for all the messages of a batch."""

    def __init__(self, secret: str, old: Sequence[OldSecret]) -> None:
        """Raises ValueError for what is no secret and no private key."""
        self._current = signer(secret)
        self._old = [(signer(each.secret), each.until) for each in old]

    def sign(self, message_id: str, timestamp: int, body: bytes, now: datetime) -> str:
        """The signatures that count at `now`, the current secret's first, with spaces between."""
        return signatures(self._valid(now), message_id, timestamp, body)

    def _valid(self, now: datetime) -> list[Signer]:
        return [self._current, *(sign for sign, until in self._old if until > now)]


def read_old(text: str | None) -> list[OldSecret]:
    """Replaced secrets as the column holds them. Raises ValueError, which quotes nothing of the text."""
    try:
        old = [_old(each["secret"], each["until"]) for each in json.loads(text or "[]")]
    except (ValueError, KeyError, TypeError):
        # Without its cause, which may quote what is secret.
        raise ValueError("no list of secrets and the times until which they count") from None
    return old


def written_old(old: Sequence[OldSecret]) -> str | None:
    """The column's text for these; None for none."""
    if not old:
        return None
    return json.dumps([{"secret": each.secret, "until": each.until.isoformat()} for each in old])


def _old(secret: object, until: str) -> OldSecret:
    moment = datetime.fromisoformat(until)
    if not isinstance(secret, str) or moment.tzinfo is None:
        raise ValueError("no secret, or no moment")
    return OldSecret(secret, moment)
