"""Signatures of the Standard Webhooks specification (https://www.standardwebhooks.com), and their keys. Pure.

`v1` is HMAC-SHA256 with a secret that both sides have. `v1a` is Ed25519: the subscriber has the public key.
"""

import base64
import binascii
import secrets
from collections.abc import Callable, Iterable
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: What the keys begin with: a secret, a private key, a public key. The rest of each is base64.
SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
PRIVATE_PREFIX = "whsk_"
PUBLIC_PREFIX = "whpk_"
_SECRET_BYTES = 32
_SEED_BYTES = 32
_BLOCK_BYTES = 64
_INNER, _OUTER = (bytes(byte ^ mask for byte in range(256)) for mask in (0x36, 0x5C))

#: Gives the signature of some content as it stands in the header: `v1,` or `v1a,` and base64.
Signer = Callable[[bytes], str]


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return SECRET_PREFIX + _text(secrets.token_bytes(_SECRET_BYTES))


def new_private_key() -> str:
    """`whsk_` and 64 bytes in base64: the seed, and the public key that follows from it."""
    key = Ed25519PrivateKey.generate()
    return PRIVATE_PREFIX + _text(key.private_bytes_raw() + key.public_key().public_bytes_raw())


def public_key(private_key: str) -> str:
    """`whpk_` and the 32 bytes of its public key in base64. Raises ValueError, as `signer` does."""
    return PUBLIC_PREFIX + _text(_ed25519(private_key).public_key().public_bytes_raw())


def key_bytes(secret: str) -> bytes:
    """What a secret or private key stands for. Raises ValueError where the rest of it is not base64."""
    rest = secret.removeprefix(PRIVATE_PREFIX).removeprefix(SECRET_PREFIX)
    return base64.b64decode(rest, validate=True)


def signer(secret: str) -> Signer:
    """Signs with this secret (v1) or private key (v1a).

    Raises ValueError for a secret that is not base64, or is empty, and for a private key that is no seed
    with its own public key.
    """
    if secret.startswith(PRIVATE_PREFIX):
        return _v1a(_ed25519(secret))
    return _v1(key_bytes(secret))


def signatures(signers: Iterable[Signer], message_id: str, timestamp: int, body: bytes) -> str:
    """One signature of `id.timestamp.body` each, with spaces between; `timestamp` in seconds since 1970."""
    content = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return " ".join([sign(content) for sign in signers])


def _v1(key: bytes) -> Signer:
    if not key:
        raise ValueError("the secret is empty")
    # HMAC (RFC 2104), with what the key makes of both hashes done once for all messages.
    block = (sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    inner, outer = sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))

    def sign(content: bytes) -> str:
        within = inner.copy()
        within.update(content)
        around = outer.copy()
        around.update(within.digest())
        return "v1," + _text(around.digest())

    return sign


def _v1a(key: Ed25519PrivateKey) -> Signer:
    return lambda content: "v1a," + _text(key.sign(content))


def _ed25519(private_key: str) -> Ed25519PrivateKey:
    pair = key_bytes(private_key)
    key = Ed25519PrivateKey.from_private_bytes(pair[:_SEED_BYTES])
    if key.public_key().public_bytes_raw() != pair[_SEED_BYTES:]:
        raise ValueError("the private key is not a seed with its own public key")
    return key


def _text(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()
