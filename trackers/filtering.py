"""Which of a merchant's trackers are meant: one vocabulary for the list, the export, stops and deletes."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import OperationalError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from rest_framework import serializers

from accounts.errors import ApiError
from carriers.registry import adapters
from events.statuses import Milestone
from trackers.models import Tracker, Watch
from webhooks.serializers import Strict

#: What `text` is looked for in.
_SEARCHED = ("tracking_number", "shipment_reference", "client_tracker_id", "title", "order_number")
#: SQLSTATE of a statement that ran into `statement_timeout`.
_QUERY_CANCELED = "57014"


class Words(serializers.Field[list[str], Any, list[str], Any]):
    """Known words, separated by commas, or a list of them."""

    def __init__(self, *, known: Callable[[], Iterable[str]], **options: Any) -> None:
        super().__init__(required=False, **options)
        self.known = known

    def to_internal_value(self, data: Any) -> list[str]:
        words = [word.strip() for word in data.split(",")] if isinstance(data, str) else data
        if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
            raise serializers.ValidationError("expected words, separated by commas")
        known = list(self.known())
        if unknown := sorted(set(words) - set(known)):
            named = ", ".join(map(ascii, unknown))[:200]
            raise serializers.ValidationError(f"unknown {named}; known are {', '.join(known)}")
        return list(dict.fromkeys(words))

    def to_representation(self, value: list[str]) -> list[str]:
        return value


class YesOrNo(serializers.Field[bool, Any, bool, Any]):
    """true or false, as JSON or as the word in a query."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool) and data not in ("true", "false"):
            raise serializers.ValidationError("expected true or false")
        return data is True or data == "true"

    def to_representation(self, value: bool) -> bool:  # noqa: FBT001 (Django REST framework's signature)
        return value


class Instant(serializers.DateTimeField):
    """A moment in ISO 8601; without an offset it is UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            raise serializers.ValidationError("expected a date-time in ISO 8601")
        # In a query the + of an offset arrives as a space where the caller did not write it as %2B.
        return super().to_internal_value(value[:10] + value[10:].replace(" ", "+"))


class TrackerFilter(Strict):
    """The filters. What is left out does not narrow; names it does not know are refused."""

    status = Words(known=lambda: Milestone)
    courierCode = Words(known=adapters)
    #: Inclusive; `createdTo` is not.
    createdFrom = Instant(required=False)
    createdTo = Instant(required=False)
    updatedSince = Instant(required=False)
    isSubscribed = YesOrNo(required=False)
    text = serializers.CharField(required=False, min_length=1, max_length=255)

    @staticmethod
    def apply(trackers: QuerySet[Tracker], valid: Mapping[str, Any]) -> QuerySet[Tracker]:
        """Those of `trackers` that every given filter takes. The caller has narrowed them to one merchant."""
        for name, value in valid.items():
            if name in _CONDITIONS:
                trackers = trackers.filter(_CONDITIONS[name](value))
        return trackers


class ExportQuery(TrackerFilter):
    """The query of the export: which trackers, and whether the log follows."""

    events = YesOrNo(default=True)


def told_once(query: QueryDict) -> dict[str, str]:
    """The query's parameters. Raises ValidationError where one is repeated: which is meant is unclear."""
    if repeated := [name for name, values in query.lists() if len(values) > 1]:
        raise serializers.ValidationError({name: ["given more than once"] for name in sorted(repeated)})
    return {name: str(values[-1]) for name, values in query.lists()}


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    """Around statements that filter.

    Raises ApiError 400 `validation_error` where there is too much to look through: `text` is compared with
    every tracker that the other filters leave, and PostgreSQL gives up after `statement_timeout`.
    """
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _QUERY_CANCELED:
            raise
        message = (
            "text: too many trackers to look through in time; narrow it by status, createdFrom or others."
        )
        raise ApiError(400, "validation_error", message) from error


def _watched_at(couriers: list[str]) -> Q:
    return Q(Exists(Watch.objects.filter(tracker=OuterRef("pk"), courier__in=couriers)))


def _changed_since(moment: datetime) -> Q:
    """A tracker is news when it is made, and whenever its log grows: a scan, a stop, a changed wish."""
    return Q(updated_at__gte=moment) | Q(created_at__gte=moment)


def _containing(text: str) -> Q:
    found = Q()
    for column in _SEARCHED:
        found |= Q(**{f"{column}__icontains": text})
    return found


_CONDITIONS: dict[str, Callable[[Any], Q]] = {
    "status": lambda milestones: Q(milestone__in=milestones),
    "courierCode": _watched_at,
    "createdFrom": lambda moment: Q(created_at__gte=moment),
    "createdTo": lambda moment: Q(created_at__lt=moment),
    "updatedSince": _changed_since,
    "isSubscribed": lambda wanted: Q(is_subscribed=wanted),
    "text": _containing,
}
