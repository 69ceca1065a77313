"""Ports that stay free until they are listened on, and while whoever listens is away for a moment.

Those that the kernel gives out for a connection, or to who asks for any, are elsewhere.
"""

from random import SystemRandom

from config import loopback

_FIRST, _LAST = 10_000, 32_000
_random = SystemRandom()


def free() -> int:
    """A port that nobody listens on."""
    while True:
        port = _random.randint(_FIRST, _LAST)
        if loopback.port_is_free(loopback.HOST, port):
            return port
