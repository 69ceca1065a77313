"""The keys that a subscriber verifies with: shared secrets (`v1`) and public keys (`v1a`)."""

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from webhooks.signing import PRIVATE_PREFIX, PUBLIC_PREFIX, SECRET_PREFIX

SECRET, PUBLIC_KEY = "v1", "v1a"
#: What the text of a key begins with, and what it is then.
_PREFIXES = {SECRET_PREFIX: SECRET, PUBLIC_PREFIX: PUBLIC_KEY}
_NOUNS = {SECRET: "secret", PUBLIC_KEY: "public key"}
_PUBLIC_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `name` is how it is spoken of, since nothing that is printed may hold it."""

    name: str
    version: str
    raw: bytes

    def made(self, signature: bytes, content: bytes) -> bool:
        """Whether this key, or the private key it belongs to, made this signature of the content."""
        if self.version == SECRET:
            return hmac.compare_digest(hmac.digest(self.raw, content, hashlib.sha256), signature)
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, content)
        except InvalidSignature:
            return False
        return True


def read(texts: Iterable[str]) -> list[Key]:
    """The keys, numbered by kind in their order: secret 1, secret 2, public key 1.

    Raises ValueError, whose text tells which one is wrong and how, and never holds it.
    """
    keys: list[Key] = []
    numbers: Counter[str] = Counter()
    for place, text in enumerate(texts, start=1):
        version, raw = _read_one(text.strip(), f"secret no. {place}")
        numbers[version] += 1
        keys.append(Key(f"{_NOUNS[version]} {numbers[version]}", version, raw))
    return keys


def _read_one(text: str, which: str) -> tuple[str, bytes]:
    if text.startswith(PRIVATE_PREFIX):
        raise ValueError(f"{which} is a private key, which signs; a subscriber verifies with whpk_...")
    for prefix, version in _PREFIXES.items():
        if text.startswith(prefix):
            return version, _decoded(text.removeprefix(prefix), version, which)
    raise ValueError(f"{which} begins with neither whsec_ nor whpk_")


def _decoded(text: str, version: str, which: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(
            f"{which} is not base64 after its first part: was it cut when it was copied?"
        ) from None
    if not raw or (version == PUBLIC_KEY and len(raw) != _PUBLIC_KEY_BYTES):
        raise ValueError(f"{which} is {len(raw)} bytes long: was it cut when it was copied?")
    return raw
