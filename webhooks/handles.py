"""One try on one easy handle of libcurl, and the socket that it goes out by, which is judged here."""

import socket
from collections.abc import Sequence
from typing import Any

import certifi
import pycurl
from django.conf import settings

from accounts.addresses import Network, allows, refusal
from webhooks.answers import Answer
from webhooks.connections import Ends, Kept
from webhooks.exchanges import Failure, Outgoing, Result

#: Seconds after which an idle connection is not used again. Many servers close theirs after 5 s, and a
#: request that meets the closing is a failed try.
IDLE_KEPT = 4

#: For sessions of about a thousand hosts.
_PLACES = 40
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


class _Socket(socket.socket):
    """A socket for pycurl, which duplicates the descriptor and leaves the closing of this one to us."""

    def __del__(self) -> None:
        self.close()


class Sessions:
    """TLS sessions of many hosts. libcurl keeps those of 25 hosts in one place, so here are many places."""

    def __init__(self) -> None:
        self._shares = [pycurl.CurlShare() for _ in range(_PLACES)]
        for share in self._shares:
            share.setopt(pycurl.SH_SHARE, pycurl.LOCK_DATA_SSL_SESSION)

    def of(self, url: str) -> pycurl.CurlShare:
        """The place for this URL's host."""
        return self._shares[hash("/".join(url.split("/", 3)[:3])) % _PLACES]


class Exchange:
    """One easy handle, used again and again, and what it has heard of the try it is on.

    Where a kept connection ends without an answer, libcurl sends the request again by itself, unseen. So the
    body, which no message lacks, is handed out by `_read` and never wound back: such a try fails. One that
    had ended before anything was sent costs no try: `is_stale` then, and the transfer begins anew.
    """

    def __init__(self, allowed: Sequence[Network], kept: Kept, sessions: Sessions) -> None:
        self._allowed = allowed
        self._sessions = sessions
        self._share: pycurl.CurlShare | None = None
        self._kept = kept
        self._answer = Answer()
        self._limits = (0.0, 0.0)
        self._is_fresh = False
        self._secure: bool | None = None
        self.handle = curl = pycurl.Curl()
        curl.setopt(pycurl.POST, 1)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
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
        curl.setopt(pycurl.HEADERFUNCTION, self._answer.hear_header)
        curl.setopt(pycurl.WRITEFUNCTION, self._answer.hear_body)

    def begin(self, outgoing: Outgoing, late: float) -> None:
        """Make the handle ready for this try, which began `late` seconds ago."""
        self.token = outgoing.token
        self._late = late
        self._limit(settings.DELIVERY_CONNECT_DEADLINE, settings.DELIVERY_DEADLINE - late)
        self.is_stale = False
        self._ends: Ends | None = None
        self._speak(outgoing.url, secure=outgoing.url[:6].lower() == "https:")
        self._opened, self._refused = False, ""
        self._answer.begin()
        self._unsent = outgoing.body
        self._connect_afresh(wanted=False)
        self.handle.setopt(pycurl.URL, outgoing.url.encode())
        # Without the empty Expect, libcurl waits a second for a 100 before it sends a long body.
        lines = [f"{name}: {value}" for name, value in outgoing.headers]
        lines.append("Expect:")
        self.handle.setopt(pycurl.HTTPHEADER, lines)
        self.handle.setopt(pycurl.POSTFIELDSIZE_LARGE, len(outgoing.body))

    def tell(self, host: str, port: int, addresses: Sequence[str]) -> None:
        """Where this host is: all handles of the multi know it from this try on."""
        numbers = ",".join(f"[{number}]" if ":" in number else number for number in addresses)
        self.handle.setopt(pycurl.RESOLVE, [f"{host}:{port}:{numbers}"])

    def begin_anew(self) -> None:
        """The same try on a connection of its own."""
        self.is_stale, self._ends = False, None
        self._connect_afresh(wanted=True)

    def _limit(self, connect: float, whole: float) -> None:
        if self._limits != (connect, whole):
            self._limits = (connect, whole)
            self.handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(connect * 1000))
            self.handle.setopt(pycurl.TIMEOUT_MS, max(1, int(whole * 1000)))

    def _speak(self, url: str, *, secure: bool) -> None:
        """HTTP/2 where TLS offers it, and then one connection: who comes second waits for the first's."""
        if secure and (share := self._sessions.of(url)) is not self._share:
            if self._share:
                self.handle.unsetopt(pycurl.SHARE)
            self._share = share
            self.handle.setopt(pycurl.SHARE, share)
        if self._secure is not secure:
            self._secure = secure
            version = pycurl.CURL_HTTP_VERSION_2TLS if secure else pycurl.CURL_HTTP_VERSION_1_1
            self.handle.setopt(pycurl.HTTP_VERSION, version)
            self.handle.setopt(pycurl.PIPEWAIT, int(secure))

    def _connect_afresh(self, *, wanted: bool) -> None:
        if self._is_fresh is not wanted:
            self._is_fresh = wanted
            self.handle.setopt(pycurl.FRESH_CONNECT, int(wanted))

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
        return chunk

    def result(self, code: int) -> Result:
        """What this try came to; `code` is libcurl's, 0 for none."""
        answer, ends = self._answer, self._ends
        if self._opened and ends:
            self._kept.remember(ends, self.handle.getinfo(pycurl.ACTIVESOCKET))
        return Result(
            token=self.token,
            failure=self._failure(code),
            status_code=answer.status if answer.whole else None,
            duration_ms=round((self._late + self.handle.getinfo(pycurl.TOTAL_TIME)) * 1000),
            body=bytes(answer.body),
            headers=answer.headers,
            address=ends[0] if ends else self._reached(),
        )

    def _reached(self) -> str:
        return self.handle.getinfo(pycurl.PRIMARY_IP) or ("" if self._opened else self._refused)

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
            # No socket but an address: on a kept connection, of which libcurl gives no times. With neither it
            # waited for the connection of another.
            is_connected = self.handle.getinfo(pycurl.PRIMARY_IP)
            return Failure.TIMEOUT if is_connected else Failure.CONNECT_TIMEOUT
        step = pycurl.APPCONNECT_TIME if self._secure else pycurl.CONNECT_TIME
        return Failure.TIMEOUT if self.handle.getinfo(step) else Failure.CONNECT_TIMEOUT
