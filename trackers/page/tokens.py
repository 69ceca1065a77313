"""Tokens of pages: a tracker's id, signed with its merchant's secret. Pure.

A token is the 16 bytes of the id and 16 of HMAC-SHA256 over it, in base64url: 43 characters. Who knows ids
still cannot make one, and nothing is stored for each tracker. Another secret ends all tokens of a merchant.
"""

import base64
import hmac
import re
from typing import NamedTuple
from uuid import UUID

_FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_SIGNED = 16


class Token(NamedTuple):
    """What a token says; whether it is true is to be asked."""

    tracker_id: UUID
    signature: bytes

    def is_signed_with(self, secret: str) -> bool:
        """Compared in constant time. The secret is in hex."""
        return hmac.compare_digest(self.signature, _signature(self.tracker_id, secret))


def token_of(tracker_id: UUID, secret: str) -> str:
    """The token of a tracker whose merchant has this secret, in hex."""
    return _written(tracker_id.bytes + _signature(tracker_id, secret))


def read(text: str) -> Token | None:
    """What has the form of a token; None for anything else."""
    if not _FORM.fullmatch(text):
        return None
    packed = base64.urlsafe_b64decode(f"{text}=")
    # Two bits of the last character say nothing: of the four spellings one is taken.
    if _written(packed) != text:
        return None
    return Token(UUID(bytes=packed[:-_SIGNED]), packed[-_SIGNED:])


def _written(packed: bytes) -> str:
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _signature(tracker_id: UUID, secret: str) -> bytes:
    return hmac.digest(bytes.fromhex(secret), tracker_id.bytes, "sha256")[:_SIGNED]
