"""The worst that a subscriber can answer, by name, and what an attempt's row says of it."""

import gzip
from dataclasses import dataclass

from tests import subscribers
from tests.subscribers import Answer, drip, flood, raw, reset_after
from webhooks.answers import BODY_KEPT

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nx-early: 1\r\n\r\n"
BOMB = gzip.compress(bytes(10_000_000))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PASSWORD = "correct-horse-battery-staple"
RESET = "connection_reset"


@dataclass(frozen=True)
class Hostile:
    """An answer, and what the attempt's row says of it; `ends_by_time`: once the deadline is over."""

    answer: Answer
    error: str = RESET
    code: int | None = None
    body: str = ""
    ends_by_time: bool = False


def arrives(answer: Answer, body: str = "", *, ends_by_time: bool = False, code: int = 200) -> Hostile:
    """It is a 2xx nevertheless."""
    return Hostile(answer, "", code, body, ends_by_time)


def refuses(code: int, head: bytes = b"", body: bytes = b"no") -> Hostile:
    start = b"HTTP/1.1 %03d No\r\n" % code
    answer = raw(start + head + b"content-length: %d\r\n\r\n" % len(body) + body)
    return Hostile(answer, "redirect" if 300 <= code < 400 else "http_status", code, body.decode())


def kept(body: bytes) -> str:
    """What is kept of an answer's body."""
    return body[:BODY_KEPT].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


ANSWERS = {
    "hangs": Hostile(subscribers.hang, "timeout", ends_by_time=True),
    "drips headers": Hostile(drip(OK + b"x-slow: "), "timeout", ends_by_time=True),
    "drips a status line": Hostile(drip(b"HTTP/1.1 200 O"), "timeout", ends_by_time=True),
    "drips a body": arrives(drip(OK + b"\r\n", every=60), ends_by_time=True),
    "promises a body and hangs": arrives(
        drip(OK + b"content-length: 9\r\n\r\n", every=60), ends_by_time=True
    ),
    "drips after a 500": Hostile(drip(b"HTTP/1.1 500 No\r\n\r\n", 60), "http_status", 500, ends_by_time=True),
    "endless body": arrives(flood(OK + b"\r\n", b"x" * 100), "x" * BODY_KEPT),
    "endless chunks": arrives(flood(CHUNKED, b"2\r\nxx\r\n"), "x" * BODY_KEPT),
    "endless chunk extension": arrives(flood(CHUNKED + b"2;", b"x" * 100), ends_by_time=True),
    "endless trailers": arrives(flood(CHUNKED + b"0\r\n", b"x-more: 1\r\n")),
    "endless headers": Hostile(flood(OK, b"x-more: 1\r\n")),
    "endless header line": Hostile(flood(OK + b"x-more: ", b"x" * 100)),
    "endless status line": Hostile(flood(b"HTTP/1.1 200 O", b"K" * 100)),
    "endless early answers": Hostile(flood(b"", EARLY)),
    "fifty early answers": arrives(raw(EARLY * 50 + OK + b"\r\n")),
    "an early answer and no other": Hostile(raw(EARLY)),
    "an early answer, then it hangs": Hostile(drip(EARLY, every=60), "timeout", ends_by_time=True),
    "continue, then a 200": arrives(
        raw(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 0\r\n\r\n")
    ),
    "continue and no other": Hostile(raw(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "ten megabytes": arrives(
        raw(OK + b"content-length: 10000000\r\n\r\n" + bytes(10_000_000)), kept(bytes(10_000_000))
    ),
    "gzip bomb": arrives(
        raw(OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB) + BOMB), kept(BOMB)
    ),
    "gzip that is none": arrives(raw(OK + b"content-encoding: gzip\r\n\r\nno gzip"), "no gzip"),
    "redirect to the metadata address": refuses(301, b"location: http://169.254.169.254/latest/\r\n"),
    "redirect to a file": refuses(302, b"location: file:///etc/passwd\r\n"),
    "redirect that keeps the method": refuses(307, b"location: /elsewhere\r\n"),
    "refresh to the metadata address": arrives(raw(OK + b"refresh: 0; url=http://169.254.169.254/\r\n\r\n")),
    "not modified": refuses(304, body=b""),
    "asks for credentials": refuses(401, b"www-authenticate: NTLM\r\nwww-authenticate: Negotiate\r\n"),
    "asks for a proxy's credentials": refuses(407, b"proxy-authenticate: Basic realm=x\r\n"),
    "request timeout": refuses(408),
    "expectation failed": refuses(417),
    "misdirected": refuses(421),
    "status 600": refuses(600),
    "status 999": refuses(999),
    "status 099": Hostile(raw(b"HTTP/1.1 099 Odd\r\ncontent-length: 0\r\n\r\n")),
    "status 000": Hostile(raw(b"HTTP/1.1 000 Odd\r\ncontent-length: 0\r\n\r\n")),
    "status of four digits": Hostile(raw(b"HTTP/1.1 2000 OK\r\n\r\n")),
    "status of two digits": Hostile(raw(b"HTTP/1.1 20 OK\r\n\r\n")),
    "negative status": Hostile(raw(b"HTTP/1.1 -200 OK\r\n\r\n")),
    "status with letters": Hostile(raw(b"HTTP/1.1 2OO OK\r\n\r\n")),
    "status in other digits": Hostile(raw(b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n")),
    "status without a reason": arrives(raw(b"HTTP/1.1 204\r\n\r\n"), code=204),
    "protocols switched": Hostile(raw(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n")),
    "half a status line": Hostile(raw(b"HTTP/1.1 2")),
    "half the headers": Hostile(raw(OK + b"x-half: 1\r\n")),
    "HTTP/0.9": Hostile(raw(b"hello\r\n")),
    "HTTP/2": Hostile(raw(b"HTTP/2 200 OK\r\n\r\n")),
    "an HTTP/2 frame": Hostile(raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00")),
    "a radio station": Hostile(raw(b"ICY 200 OK\r\n\r\n")),
    "a mail server": Hostile(raw(b"220 mail.example ESMTP\r\n")),
    "an empty line first": Hostile(raw(b"\r\n\r\n" + OK + b"\r\n")),
    "reset before a byte": Hostile(reset_after(b"")),
    "reset in the status line": Hostile(reset_after(b"HTTP/1.1 2")),
    "reset in the headers": Hostile(subscribers.reset),
    "reset in the body": arrives(reset_after(OK + b"content-length: 9\r\n\r\nhal"), "hal"),
    "closes without a word": Hostile(subscribers.close),
    "closes in the body": arrives(raw(OK + b"content-length: 9\r\n\r\nhal"), "hal"),
    "NUL in the headers": Hostile(raw(OK + b"x-nul: a\x00b\r\n\r\n")),
    "NUL in the status line": Hostile(raw(b"HTTP/1.1 200 O\x00K\r\n\r\n")),
    "NUL and invalid UTF-8 in the body": arrives(
        raw(OK + b"\r\n\xff\x00\xfea\xf0\x9f\x93"), kept(b"\xff\x00\xfea\xf0\x9f\x93")
    ),
    "invalid UTF-8 in the headers": arrives(raw(OK + b"x-odd: \xff\xfe\x80\r\n\r\n")),
    "a header line without a colon": Hostile(raw(OK + b"nonsense\r\n\r\n")),
    "a header without a name": arrives(raw(OK + b": nameless\r\n\r\n")),
    "a header in two lines": arrives(raw(OK + b"x-folded: a\r\n\tb\r\n\r\n")),
    "lines without carriage returns": arrives(raw(b"HTTP/1.1 200 OK\nx: y\n\n")),
    "negative length": Hostile(raw(OK + b"content-length: -1\r\n\r\n")),
    "length that is no number": Hostile(raw(OK + b"content-length: many\r\n\r\n")),
    "length beyond every number": arrives(raw(OK + b"content-length: %s\r\n\r\nx" % (b"9" * 30)), "x"),
    "two lengths": Hostile(raw(OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!")),
    "the same length twice": arrives(raw(OK + b"content-length: 2\r\ncontent-length: 2\r\n\r\nok"), "ok"),
    "a carriage return in a header": Hostile(raw(OK + b"x-odd: a\rset-cookie: b=c\r\n\r\n")),
    "cookies": arrives(raw(OK + b"set-cookie: a=b; path=/\r\ncontent-length: 0\r\n\r\n")),
    "chunk beyond every number": arrives(raw(CHUNKED + b"FFFFFFFFFFFFFFFFFF\r\nx")),
    "chunk of no size": arrives(raw(CHUNKED + b"nonsense\r\n")),
    "unknown transfer encoding": Hostile(raw(OK + b"transfer-encoding: nonsense\r\n\r\nx")),
    "a status line as a header": arrives(raw(OK + b"HTTP/1.1 99999999999 x: y\r\n\r\n")),
    "a failure as a header": arrives(raw(OK + b"HTTP/1.1 500 x: y\r\n\r\n")),
    "a success as a header": Hostile(
        raw(b"HTTP/1.1 500 No\r\nHTTP/1.1 200 x: y\r\n\r\n"), "http_status", 500
    ),
    "a status of other digits as a header": arrives(raw(OK + b"HTTP/1.1 \xb2 x: y\r\n\r\n")),
    "a status of many digits as a header": arrives(raw(OK + b"HTTP/1.1 " + b"9" * 5_000 + b" x: y\r\n\r\n")),
    "a failure as a trailer": arrives(raw(CHUNKED + b"0\r\nHTTP/1.1 500 x: y\r\n\r\n")),
    "two answers": arrives(raw(OK + b"content-length: 0\r\n\r\nHTTP/1.1 500 No\r\n\r\n")),
    "echoes the secrets": refuses(500, body=f"{SECRET} {PASSWORD}".encode()),
}
