"""The list of a merchant's trackers: by page, or by a cursor that goes on where the last answer ended."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers

from trackers.filtering import TrackerFilter, in_time
from trackers.models import Tracker

#: How far the total is counted; beyond that it is told as `10000+`.
COUNTED = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list: it is ordered by creation, and by id where two were made at once."""

    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        """The cursor, opaque to callers: microseconds since 1970 and the id."""
        micros = (self.created_at - _EPOCH) // _MICROSECOND
        return base64.urlsafe_b64encode(micros.to_bytes(8) + self.id.bytes).decode()

    @classmethod
    def read(cls, cursor: str) -> "Place":
        """The place that a cursor names. Raises ValueError where it is none."""
        try:
            packed = base64.b64decode(cursor, altchars=b"-_", validate=True)
            micros, id_ = int.from_bytes(packed[:8]), packed[8:]
            return cls(_EPOCH + micros * _MICROSECOND, UUID(bytes=id_))
        except (binascii.Error, OverflowError) as error:
            raise ValueError("not a cursor") from error

    def rest(self, trackers: QuerySet[Tracker], *, newest_first: bool = False) -> QuerySet[Tracker]:
        """Those that come after this place. The plain comparison is what the index serves."""
        if newest_first:
            return trackers.filter(created_at__lte=self.created_at).exclude(
                created_at=self.created_at, id__gte=self.id
            )
        return trackers.filter(created_at__gte=self.created_at).exclude(
            created_at=self.created_at, id__lte=self.id
        )


class Cursor(serializers.Field[Place, Any, str, Any]):
    """The cursor of a `Link`."""

    def to_internal_value(self, data: Any) -> Place:
        try:
            return Place.read(data)
        except ValueError:
            raise serializers.ValidationError("expected a cursor that this list gave") from None

    def to_representation(self, value: Place) -> str:
        return str(value)


class ListQuery(TrackerFilter):
    """The query of the list: Ship24's `page`, `limit` and `sort`, the filters, and the cursor of a link."""

    page = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    sort = serializers.ChoiceField(choices=["1", "-1"], default="1")
    after = Cursor(required=False)

    def validate(self, valid: dict[str, Any]) -> dict[str, Any]:
        if "page" in valid and "after" in valid:
            raise serializers.ValidationError({"after": ["send either page or after"]})
        return valid


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list. `following` is where the next one begins; None: this is the last."""

    trackers: list[Tracker]
    total: str
    following: Place | None


def page(merchant_id: UUID, valid: Mapping[str, Any]) -> Page:
    """A page by a valid ListQuery; three statements, none of which reads `state`. Raises ApiError 400."""
    wanted = TrackerFilter.apply(Tracker.objects.filter(merchant_id=merchant_id), valid)
    limit, newest_first = valid["limit"], valid["sort"] == "-1"
    rows = wanted.order_by(*(("-created_at", "-id") if newest_first else ("created_at", "id")))
    first = 0
    if "after" in valid:
        rows = valid["after"].rest(rows, newest_first=newest_first)
    else:
        first = (valid.get("page", 1) - 1) * limit
    with in_time():
        found = list(rows.defer("state").prefetch_related("watches")[first : first + limit + 1])
        total = _total(wanted)
    more = len(found) > limit
    last = found[limit - 1] if more else None
    return Page(found[:limit], total, Place(last.created_at, last.id) if last else None)


def _total(wanted: QuerySet[Tracker]) -> str:
    """How many there are, as far as it is counted."""
    count = wanted.order_by().values("id")[: COUNTED + 1].count()
    return str(count) if count <= COUNTED else f"{COUNTED}+"
