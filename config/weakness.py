"""What is weak about a secret: each function gives the end of a sentence about it, or "" where it is strong.

None of them quotes the secret. One that was drawn at random passes: the odds against it are below
one in a million million.
"""

import base64
import binascii
from itertools import pairwise

#: Characters that Django's secret key must have, and how many different ones.
LEAST_LENGTH, LEAST_DIFFERENT = 50, 10
#: Different bytes of the 32 in a Fernet key; drawn at random they are thirty.
_LEAST_BYTES = 16
#: Parts of keys that stand in documents and templates.
_EXAMPLES = ("django-insecure", "changeme", "change-me", "change_me", "example", "your-secret", "placeholder")
#: Passwords that stand in documents, compose files and lists.
_GUESSED = {
    *(
        "password",
        "passwd",
        "pass",
        "secret",
        "changeme",
        "change-me",
        "change_me",
        "example",
        "test",
        "admin",
    ),
    *("postgres", "postgresql", "redis", "valkey", "parcelwire", "root", "123456", "12345678"),
}
NO_FERNET_KEY = "holds what is not a Fernet key"


def of_secret_key(key: str) -> str:
    """Of SECRET_KEY, or of one of its fallbacks."""
    if any(example in key.lower() for example in _EXAMPLES):
        return "is an example; give it a key of its own"
    if len(key) < LEAST_LENGTH:
        return f"is shorter than {LEAST_LENGTH} characters"
    if len({*key}) < LEAST_DIFFERENT:
        return f"has fewer than {LEAST_DIFFERENT} different characters"
    if key in (key + key)[1:-1]:
        return "is a shorter text over and over"
    return ""


def of_fernet_key(key: str) -> str:
    """Of a key that encrypts; what is none at all is weak, too."""
    try:
        drawn = base64.b64decode(key, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        drawn = b""
    if len(drawn) != 32:
        return NO_FERNET_KEY
    counted = len({(after - before) % 256 for before, after in pairwise(drawn)}) == 1
    if counted or len({*drawn}) < _LEAST_BYTES or (drawn.isascii() and drawn.decode().isprintable()):
        return "holds a key that was not drawn at random"
    return ""


def of_password(password: str, user: str) -> str:
    """Of a server's password; none at all is for the server to refuse."""
    if password and (password.lower() in _GUESSED or password == user):
        return "has a password that anybody would guess"
    return ""
