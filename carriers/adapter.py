"""What every carrier adapter is: the one file that turns a carrier's wire format into our words."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from carriers import reading
from carriers.exceptions import BadResponse
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

    `since` is when the tracker was created; the sandbox walks its parcels from there. `hints` helps to find
    the parcel: `originCountryCode`, `destinationCountryCode`, `destinationPostCode` and `shippingDate`, those
    that were given. `follow` False asks for what is known and starts nothing at the carrier: for a tracker
    that is stopped, and to try a key.
    """

    number: str
    credentials: Credentials
    asked_at: datetime
    since: datetime
    tracker_id: UUID
    hints: Mapping[str, str] = field(default_factory=dict, repr=False)
    follow: bool = True

    @property
    def ids(self) -> dict[str, object]:
        """What a line of the log about it is found by."""
        return {"tracker_id": self.tracker_id, "carrier_account_id": self.credentials.account_id}


class Method(StrEnum):
    """What adapters ask with."""

    GET = "GET"
    POST = "POST"
    PATCH = "PATCH"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to send. `json` is its body, for POST and PATCH."""

    url: str
    params: dict[str, str] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    method: Method = Method.GET
    json: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read whole within the limits. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client(Protocol):
    """The one HTTP client (`carriers.http`), as adapters see it."""

    def send(self, request: Request) -> Answer:
        """Send it once. Raises Unreachable or BadResponse."""
        ...


@dataclass(frozen=True, slots=True)
class Pushed:
    """What one push tells of one tracker of ours: the carrier's own objects, oldest first.

    `written_at`: when the carrier wrote the last of them; None where it does not say.
    """

    tracker_id: UUID
    parts: Sequence[Mapping[str, Any]] = field(repr=False)
    written_at: datetime | None = None


class Confidence(StrEnum):
    """How sure it is that a number is a carrier's. The surest comes first."""

    #: A check digit of the number is right.
    CHECKSUM = "checksum"
    #: The number has a form that the carrier's own numbers have, and few others.
    FORMAT = "format"
    #: The carrier takes numbers of this form; so do many others.
    GUESS = "guess"


class Adapter(ABC):
    """One carrier. Found by its file name in `carriers/adapters/`, never listed."""

    #: `courierCode` in the API, the file's name as a rule.
    code: ClassVar[str]
    name: ClassVar[str]
    website: ClassVar[str | None] = None
    #: ISO 3166-1 alpha-2 of the carrier's home, where it has one.
    country_code: ClassVar[str | None] = None
    #: Whether it is a country's post; whether it should not be named any more.
    is_post: ClassVar[bool] = False
    is_deprecated: ClassVar[bool] = False
    default_base_url: ClassVar[str] = ""
    #: IANA zone of its home: of its days, and of times that come without an offset unless the account says
    #: otherwise.
    time_zone: ClassVar[str] = "UTC"
    #: False for a courier that needs no key.
    needs_account: ClassVar[bool] = True
    #: Numbers that look like this carrier's own: candidates when no courier is given.
    looks_like: ClassVar[re.Pattern[str]]
    #: How sure such a number is, where `check` does not say more.
    confidence: ClassVar[Confidence] = Confidence.GUESS
    #: `looks_like` in words, for whoever asks why: "HS, then six capitals or digits".
    form: ClassVar[str] = ""
    #: What `check` goes by, in words: "UPU S10".
    check_form: ClassVar[str] = ""
    #: Whether such numbers are nobody else's: then no other courier is a candidate.
    alone: ClassVar[bool] = False
    #: Numbers that the carrier takes at all; others are refused at creation where it is the only courier.
    takes: ClassVar[re.Pattern[str]] = re.compile(r".{5,50}")
    #: Raised when the map below changes, so that unchanged answers are read again with it.
    map_version: ClassVar[int] = 1
    #: A fixed time between polls, for couriers that cost nothing to ask.
    poll_every: ClassVar[timedelta | None] = None
    #: Calls that the carrier takes from one key, and from all keys of this installation together, in one day
    #: at its home (`time_zone`); None: it names no number.
    daily_quota: ClassVar[int | None] = None
    service_quota: ClassVar[int | None] = None
    #: The most calls that one `ask` makes.
    most_calls: ClassVar[int] = 1
    #: Calls a second with one account, unless the account says otherwise; None: nothing is known of a bound.
    pace_limit: ClassVar[float | None] = None
    #: Whether it can be asked about a number that no tracker follows, without starting anything there.
    per_call: ClassVar[bool] = True
    #: Whether it keeps something open for each tracker, which `close` ends.
    closes: ClassVar[bool] = False
    #: Whether it calls us: its accounts have an address for it, `unpacked` and `parse_pushed` read the calls.
    pushes: ClassVar[bool] = False

    @staticmethod
    def check(number: str) -> bool:  # noqa: ARG004 (a carrier's own looks at it)
        """Whether the number has a check digit, and it is right. Pure; carriers without one leave it out."""
        return False

    @abstractmethod
    def ask(self, query: Query, client: Client) -> Answer:
        """Ask the carrier once. Raises CarrierError."""

    @abstractmethod
    def parse(self, answer: Answer, query: Query) -> Snapshot:
        """Read the answer: pure, and total over hostile bytes. Raises CarrierError, nothing else."""

    def answer_of(self, part: object, query: Query) -> Answer:
        """The answer that `parse` reads as it read the one whose `Snapshot.part` this is. Pure.

        Of a carrier whose answers hold one number and nothing around it, the part is the answer.
        """
        return Answer(200, {}, json.dumps(part).encode())

    def reread(self, part: object, query: Query) -> Snapshot:
        """Read again what was kept of an answer, or of a push: that is a list. Pure, and total as `parse` is.

        Raises CarrierError, nothing else.
        """
        if not isinstance(part, list):
            return self.parse(self.answer_of(part, query), query)
        told = reading.document(json.dumps({"parts": part}).encode())["parts"]
        parts = [one for one in told if isinstance(one, dict)]
        if not parts:
            raise BadResponse("Nothing of the push was kept")
        return self.parse_pushed(Pushed(query.tracker_id, parts), query)

    def close(self, tracker_id: UUID, credentials: Credentials, client: Client) -> None:  # noqa: B027
        """End what the carrier keeps open for this tracker, if it does, by one call. Raises CarrierError.

        Called where `closes` is true.
        """

    def unpacked(self, body: bytes) -> list[Pushed]:
        """What a push tells, by tracker; what speaks of none of ours by its form is left out. Pure.

        Raises BadResponse for a body that is not the carrier's format. Called where `pushes` is true.
        """
        raise BadResponse("This carrier sends no pushes")

    def parse_pushed(self, pushed: Pushed, query: Query) -> Snapshot:
        """Read it as a partial snapshot: pure, and total as `parse` is. Raises CarrierError, nothing else."""
        raise BadResponse("This carrier sends no pushes")
