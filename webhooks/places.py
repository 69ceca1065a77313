"""Where a page of deliveries ends: they are listed by age, in the order of an endpoint's index."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from webhooks.models import Delivery

_WRITTEN = re.compile(r"(\d{1,17})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """A delivery's place in its endpoint's list."""

    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        """As the API's cursors have it."""
        return f"{(self.created_at - _EPOCH) // _TICK}-{self.id}"

    @classmethod
    def of(cls, delivery: Delivery) -> "Place":
        return cls(delivery.created_at, delivery.id)

    @classmethod
    def read(cls, text: str) -> "Place":
        """Raises ValueError for what is no cursor."""
        found = _WRITTEN.fullmatch(text)
        if not found:
            raise ValueError(text)
        return cls(_EPOCH + int(found[1]) * _TICK, UUID(found[2]))
