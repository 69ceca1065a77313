"""Delete trackers: the rows go, with what is personal and what others said of it; the log stays."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts import idempotency
from events.retrying import once_more
from trackers import strays
from trackers.choosing import Chosen, Done, in_batches
from trackers.erasing import told_of
from trackers.models import Watch
from trackers.noting import note
from trackers.updating import stopped
from trackers.watching import close, couriers_by_tracker, locked
from webhooks import erasing

DELETED = "deleted"
# By hand, since what hangs on a tracker is known: the ORM would load the rows to look for more.
_DELETE = (
    "DELETE FROM trackers_rawanswer WHERE watch_id = ANY(%(watches)s)",
    "DELETE FROM trackers_outcomechange WHERE watch_id = ANY(%(watches)s)",
    f"{strays.NOTE} DELETE FROM trackers_watch WHERE id = ANY(%(watches)s)",  # noqa: S608 (constants only)
    "DELETE FROM trackers_personaldata WHERE tracker_id = ANY(%(trackers)s)",
    "DELETE FROM trackers_tracker WHERE id = ANY(%(trackers)s)",
)


def delete(choice: Chosen) -> Done:
    """Delete them, and tell so; a constant number of statements for each batch.

    A poll that is under way finds nothing to record any more. What subscribers are owed stays owed.
    """
    return in_batches(choice, _delete)


def _delete(choice: Chosen) -> int:
    with transaction.atomic():
        trackers = list(choice.trackers.select_for_update(of=("self",)).order_by("id"))
        if not trackers:
            return 0
        erasing.hold(choice.merchant_id)
        watches = locked([one.id for one in trackers])
        close(watches)
        erasing.forget_answers(choice.merchant_id, [one.id for one in trackers])
        for one in trackers:
            one.is_subscribed = False
            one.erased_at = timezone.now()  # what is answered to this last message is not kept either
        facts = [(one, [stopped(one, DELETED)]) for one in trackers]
        note(choice.merchant_id, facts, couriers_by_tracker(watches))
        remove([one.id for one in trackers], watches)
        told = [id_ for one in trackers for id_ in told_of(one)]
        forget = partial(idempotency.erase, choice.merchant_id, told)
        forget()
        transaction.on_commit(partial(once_more, forget))
    return len(trackers)


def remove(tracker_ids: Sequence[UUID], watches: Sequence[Watch]) -> None:
    """Delete the rows of these trackers, all of whose watches these are. The caller holds their locks."""
    values = {"trackers": list(tracker_ids), "watches": [one.id for one in watches]}
    with connection.cursor() as cursor:
        for statement in _DELETE:
            cursor.execute(statement, values)
