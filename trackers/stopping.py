"""Unsubscribe many trackers at once: nobody asks for them any more, what is known stays readable."""

from dataclasses import replace

from django.db import transaction

from trackers.choosing import Chosen, Done, in_batches
from trackers.models import Tracker
from trackers.noting import note
from trackers.projecting import write_projections
from trackers.updating import UNSUBSCRIBED, stopped
from trackers.watching import couriers_by_tracker, locked, quiet


def stop(choice: Chosen) -> Done:
    """Unsubscribe those that are subscribed; a constant number of statements for each batch.

    A filter means only what is subscribed, so that calling again comes to an end.
    """
    if choice.by_filter:
        choice = replace(choice, trackers=choice.trackers.filter(is_subscribed=True))
    return in_batches(choice, _stop)


def _stop(choice: Chosen) -> int:
    with transaction.atomic():
        subscribed = choice.trackers.filter(is_subscribed=True)
        trackers = list(subscribed.select_for_update(no_key=True, of=("self",)).order_by("id"))
        if not trackers:
            return 0
        watches = locked([one.id for one in trackers])
        quiet(watches)
        for one in trackers:
            one.is_subscribed = False
        facts = [(one, [stopped(one, UNSUBSCRIBED)]) for one in trackers]
        note(choice.merchant_id, facts, couriers_by_tracker(watches))
        write_projections(trackers)
        rows = Tracker.objects.filter(id__in=[one.id for one in trackers])
        rows.update(is_subscribed=False, undetected_at=None)
    return len(trackers)
