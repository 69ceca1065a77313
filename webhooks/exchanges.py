"""One HTTP try in our words: what is sent, what came of it, and the closed list of how it can fail."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class Failure(StrEnum):
    """Why an attempt was no success."""

    #: The name does not resolve, or did not in time.
    DNS_ERROR = "dns_error"
    #: The name leads only to addresses that may not be called.
    ADDRESS_REFUSED = "address_refused"
    #: No connection in time, its TLS handshake included.
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECTION_REFUSED = "connection_refused"
    #: Closed, reset, or talking something else than HTTP before the headers were whole.
    CONNECTION_RESET = "connection_reset"
    TLS_ERROR = "tls_error"
    #: Connected, but no whole headers before the deadline.
    TIMEOUT = "timeout"
    #: A 3xx; redirects are not followed.
    REDIRECT = "redirect"
    #: Any other status that is not 2xx.
    HTTP_STATUS = "http_status"
    #: The sender died in mid-try; the outcome is unknown.
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One POST to send. `token` comes back with its result; the headers may be secret."""

    token: UUID
    url: str
    headers: Sequence[tuple[str, str]] = field(repr=False)
    body: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """How a try ended. `failure` None is success: a 2xx whose headers were whole in time.

    `address` is the one connected to, or refused; "" when none was reached. Header names are lower case.
    `duration_ms` is None where nobody saw the end. Body and headers are as they came, and longer than what
    is kept of them: not for anybody's eyes before `webhooks.excerpts`.
    """

    token: UUID
    failure: Failure | None
    status_code: int | None
    duration_ms: int | None
    body: bytes
    headers: dict[str, str]
    address: str


def abandoned(token: UUID) -> Result:
    """Of a try that was cut off: nobody knows what came of it."""
    return Result(token, Failure.ABANDONED, None, None, b"", {}, "")
