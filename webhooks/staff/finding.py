"""Endpoints by what staff type: host, id, or their merchant's name or id."""

from django.db.models import QuerySet

from accounts import finding
from accounts.lists import as_id
from webhooks import hosts
from webhooks.models import Endpoint

#: Merchants whose name a search may fit.
MERCHANTS = 20


def found(rows: QuerySet[Endpoint], term: str) -> QuerySet[Endpoint]:
    """Those of `rows` that a search for this, which is not empty, finds; four statements at most.

    Of a merchant's those that are not deleted. Of what fits more than one way the first counts, in the order
    above.
    """
    if (id_ := as_id(term)) is not None and (one := rows.filter(id=id_)).exists():
        return one
    if (host := _typed(term)) and (there := _at(rows, host)).exists():
        return there
    merchants = list(finding.merchants(term).values_list("id", flat=True)[:MERCHANTS])
    return rows.filter(merchant_id__in=merchants, deleted_at=None).order_by("-id")


def _typed(term: str) -> str:
    try:
        return hosts.typed(term)
    except ValueError:
        return ""


def _at(rows: QuerySet[Endpoint], host: str) -> QuerySet[Endpoint]:
    return rows.alias(backwards=hosts.backwards("url")).filter(backwards__startswith=host).order_by("-id")
