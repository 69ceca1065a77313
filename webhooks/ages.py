"""How old rows are, by their ids: a UUID of version 7 begins with its moment (RFC 9562, 5.7). Pure."""

from datetime import datetime
from uuid import UUID

_VERSION = 7


def age_of(id_: UUID, now: datetime) -> float | None:
    """Seconds from the id's making to now; None: an id of another version, which tells nothing."""
    return now.timestamp() - (id_.int >> 80) / 1000 if id_.version == _VERSION else None


def first_of(moment: datetime) -> UUID:
    """No id that is made at this moment, or later, is smaller."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)
