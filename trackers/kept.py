"""What is kept of carriers' answers, read as answers are read today."""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef

from carriers.adapter import Adapter, Credentials, Query
from carriers.exceptions import CarrierError
from trackers.models import RawAnswer, Watch
from trackers.rereading import Reread

#: Answers fetched from the database at a time.
_CHUNK = 100
_NO_ACCOUNT = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Kept:
    """A watch with its kept answers, the newest first. `unreadable`: why others could not be read."""

    watch: UUID
    tracker: UUID
    merchant: UUID
    number: str
    since: datetime
    account: UUID | None
    time_zone: str | None
    digest: str | None
    told_at: datetime | None
    answers: list[Reread] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    @property
    def as_of(self) -> tuple[str | None, datetime | None]:
        """How new what was recorded of it was: it changes with each answer that tells something."""
        return self.digest, self.told_at


def following(courier: str, after: UUID | None, most: int) -> list[UUID]:
    """The next watches of a courier of which something is kept, by id."""
    kept = Watch.objects.filter(Exists(RawAnswer.objects.filter(watch=OuterRef("id"))), courier=courier)
    later = kept.filter(id__gt=after) if after else kept
    return list(later.order_by("id").values_list("id", flat=True)[:most])


def read(courier: Adapter, ids: Sequence[UUID]) -> list[Kept]:
    """What is kept of these watches, by merchant; two queries. One that is gone is left out.

    Times are read in the zone of the account that is asked with now.
    """
    found = {one.watch: one for one in _watches(ids)}
    answers = RawAnswer.objects.filter(watch__in=found).order_by("-asked_at", "-id")
    for answer in answers.iterator(_CHUNK):
        one = found[answer.watch_id]
        try:
            part = _part(answer)
            if part is not None:
                snapshot = courier.reread(part, _query(courier, one, answer.asked_at))
                current = answer.digest == one.digest
                one.answers.append(Reread(answer.asked_at, snapshot, current=current))
        except (CarrierError, ValueError, zlib.error) as error:
            one.unreadable.append(str(error))
    for one in found.values():
        # One that came a second time was kept when it came first: what was recorded last is the newest.
        one.answers.sort(key=lambda answer: not answer.current)
    return list(found.values())


def as_of(ids: Sequence[UUID]) -> Mapping[UUID, tuple[str | None, datetime | None]]:
    """How new what is recorded of these watches is."""
    rows = Watch.objects.filter(id__in=ids).values_list("id", "last_digest", "told_at")
    return {id_: (digest, told_at) for id_, digest, told_at in rows}


def _watches(ids: Sequence[UUID]) -> list[Kept]:
    rows = Watch.objects.filter(id__in=ids).annotate(
        number=F("tracker__tracking_number"),
        since=F("tracker__created_at"),
        time_zone=F("carrier_account__time_zone"),
    )
    fields = (
        "id", "tracker_id", "merchant_id", "number", "since", "carrier_account_id", "time_zone",
        "last_digest", "told_at",
    )  # fmt: skip
    return [Kept(*row) for row in rows.order_by("merchant_id", "id").values_list(*fields)]


def _part(answer: RawAnswer) -> Any:
    """What was kept. None for the first bytes of an answer that could not be read: the rest of it is gone."""
    body = zlib.decompress(answer.body)
    return None if hashlib.sha256(body).hexdigest() == answer.digest else json.loads(body)


def _query(courier: Adapter, kept: Kept, asked_at: datetime) -> Query:
    """The question that was asked, without a key: nothing is sent."""
    zone = kept.time_zone or courier.time_zone
    return Query(
        kept.number,
        Credentials(kept.account or _NO_ACCOUNT, courier.default_base_url, "", zone),
        asked_at=asked_at,
        since=kept.since,
        tracker_id=kept.tracker,
    )
