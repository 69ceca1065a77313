"""Carrier accounts by what staff type: courier, id, or their merchant's name or id."""

from django.db.models import Q, QuerySet

from accounts import finding
from accounts.lists import as_id
from carriers.models import CarrierAccount

#: Merchants whose name a search may fit.
MERCHANTS = 20


def found(rows: QuerySet[CarrierAccount], term: str) -> QuerySet[CarrierAccount]:
    """Those of `rows` that a search for this, which is not empty, finds; two statements."""
    merchants = list(finding.merchants(term).values_list("id", flat=True)[:MERCHANTS])
    return rows.filter(Q(courier=term.lower()) | Q(merchant_id__in=merchants) | Q(id=as_id(term)))
