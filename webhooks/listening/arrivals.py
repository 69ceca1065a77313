"""Requests as they arrived at the listener, and what it remembers of those that verified."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from webhooks.listening.keys import Key

#: Messages that are remembered.
REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """A POST with its whole body. `at` is when that had come, by this machine's clock."""

    at: datetime
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """What every header of this name (lower case) holds, in their order."""
        return [value for given, value in self.headers if given.lower() == name]


class Past:
    """Which keys have verified something, and which body each message had.

    It tells a body that was changed from a wrong secret.
    """

    def __init__(self) -> None:
        self._keys: set[Key] = set()
        self._bodies: OrderedDict[str, bytes] = OrderedDict()

    def remember(self, arrival: Arrival, keys: Iterable[Key]) -> None:
        """This message verified, with these keys."""
        self._keys.update(keys)
        for message_id in arrival.values("webhook-id"):
            self._bodies[message_id] = hashlib.sha256(arrival.body).digest()
            if len(self._bodies) > REMEMBERED:
                self._bodies.popitem(last=False)

    def has_verified(self, key: Key) -> bool:
        return key in self._keys

    def knows_another_body(self, arrival: Arrival) -> bool:
        """Whether a message of this id verified with other bytes."""
        digest = hashlib.sha256(arrival.body).digest()
        return any(self._bodies.get(each, digest) != digest for each in arrival.values("webhook-id"))
