"""Remaps that staff asked for: a worker goes on with the first of them, a few batches at a time.

What was recorded stays recorded, and reading an answer again finds nothing new: a worker that dies between
two batches costs one of them, which the next worker reads once more.
"""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from carriers.registry import adapters
from trackers.models import Remap
from trackers.remapping import Remapped, remap
from webhooks.stopping import stop

#: How long a worker has for a batch before another may take the remap over.
LEASE = timedelta(minutes=2)
#: What of the findings is kept between two turns.
_COUNTS = ("trackers", "changed", "answers", "unreadable", "left")


def advance(budget: float) -> bool:
    """Go on with the remap that was asked for first, for so many seconds. False: none is to be gone on with.

    Whoever lost the claim meanwhile stops, and writes nothing more of it.
    """
    claim = uuid4()
    row = _claimed(claim)
    if row is None:
        return False
    mine = Remap.objects.filter(id=row.id, claim_id=claim)
    courier = adapters().get(row.courier)
    if courier is None:
        mine.update(finished_at=Now(), claim_id=None)
        return True
    until = time.monotonic() + budget
    for found in remap(courier, found=_found(row)):
        if not mine.update(claimed_until=Now() + LEASE, **_kept(found)):
            return True
        if stop.is_set() or time.monotonic() > until:
            mine.update(claim_id=None, claimed_until=None)
            return True
    mine.update(finished_at=Now(), claim_id=None, claimed_until=None)
    return True


def _claimed(claim: UUID) -> Remap | None:
    """The unfinished one that nobody is at, with this claim on it."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=Now())
    with transaction.atomic():
        rows = Remap.objects.select_for_update(skip_locked=True).filter(free, finished_at=None)
        row = rows.order_by("asked_at", "id").first()
        if row is not None:
            Remap.objects.filter(id=row.id).update(claim_id=claim, claimed_until=Now() + LEASE)
    return row


def _found(row: Remap) -> Remapped:
    counts = {name: getattr(row, name) for name in _COUNTS}
    return Remapped(last=row.after, known=set(row.known), unknown=set(row.unknown), **counts)


def _kept(found: Remapped) -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in _COUNTS}
    return {"after": found.last, "known": sorted(found.known), "unknown": sorted(found.unknown), **counts}
