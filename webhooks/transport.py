"""HTTP out to subscribers, the only file here that opens the network: pycurl's multi interface on epoll.

libcurl's own wait is select(2), which spins over 1,024 descriptors; so sockets and timers are watched here
(M_SOCKETFUNCTION, M_TIMERFUNCTION, socket_action).
"""

import os
import select
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from uuid import UUID

import certifi
import pycurl
from django.conf import settings

from accounts.addresses import Network, allows, networks, refusal
from webhooks.exchanges import Failure, Outgoing, Result

#: Bytes of an answer's body that are read for the record, and that are kept.
BODY_READ, BODY_KEPT = 64 * 1024, 4 * 1024
#: Header lines that are kept, and characters of each.
HEADERS_KEPT, HEADER_KEPT = 50, 1_000
#: Transfers that one thread has under way at most; well under the usual limit of 1,024 open files.
CAPACITY = 400

_TLS = {
    pycurl.E_SSL_CONNECT_ERROR,
    pycurl.E_PEER_FAILED_VERIFICATION,
    pycurl.E_SSL_CERTPROBLEM,
    pycurl.E_SSL_CIPHER,
    pycurl.E_SSL_CACERT_BADFILE,
    pycurl.E_SSL_ISSUER_ERROR,
    pycurl.E_SSL_INVALIDCERTSTATUS,
}
_FAILURES = {
    pycurl.E_COULDNT_RESOLVE_HOST: Failure.DNS_ERROR,
    pycurl.E_URL_MALFORMAT: Failure.DNS_ERROR,
    pycurl.E_COULDNT_CONNECT: Failure.CONNECTION_REFUSED,
    **dict.fromkeys(_TLS, Failure.TLS_ERROR),
}

# The resolver's threads cannot be cut off, only told to give up by themselves; glibc reads this once.
os.environ.setdefault("RES_OPTIONS", f"timeout:1 attempts:{max(1, int(settings.DELIVERY_DNS_DEADLINE))}")


class _Socket(socket.socket):
    """A socket for pycurl, which duplicates the descriptor and leaves the closing of this one to us."""

    def __del__(self) -> None:
        self.close()


class _Exchange:
    """One easy handle, used again and again, and what it has heard of the try it is on."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
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
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open)
        curl.setopt(pycurl.HEADERFUNCTION, self._heard_header)
        curl.setopt(pycurl.WRITEFUNCTION, self._heard_body)

    def begin(self, outgoing: Outgoing) -> None:
        self.token = outgoing.token
        self._secure = outgoing.url[:6].lower() == "https:"
        self._opened, self._refused = False, ""
        self._status, self._whole = 0, False
        self._headers: dict[str, str] = {}
        self._body, self._read = bytearray(), 0
        self.handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(settings.DELIVERY_CONNECT_DEADLINE * 1000))
        self.handle.setopt(pycurl.TIMEOUT_MS, int(settings.DELIVERY_DEADLINE * 1000))
        self.handle.setopt(pycurl.URL, outgoing.url)
        # Without the empty Expect, libcurl waits a second for a 100 before it sends a long body.
        lines = [f"{name}: {value}" for name, value in outgoing.headers]
        self.handle.setopt(pycurl.HTTPHEADER, [*lines, "Expect:"])
        self.handle.setopt(pycurl.POSTFIELDS, outgoing.body)

    def _open(self, purpose: int, address: pycurl.CurlSockAddr) -> _Socket | int:
        """The guard: the address judged here is the one connected to, so no name can be rebound."""
        number = str(address.addr[0])
        refused = refusal(number, self._allowed) is not None
        if refused or not (self._secure or allows(number, self._allowed)):
            self._refused = number
            return pycurl.SOCKET_BAD
        self._opened = True
        return _Socket(address.family, address.socktype, address.protocol)

    def _heard_header(self, line: bytes) -> None:
        text = line.decode("latin-1").strip()
        if text.startswith("HTTP/"):
            # A 1xx may stand before the answer: every status line begins anew.
            code = text.split(" ", 2)[1:2]
            self._status = int(code[0]) if code and code[0].isdigit() else 0
            self._headers, self._whole = {}, False
        elif not text:
            self._whole = self._status >= 200
        elif len(self._headers) < HEADERS_KEPT and not self._whole:
            name, _, value = text.partition(":")
            self._headers[name[:HEADER_KEPT].lower()] = value.strip()[:HEADER_KEPT]

    def _heard_body(self, chunk: bytes) -> int | None:
        self._read += len(chunk)
        if len(self._body) < BODY_KEPT:
            self._body += chunk[: BODY_KEPT - len(self._body)]
        return 0 if self._read >= BODY_READ else None

    def result(self, code: int) -> Result:
        """What this try came to; `code` is libcurl's, 0 for none."""
        return Result(
            token=self.token,
            failure=self._failure(code),
            status_code=self._status if self._whole else None,
            duration_ms=round(self.handle.getinfo(pycurl.TOTAL_TIME) * 1000),
            body=bytes(self._body),
            headers=self._headers if self._whole else {},
            address=self.handle.getinfo(pycurl.PRIMARY_IP) or ("" if self._opened else self._refused),
        )

    def _failure(self, code: int) -> Failure | None:
        # With whole headers the status decides: what happens in the body changes nothing.
        if self._whole:
            if 200 <= self._status < 300:
                return None
            return Failure.REDIRECT if 300 <= self._status < 400 else Failure.HTTP_STATUS
        if self._refused and not self._opened:
            return Failure.ADDRESS_REFUSED
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return self._timeout()
        return _FAILURES.get(code, Failure.CONNECTION_RESET)

    def _timeout(self) -> Failure:
        """libcurl has one code for every time-out; how far it came tells which."""
        if not self.handle.getinfo(pycurl.NAMELOOKUP_TIME):
            return Failure.DNS_ERROR
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
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._timer: float | None = None
        self._under_way: dict[pycurl.Curl, _Exchange] = {}
        self._idle: list[_Exchange] = []

    def fits(self, allowed: Sequence[Network]) -> bool:
        """False after a fork: the sockets are the parent's. And where the rules have changed."""
        return self._process == os.getpid() and self.allowed == allowed

    def start(self, outgoing: Iterable[Outgoing]) -> None:
        """Begin these transfers; `wait` takes them further. At most CAPACITY may be under way."""
        for one in outgoing:
            exchange = self._idle.pop() if self._idle else _Exchange(self.allowed)
            exchange.begin(one)
            self._under_way[exchange.handle] = exchange
            self._multi.add_handle(exchange.handle)

    def wait(self, timeout: float) -> list[Result]:
        """Work on the transfers until some have ended, or for `timeout` seconds."""
        end = time.monotonic() + timeout
        while self._under_way:
            now = time.monotonic()
            self._act(max(0.0, min(end, self._timer or end) - now))
            results = self._ended()
            if results or now >= end:
                return results
        return []

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
        self._epoll.close()

    def _act(self, pause: float) -> None:
        for descriptor, events in self._epoll.poll(pause, CAPACITY):
            bits = pycurl.CSELECT_IN if events & select.EPOLLIN else 0
            bits |= pycurl.CSELECT_OUT if events & select.EPOLLOUT else 0
            bits |= pycurl.CSELECT_ERR if events & (select.EPOLLERR | select.EPOLLHUP) else 0
            self._multi.socket_action(descriptor, bits)
        if self._timer is not None and self._timer <= time.monotonic():
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _ended(self) -> list[Result]:
        results = []
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            for handle, code in [(each, 0) for each in done] + [(each, code) for each, code, _ in failed]:
                exchange = self._under_way[handle]
                results.append(exchange.result(code))
                self._release(exchange)
        return results

    def _release(self, exchange: _Exchange) -> None:
        del self._under_way[exchange.handle]
        self._multi.remove_handle(exchange.handle)
        self._idle.append(exchange)

    def _watch(self, what: int, descriptor: int, multi: pycurl.CurlMulti, data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            self._watched.discard(descriptor)
            self._epoll.unregister(descriptor)
            return
        events = select.EPOLLIN if what & pycurl.POLL_IN else 0
        events |= select.EPOLLOUT if what & pycurl.POLL_OUT else 0
        if descriptor in self._watched:
            self._epoll.modify(descriptor, events)
        else:
            self._watched.add(descriptor)
            self._epoll.register(descriptor, events)

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
