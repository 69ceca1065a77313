"""What every carrier adapter is: the one file that turns a carrier's wire format into our words."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Protocol
from uuid import UUID

from carriers.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a carrier account gives to one call. `key` is the plain key; it is never shown in a repr."""

    account_id: UUID
    base_url: str
    key: str = field(repr=False)
    time_zone: str


@dataclass(frozen=True, slots=True)
class Query:
    """One question: this number, asked with these credentials, at this moment.

    `since` is when the tracker was created; the sandbox walks its parcels from there.
    """

    number: str
    credentials: Credentials
    asked_at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP GET to send."""

    url: str
    params: dict[str, str] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read whole within the limits. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client(Protocol):
    """The one HTTP client (`carriers.http`), as adapters see it."""

    def get(self, request: Request) -> Answer:
        """Send it. Raises Unreachable or BadResponse."""
        ...


class Adapter(ABC):
    """One carrier. Found by its file name in `carriers/adapters/`, never listed."""

    #: `courierCode` in the API, the file's name as a rule.
    code: ClassVar[str]
    name: ClassVar[str]
    website: ClassVar[str | None] = None
    #: ISO 3166-1 alpha-2 of the carrier's home, where it has one.
    country_code: ClassVar[str | None] = None
    default_base_url: ClassVar[str] = ""
    #: IANA zone of times that come without an offset, unless the account says otherwise.
    time_zone: ClassVar[str] = "UTC"
    #: False for a courier that needs no key.
    needs_account: ClassVar[bool] = True
    #: Numbers that look like this carrier's own: candidates when no courier is given.
    looks_like: ClassVar[re.Pattern[str]]
    #: Numbers that the carrier takes at all; others are refused at creation where it is the only courier.
    takes: ClassVar[re.Pattern[str]] = re.compile(r".{5,50}")
    #: Raised when the map below changes, so that unchanged answers are read again with it.
    map_version: ClassVar[int] = 1
    #: A fixed time between polls, for couriers that cost nothing to ask.
    poll_every: ClassVar[timedelta | None] = None

    @abstractmethod
    def ask(self, query: Query, client: Client) -> Answer:
        """Ask the carrier once. Raises CarrierError."""

    @abstractmethod
    def parse(self, answer: Answer, query: Query) -> Snapshot:
        """Read the answer: pure, and total over hostile bytes. Raises CarrierError, nothing else."""
