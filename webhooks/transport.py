"""HTTP out to subscribers, the only file here that opens the network: pycurl's multi interface on epoll.

libcurl's own wait is select(2), which spins over 1,024 descriptors; so sockets and timers are watched here.
"""

import os
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import certifi
import pycurl
from django.conf import settings

from accounts.addresses import Network, allows, networks, refusal
from webhooks.answers import Answer
from webhooks.capacity import make_room
from webhooks.connections import Ends, Kept
from webhooks.exchanges import Failure, Outgoing, Result
from webhooks.watching import Watch

#: Transfers that one thread has under way at most: 1,000, fewer where so many files may not be open.
CAPACITY = make_room()
#: Seconds after which an idle connection is not used again. Many servers close theirs after 5 s, and a
#: request that meets the closing is a failed try.
IDLE_KEPT = 4

_FAILURES = {
    pycurl.E_COULDNT_RESOLVE_HOST: Failure.DNS_ERROR,
    pycurl.E_URL_MALFORMAT: Failure.DNS_ERROR,
    pycurl.E_COULDNT_CONNECT: Failure.CONNECTION_REFUSED,
    pycurl.E_SSL_CONNECT_ERROR: Failure.TLS_ERROR,
    pycurl.E_PEER_FAILED_VERIFICATION: Failure.TLS_ERROR,
    pycurl.E_SSL_CERTPROBLEM: Failure.TLS_ERROR,
    pycurl.E_SSL_CIPHER: Failure.TLS_ERROR,
    pycurl.E_SSL_CACERT_BADFILE: Failure.TLS_ERROR,
    pycurl.E_SSL_ISSUER_ERROR: Failure.TLS_ERROR,
    pycurl.E_SSL_INVALIDCERTSTATUS: Failure.TLS_ERROR,
}

# The resolver's threads cannot be cut off, only told to give up by themselves; glibc reads this once.
os.environ.setdefault("RES_OPTIONS", f"timeout:1 attempts:{max(1, int(settings.DELIVERY_DNS_DEADLINE))}")


class _Socket(socket.socket):
    """A socket for pycurl, which duplicates the descriptor and leaves the closing of this one to us."""

    def __del__(self) -> None:
        self.close()


class _Exchange:
    """One easy handle, used again and again, and what it has heard of the try it is on.

    Where a kept connection ends without an answer, libcurl sends the request again by itself, unseen. So the
    body, which no message lacks, is handed out by `_read` and never wound back: such a try fails. One that
    had ended before anything was sent costs no try: `is_stale` then, and the transfer begins anew.
    """

    def __init__(self, allowed: Sequence[Network], kept: Kept) -> None:
        self._allowed = allowed
        self._kept = kept
        self.handle = curl = pycurl.Curl()
        curl.setopt(pycurl.POST, 1)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.CAINFO, certifi.where())
        curl.setopt(pycurl.SSL_VERIFYPEER, 1)
        curl.setopt(pycurl.SSL_VERIFYHOST, 2)
        curl.setopt(pycurl.TCP_NODELAY, 1)
        curl.setopt(pycurl.MAXAGE_CONN, IDLE_KEPT)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open)
        curl.setopt(pycurl.PREREQFUNCTION, self._before_sending)
        curl.setopt(pycurl.READFUNCTION, self._read)
        curl.setopt(pycurl.SEEKFUNCTION, lambda *_: pycurl.SEEKFUNC_FAIL)
        curl.setopt(pycurl.WRITEFUNCTION, lambda chunk: None if self._answer.hear_body(chunk) else 0)

    def begin(self, outgoing: Outgoing) -> None:
        self.token = outgoing.token
        self.is_stale = False
        self._ends: Ends | None = None
        self._secure = outgoing.url[:6].lower() == "https:"
        self._opened, self._refused = False, ""
        self._answer = Answer()
        self.handle.setopt(pycurl.HEADERFUNCTION, self._answer.hear_header)
        self._unsent = memoryview(outgoing.body)
        self.handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(settings.DELIVERY_CONNECT_DEADLINE * 1000))
        self.handle.setopt(pycurl.TIMEOUT_MS, int(settings.DELIVERY_DEADLINE * 1000))
        self.handle.setopt(pycurl.FRESH_CONNECT, 0)
        self.handle.setopt(pycurl.URL, outgoing.url.encode())
        # Without the empty Expect, libcurl waits a second for a 100 before it sends a long body.
        lines = [f"{name}: {value}" for name, value in outgoing.headers]
        self.handle.setopt(pycurl.HTTPHEADER, [*lines, "Expect:"])
        self.handle.setopt(pycurl.POSTFIELDSIZE_LARGE, len(outgoing.body))

    def _open(self, purpose: int, address: pycurl.CurlSockAddr) -> _Socket | int:
        """The guard: the address judged here is the one connected to, so no name can be rebound."""
        number = str(address.addr[0])
        if refusal(number, self._allowed) or not (self._secure or allows(number, self._allowed)):
            self._refused = number
            return pycurl.SOCKET_BAD
        self._opened = True
        return _Socket(address.family, address.socktype, address.protocol)

    def _before_sending(self, *ends: Any) -> int:
        self._ends = ends
        self.is_stale = not self._opened and self._kept.has_ended(ends)
        return pycurl.PREREQFUNC_ABORT if self.is_stale else pycurl.PREREQFUNC_OK

    def _read(self, size: int) -> bytes:
        chunk, self._unsent = self._unsent[:size], self._unsent[size:]
        return bytes(chunk)

    def result(self, code: int) -> Result:
        """What this try came to; `code` is libcurl's, 0 for none."""
        answer = self._answer
        if self._opened and self._ends:
            self._kept.remember(self._ends, self.handle.getinfo(pycurl.ACTIVESOCKET))
        return Result(
            token=self.token,
            failure=self._failure(code),
            status_code=answer.status if answer.whole else None,
            duration_ms=round(self.handle.getinfo(pycurl.TOTAL_TIME) * 1000),
            body=bytes(answer.body),
            headers=answer.headers if answer.whole else {},
            address=self.handle.getinfo(pycurl.PRIMARY_IP) or ("" if self._opened else self._refused),
        )

    def _failure(self, code: int) -> Failure | None:
        # With whole headers the status decides: what happens in the body changes nothing.
        if self._answer.whole:
            if 200 <= self._answer.status < 300:
                return None
            return Failure.REDIRECT if self._answer.status < 400 else Failure.HTTP_STATUS
        # Of a connection libcurl says so too: that is HTTP/0.9.
        is_foreign = code == pycurl.E_UNSUPPORTED_PROTOCOL and not self.handle.getinfo(pycurl.PRIMARY_IP)
        if is_foreign or (self._refused and not self._opened):
            return Failure.ADDRESS_REFUSED
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return self._timeout()
        return _FAILURES.get(code, Failure.CONNECTION_RESET)

    def _timeout(self) -> Failure:
        """libcurl has one code for every time-out; how far it came tells which."""
        if not self._opened:
            # No socket but an address: on a kept connection, of which libcurl gives no times.
            return Failure.TIMEOUT if self.handle.getinfo(pycurl.PRIMARY_IP) else Failure.DNS_ERROR
        step = pycurl.APPCONNECT_TIME if self._secure else pycurl.CONNECT_TIME
        return Failure.TIMEOUT if self.handle.getinfo(step) else Failure.CONNECT_TIMEOUT


class Wire:
    """Transfers of one thread, with connections that are kept alive between them."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self.allowed = allowed
        self._process = os.getpid()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, CAPACITY)
        self._sockets = Watch()
        self._kept = Kept(CAPACITY)
        self._timer: float | None = None
        self._under_way: dict[pycurl.Curl, _Exchange] = {}
        self._idle: list[_Exchange] = []

    def fits(self, allowed: Sequence[Network]) -> bool:
        """False after a fork: the sockets are the parent's. And where the rules have changed."""
        return self._process == os.getpid() and self.allowed == allowed

    def start(self, outgoing: Iterable[Outgoing]) -> None:
        """Begin these transfers; `wait` takes them further. At most CAPACITY may be under way."""
        for one in outgoing:
            exchange = self._idle.pop() if self._idle else _Exchange(self.allowed, self._kept)
            exchange.begin(one)
            self._under_way[exchange.handle] = exchange
            self._multi.add_handle(exchange.handle)

    def wait(self, timeout: float, also: int | None = None) -> list[Result]:
        """Work on the transfers until some have ended, or for `timeout` seconds; so too without any.

        Ends too once `also` can be read, a descriptor of somebody else's: that of the database's connection.
        """
        self._sockets.begin(also)
        try:
            return self._work(time.monotonic() + timeout, also)
        finally:
            self._sockets.end(also)

    def _work(self, end: float, also: int | None) -> list[Result]:
        while True:
            now = time.monotonic()
            called = self._act(max(0.0, min(end, self._timer or end) - now), also)
            results = self._ended()
            if results or called or now >= end:
                return results

    def cancel(self, tokens: Iterable[UUID]) -> None:
        """Drop these transfers without a result; the connection of one that is under way is closed."""
        unwanted = set(tokens)
        for exchange in [each for each in self._under_way.values() if each.token in unwanted]:
            self._release(exchange)

    def cancel_all(self) -> None:
        """Drop whatever is under way."""
        self.cancel([exchange.token for exchange in self._under_way.values()])

    def close(self) -> None:
        """Close every connection."""
        self.cancel_all()
        for exchange in self._idle:
            exchange.handle.close()
        self._multi.close()
        self._sockets.close()

    def _act(self, pause: float, also: int | None) -> bool:
        """Whether `also` is ready."""
        ready, called = self._sockets.ready(pause, also)
        for descriptor, seen in ready:
            self._multi.socket_action(descriptor, seen)
        if self._timer is not None and self._timer <= time.monotonic():
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        return called

    def _ended(self) -> list[Result]:
        results = []
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            for handle, code in [(each, 0) for each in done] + [(each, code) for each, code, _ in failed]:
                exchange = self._under_way[handle]
                if exchange.is_stale:
                    self._begin_anew(exchange)
                    continue
                results.append(exchange.result(code))
                self._release(exchange)
        return results

    def _begin_anew(self, exchange: _Exchange) -> None:
        exchange.is_stale = False
        self._multi.remove_handle(exchange.handle)
        exchange.handle.setopt(pycurl.FRESH_CONNECT, 1)
        self._multi.add_handle(exchange.handle)

    def _release(self, exchange: _Exchange) -> None:
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
            found.extend(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
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
    return list(dict.fromkeys(found))
