"""What is known of parcels, read for an answer: tracker, state and personal data in one statement.

SQL by hand: this is what merchants' programs ask most, and building the query took longer than running it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from accounts.asking import Row, ask
from accounts.authentication import Beside
from accounts.errors import not_found
from trackers.reading import SearchBy, storable, uuid_of
from trackers.storing import from_store

#: Trackers of one number that are shown; the newest.
MOST_OF_A_NUMBER = 100


class Followed(NamedTuple):
    """What results show of a tracker. A model's instance would take as long to make as the answer."""

    id: str
    created_at: datetime
    tracking_number: str
    courier_codes: list[str]
    shipment_reference: str | None
    client_tracker_id: str | None
    origin_country_code: str | None
    destination_country_code: str | None
    is_subscribed: bool
    stop_reason: str | None
    version: int
    milestone: str
    status_code: str | None
    state: Any

    @property
    def is_tracked(self) -> bool:
        """As the tracker's own."""
        return self.is_subscribed and self.stop_reason is None


class Personal(NamedTuple):
    """What results show of personal data."""

    given_recipient: Any
    recipient: Any
    signed_by: str | None


_COLUMNS = ", ".join(f"tracker.{one}" for one in Followed._fields)
_MARKED = "SELECT json_build_array(tracker.id, tracker.version, personal.revision)"
_WHOLE = f"""
SELECT json_build_array(
    json_build_array({_COLUMNS}), personal.revision,
    json_build_array(personal.given_recipient, personal.recipient, personal.signed_by))
"""
_FROM = """
FROM trackers_tracker AS tracker
LEFT JOIN trackers_personaldata AS personal ON personal.tracker_id = tracker.id
WHERE tracker.merchant_id =
"""
_BY_ID = "tracker.id = $2"
_BY_CLIENT_ID = """
tracker.client_tracker_id = $2
ORDER BY tracker.is_subscribed DESC, tracker.created_at DESC, tracker.id DESC LIMIT 1
"""
_BY_NUMBER = f"""
tracker.tracking_number = $2
ORDER BY tracker.created_at DESC, tracker.id DESC LIMIT {MOST_OF_A_NUMBER}
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One tracker with its state, and what is personal about it; `mark` changes whenever either does."""

    tracker: Followed
    personal: Personal
    mark: str


@dataclass(frozen=True, slots=True)
class Question:
    """Which trackers are asked about."""

    condition: str
    value: str

    def marks(self, merchant_id: UUID) -> list[str]:
        """The marks of the merchant's, without reading them; one statement."""
        return [mark(found) for found in self._asked(_MARKED, merchant_id)]

    def results(self, merchant_id: UUID) -> list[Result]:
        """The merchant's; one statement."""
        return [result(found) for found in self._asked(_WHOLE, merchant_id)]

    def beside_key(self, *, marked: bool) -> Beside:
        """The same about one tracker of whoever shows a key: what `mark` or `result` reads."""
        selected = _MARKED if marked else _WHOLE
        return Beside(f"{selected} {_FROM} key.merchant_id AND {self.condition}", self.value)

    def _asked(self, selected: str, merchant_id: UUID) -> list[Row]:
        rows = ask(f"{selected} {_FROM} $1 AND {self.condition}", str(merchant_id), self.value)
        return [found for (found,) in rows]


def about_one(given: str, by: SearchBy) -> Question:
    """The tracker of this id; by `clientTrackerId` as in `reading.tracker_of`. Raises ApiError 404."""
    if by is SearchBy.CLIENT_TRACKER_ID:
        if storable(given):
            return Question(_BY_CLIENT_ID, given)
    elif id_ := uuid_of(given):
        return Question(_BY_ID, str(id_))
    raise unknown()


def about_number(number: str) -> Question:
    """All trackers of this number, newest first."""
    return Question(_BY_NUMBER, number.replace("\x00", "\ufffd"))


def unknown() -> Exception:
    """404, also for another merchant's."""
    return not_found("tracker_not_found", "Tracker not found.")


def mark(found: Row) -> str:
    """The mark of a tracker that was found without its state.

    Its first personal data are revision 0, which must not read like none.
    """
    tracker_id, version, revision = found
    return f"{tracker_id}-{version}-{'' if revision is None else revision}"


def result(found: Row) -> Result:
    """A tracker that was found whole."""
    (id_, created_at, *rest, stored), revision, personal = found
    values = [id_, datetime.fromisoformat(created_at), *rest, from_store(stored)]
    tracker = Followed(*values)
    return Result(tracker, Personal(*personal), mark([id_, tracker.version, revision]))
