"""What a nemesis may take hold of: the programs of a run, its servers, and the ways between them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

#: What runs all the time. Each is started again by the run, at once, whenever it ends.
PROGRAMS = ("web-0", "web-1", "worker", "worker-deliveries", "worker-late", "beat")
#: Those that poll, send first tries, and send late ones.
WORKERS = ("worker", "worker-deliveries", "worker-late")
#: What programs connect to by ways of their own.
SERVERS = ("postgres", "valkey")


class Way(Protocol):
    """A way that can be disturbed: see `tests.faults.harness.proxy`."""

    def set(self, mode: str) -> None: ...


class Subscribers(Protocol):
    """The fleet, seen from here. A peer is the port from which whoever sends is connected; 0: nobody came."""

    def hold(self, seconds: float) -> int:
        """Have the next request held, and wait until one is. Its peer."""

    def let_go(self) -> None:
        """Answer what is held."""

    def answered(self, seconds: float) -> int:
        """Wait until the next 200 was written, to its last byte. Its peer."""


class Grips(Protocol):
    """The stack of a run."""

    #: The folder of the run. `points/` below it is the fault points'.
    folder: Path
    #: By program and server: the way that this program has to this server; and ("worker", "carrier"), the
    #: way to the carriers. Those that are missing cannot be disturbed.
    ways: Mapping[tuple[str, str], Way]
    subscribers: Subscribers

    def pid_of(self, name: str) -> int:
        """Of a program, "postgres" (the postmaster), "valkey", "carrier" or "fleet"; 0 while it is away."""

    def give(self, program: str, environment: Mapping[str, str]) -> None:
        """What the program has in its environment from its next start on, instead of what it was given."""

    def come_back(self, server: str) -> None:
        """Start "postgres" or "valkey" again on its port where it has ended, and wait until it answers."""

    def url_of(self, server: str) -> str:
        """Of the server itself, past every way. That of PostgreSQL is its owner's."""
