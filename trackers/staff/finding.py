"""Trackers by what staff type: number, reference, client id, id, or their merchant's name or id."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from accounts import finding
from accounts.lists import MOST, as_id
from trackers.models import Tracker

#: Merchants whose name a search may fit.
MERCHANTS = 20
NEWEST = ("-created_at", "-id")

# Merchant by merchant, since their own searches have these indexes: others would have to be kept at each news
# of each parcel, for the few searches of staff.
_EXACT = """
SELECT found.id FROM accounts_merchant AS merchant CROSS JOIN LATERAL (
    SELECT id FROM trackers_tracker WHERE merchant_id = merchant.id AND tracking_number = %(term)s
    UNION ALL
    SELECT id FROM trackers_tracker WHERE merchant_id = merchant.id AND client_tracker_id = %(term)s
    UNION ALL
    SELECT id FROM trackers_tracker WHERE merchant_id = merchant.id AND shipment_reference = %(term)s
) AS found LIMIT %(most)s
"""
_NEWEST = """
SELECT newest.id FROM unnest(%s::uuid[]) AS merchant (id) CROSS JOIN LATERAL (
    SELECT id, created_at FROM trackers_tracker WHERE merchant_id = merchant.id
    ORDER BY created_at DESC, id DESC LIMIT %s
) AS newest ORDER BY newest.created_at DESC, newest.id DESC LIMIT %s
"""


def found(rows: QuerySet[Tracker], term: str) -> QuerySet[Tracker]:
    """Those of `rows` that a search for this, which is not empty, finds: whole values, and merchants' names.

    Four statements at most. Of what fits more than one way the first counts, in the order above.
    """
    if ids := exact(term):
        return rows.filter(id__in=ids).order_by("-id")
    merchants = list(finding.merchants(term).values_list("id", flat=True)[:MERCHANTS])
    if len(merchants) == 1:
        return rows.filter(merchant_id=merchants[0]).order_by(*NEWEST)
    if merchants:
        newest = RawSQL(_NEWEST, [merchants, MOST + 1, MOST + 1])  # noqa: S611 - a constant
        return rows.filter(id__in=newest).order_by(*NEWEST)
    return rows.none()


def exact(term: str) -> Sequence[UUID]:
    """The trackers that this is the id, number, reference or client id of: MOST of them; one statement."""
    if (id_ := as_id(term)) is not None and Tracker.objects.filter(id=id_).exists():
        return [id_]
    with connection.cursor() as cursor:
        cursor.execute(_EXACT, {"term": term, "most": MOST + 1})
        return [id_ for (id_,) in cursor.fetchall()]
