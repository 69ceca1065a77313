"""HTTP out to subscribers: pycurl's multi interface on epoll.

libcurl's own wait is select(2), which spins over 1,024 descriptors; so sockets and timers are watched here.
"""

import os
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from uuid import UUID

import pycurl
from django.conf import settings

from accounts.addresses import Network, networks
from webhooks.capacity import make_room
from webhooks.connections import Kept
from webhooks.exchanges import Failure, Outgoing, Result
from webhooks.handles import Exchange, Sessions
from webhooks.names import Addresses, Names, Place, place
from webhooks.watching import Bell, Watch

#: Transfers that one thread has under way at most: 1,000, fewer where so many files may not be open.
CAPACITY = make_room()

#: Who waits for a name's addresses, and since when.
_Asking = tuple[Outgoing, float]

# The resolver's threads cannot be cut off, only told to give up by themselves; glibc reads this once.
os.environ.setdefault("RES_OPTIONS", f"timeout:1 attempts:{max(1, int(settings.DELIVERY_DNS_DEADLINE))}")


class Wire:
    """Transfers of one thread, with connections that are kept alive between them."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self.allowed = allowed
        self._process = os.getpid()
        self._is_sound = True
        self._sessions = Sessions()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, CAPACITY)
        self._sockets = Watch()
        self._bell = Bell()
        self._sockets.watch(self._bell.descriptor, pycurl.POLL_IN)
        # Not libcurl's own look-ups: those wait for each other, twenty at a time.
        self._names: Names[_Asking] = Names(_look_up, self._bell.ring)
        self._nowhere: list[Result] = []
        #: What libcurl has been told of names, for good.
        self._told: dict[Place, Addresses] = {}
        self._kept = Kept(CAPACITY)
        self._timer: float | None = None
        self._under_way: dict[pycurl.Curl, Exchange] = {}
        self._idle: list[Exchange] = []

    def fits(self, allowed: Sequence[Network]) -> bool:
        """False after a fork (the sockets are the parent's), under other rules, and once it has failed."""
        return self._is_sound and self._process == os.getpid() and self.allowed == allowed

    def start(self, outgoing: Iterable[Outgoing]) -> None:
        """Begin these transfers; `wait` takes them further. At most CAPACITY may be under way."""
        now = time.monotonic()
        for one in outgoing:
            where = place(one.url)
            if where is None:
                self._begin(one, 0.0)
            elif (addresses := self._names.known(where)) is None:
                self._names.ask(where, (one, now), settings.DELIVERY_DNS_DEADLINE)
            else:
                self._go(where, addresses, one, 0.0)

    def wait(self, timeout: float, also: int | None = None) -> list[Result]:
        """Work on the transfers until some have ended, or for `timeout` seconds; so too without any.

        Ends too once `also` can be read, a descriptor of somebody else's: that of the database's connection.
        """
        self._sockets.begin(also)
        try:
            return self._work(time.monotonic() + timeout, also)
        except pycurl.error:
            # It takes no more work, libcurl says: the next run has another.
            self._is_sound = False
            raise
        finally:
            self._sockets.end(also)

    def _work(self, end: float, also: int | None) -> list[Result]:
        while True:
            now = time.monotonic()
            moment = now if self._nowhere else min(end, self._timer or end, self._names.next_end() or end)
            called = self._act(max(0.0, moment - now), also)
            self._hear_of_names()
            results = self._ended()
            if results or called or now >= end:
                return results

    def cancel(self, tokens: Iterable[UUID]) -> None:
        """Drop these transfers without a result; the connection of one that is under way is closed."""
        unwanted = set(tokens)
        self._names.drop(lambda asking: asking[0].token in unwanted)
        self._nowhere = [each for each in self._nowhere if each.token not in unwanted]
        for exchange in [each for each in self._under_way.values() if each.token in unwanted]:
            self._release(exchange)

    def cancel_all(self) -> None:
        """Drop whatever is under way."""
        self.cancel([one.token for one, _ in self._names.waiting()])
        self.cancel([exchange.token for exchange in self._under_way.values()])
        self._nowhere.clear()

    def close(self) -> None:
        """Close every connection."""
        self.cancel_all()
        for exchange in self._idle:
            exchange.handle.close()
        self._multi.close()
        self._bell.close()
        self._sockets.close()

    def _go(self, where: Place, addresses: Addresses, one: Outgoing, late: float) -> None:
        """Begin it at these addresses; `late` is how long that took to find out, in seconds."""
        if not addresses:
            self._nowhere.append(Result(one.token, Failure.DNS_ERROR, None, round(late * 1000), b"", {}, ""))
            return
        is_news = self._told.get(where) != addresses
        self._told[where] = addresses
        self._begin(one, late, (*where, addresses) if is_news else None)

    def _begin(self, one: Outgoing, late: float, news: tuple[str, int, Addresses] | None = None) -> None:
        exchange = self._idle.pop() if self._idle else Exchange(self.allowed, self._kept, self._sessions)
        exchange.begin(one, late)
        if news:
            exchange.tell(*news)
        self._under_way[exchange.handle] = exchange
        self._multi.add_handle(exchange.handle)

    def _hear_of_names(self) -> None:
        for where, addresses, asking in self._names.over():
            now = time.monotonic()
            for one, since in asking:
                self._go(where, addresses, one, now - since)

    def _act(self, pause: float, also: int | None) -> bool:
        """Whether `also` is ready."""
        ready, called = self._sockets.ready(pause, also)
        for descriptor, seen in ready:
            if descriptor == self._bell.descriptor:
                self._bell.hush()
            else:
                self._multi.socket_action(descriptor, seen)
        if self._timer is not None and self._timer <= time.monotonic():
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        return called

    def _ended(self) -> list[Result]:
        results, self._nowhere = self._nowhere, []
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            for handle, code in [(each, 0) for each in done] + [(each, code) for each, code, _ in failed]:
                exchange = self._under_way[handle]
                if exchange.is_stale:
                    self._begin_anew(exchange)
                else:
                    results.append(exchange.result(code))
                    self._release(exchange)
        return results

    def _begin_anew(self, exchange: Exchange) -> None:
        self._multi.remove_handle(exchange.handle)
        exchange.begin_anew()
        self._multi.add_handle(exchange.handle)

    def _release(self, exchange: Exchange) -> None:
        del self._under_way[exchange.handle]
        self._multi.remove_handle(exchange.handle)
        self._idle.append(exchange)

    def _watch(self, what: int, descriptor: int, multi: pycurl.CurlMulti, data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            self._sockets.drop(descriptor)
        else:
            self._sockets.watch(descriptor, what)

    def _set_timer(self, milliseconds: int) -> None:
        self._timer = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000


_of_thread = threading.local()


def wire() -> Wire:
    """This thread's wire, made at the first call and kept as long as the thread lives."""
    allowed = networks(settings.WEBHOOK_ALLOWED_NETWORKS)
    kept: Wire | None = getattr(_of_thread, "wire", None)
    if kept is None or not kept.fits(allowed):
        kept = _of_thread.wire = Wire(allowed)
    return kept


def resolve(host: str, port: int, deadline: float) -> list[str]:
    """The numeric addresses of a host, within `deadline` seconds. Raises OSError or UnicodeError."""
    found: list[str] = []
    errors: list[OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            found.extend(_look_up(host, port))
        except (OSError, UnicodeError) as error:  # the latter for names that IDNA does not take
            errors.append(error)

    # A look-up cannot be cut off: its thread is left to end by itself.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(deadline)
    if errors:
        raise errors[0]
    if not found:
        raise TimeoutError(f"no answer within {deadline} s")
    return found


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))
