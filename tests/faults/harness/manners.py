"""What each behaviour of a subscriber is: pure, and the same for a seed, an endpoint, a message and a try."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

#: Seconds that a slow subscriber takes, and for which one that hangs says nothing: longer than any deadline.
SLOW, HANG = 0.3, 12.0
#: Messages that one takes before it is gone for good.
BEFORE_GONE = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one try."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Seconds until it is given.
    after: float = 0.0
    #: Whether half of its head is written, and the connection reset: that is no success, whatever it said.
    torn: bool = False


def chance(seed: int, endpoint: int, message: str) -> int:
    """A number from 0 to 11, which decides about this message here."""
    return hashlib.sha256(f"{seed} {endpoint} {message}".encode()).digest()[0] % 12


def answer(behaviour: str, by: int, nth: int, heard: int, elsewhere: str) -> Answer:
    """The answer to the `nth` try of a message, counted from 1; the endpoint has `heard` requests by now.

    `by`: its `chance`. `elsewhere`: where one that redirects points to.
    """
    ill = {
        "slow": (True, Answer(after=SLOW)),
        "refusing": (nth <= by % 3, Answer(503)),
        "throttling": (nth <= by % 2, Answer(429, {"Retry-After": str(1 + by % 3)})),
        "resetting": (nth == 1 and by % 3 == 0, Answer(torn=True)),
        "hanging": (nth == 1 and by % 4 == 0, Answer(after=HANG, torn=True)),
        "gone": (heard > BEFORE_GONE, Answer(410)),
        "redirecting": (True, Answer(307, {"Location": elsewhere})),
    }
    is_so, how = ill.get(behaviour, (False, Answer()))
    return how if is_so else Answer()
