"""Sockets towards carriers: one deadline for a whole call, and only to addresses that may be called.

The deadline runs from the look-up of the name to the last byte. The address that is checked is the one
connected to.
"""

import queue
import socket
import ssl
import threading
from contextlib import ExitStack
from time import monotonic
from typing import Any

from django.conf import settings

from accounts.addresses import allows, networks, refusal
from carriers.exceptions import Unreachable

#: Seconds of the deadline that one address, and the look-up of a name, may take.
CONNECT_DEADLINE = 5.0
TOO_LATE = "The carrier did not answer whole in time"


class _Deadline(threading.local):
    """When this thread's call must have ended."""

    ends = 0.0

    def start(self, seconds: float) -> None:
        self.ends = monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left. Raises Unreachable where none are."""
        left = self.ends - monotonic()
        if left <= 0:
            raise Unreachable(TOO_LATE)
        return left


deadline = _Deadline()


class Socket(socket.socket):
    """A time-out of a socket is one read's; here every read gets what is left of the whole call."""

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(deadline.left())
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.settimeout(deadline.left())
        super().sendall(data, flags)


class TlsSocket(ssl.SSLSocket):
    """The same over TLS."""

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(deadline.left())
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.settimeout(deadline.left())
        super().sendall(data, flags)


def connected(host: str, port: int, *, plain: bool) -> socket.socket:
    """A connection to the first address of `host` that may be called and takes one.

    Raises Unreachable where none may be called, OSError where none takes one.
    """
    failure: OSError | None = None
    refused = None
    for family, kind, protocol, _, address in _resolved(host, port):
        why = _refusal(str(address[0]), plain=plain)
        if why:
            refused = why
            continue
        with ExitStack() as undo:
            opened = undo.enter_context(Socket(family, kind, protocol))
            try:
                opened.settimeout(min(CONNECT_DEADLINE, deadline.left()))
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                opened.connect(address)
            except OSError as error:
                failure = error
                continue
            opened.settimeout(deadline.left())
            undo.pop_all()
            return opened
    if failure is None:
        raise Unreachable(f"The carrier's address may not be called: {refused}")
    raise failure


def _refusal(address: str, *, plain: bool) -> str | None:
    allowed = networks(settings.CARRIER_ALLOWED_NETWORKS)
    if plain and not allows(address, allowed):
        return f"{address} is outside CARRIER_ALLOWED_NETWORKS, and elsewhere it must be https"
    return refusal(address, allowed)


def _resolved(host: str, port: int) -> list[tuple[Any, ...]]:
    """The addresses of a name. Nothing interrupts a look-up; on a thread of its own it can be left behind."""
    answers: queue.SimpleQueue[list[tuple[Any, ...]] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, name="carrier-name", daemon=True).start()
    try:
        found = answers.get(timeout=min(CONNECT_DEADLINE, deadline.left()))
    except queue.Empty:
        raise Unreachable("The carrier's name was not resolved in time") from None
    if isinstance(found, Exception):
        raise Unreachable("The carrier's name does not resolve")
    return found
