"""What of endpoints and deliveries needs a person."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.db import connection

from accounts.alerts import MOST, Alert, Kind
from webhooks.models import Endpoint

#: Exhausted deliveries of one endpoint that are looked at, the newest ones.
LOOKED_AT = 100

# By the index of states: an endpoint that has none costs one look into it.
_EXHAUSTED = """
SELECT e.id, e.url, merchant.name, found.deliveries, found.since
FROM webhooks_endpoint e
JOIN accounts_merchant merchant ON merchant.id = e.merchant_id
CROSS JOIN LATERAL (
    SELECT count(*) AS deliveries, min(ended_at) AS since FROM (
        SELECT greatest(d.started_at, d.given_up_at, d.created_at) AS ended_at FROM webhooks_delivery d
        WHERE d.endpoint_id = e.id AND d.state = 'exhausted'
        ORDER BY d.created_at DESC, d.id DESC LIMIT %(looked_at)s
    ) AS newest WHERE ended_at >= statement_timestamp() - interval '24 hours'
) AS found
WHERE e.deleted_at IS NULL AND found.deliveries > 0
ORDER BY found.since, e.id LIMIT %(most)s
"""


def alerts() -> list[Alert]:
    """Disabled endpoints, then those whose deliveries were given up in the last 24 hours. Two statements."""
    return [*_disabled(), *_exhausted()]


def _disabled() -> Iterator[Alert]:
    found = Endpoint.objects.filter(state=Endpoint.State.DISABLED, deleted_at=None)
    newest = found.order_by("-disabled_at", "id").values_list(
        "id", "url", "merchant__name", "disabled_reason", "disabled_at"
    )
    for id_, url, merchant, reason, at in newest[:MOST]:
        yield Alert(
            kind=Kind.ENDPOINT_DISABLED,
            about=_about(merchant, url),
            detail=_REASONS.get(reason, reason),
            since=at,
            page="webhooks_endpoint_change",
            page_id=str(id_),
        )


def _exhausted() -> Iterator[Alert]:
    values: dict[str, Any] = {"looked_at": LOOKED_AT, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(_EXHAUSTED, values)
        rows = cursor.fetchall()
    for id_, url, merchant, deliveries, since in rows:
        count = f"{deliveries} or more" if deliveries == LOOKED_AT else str(deliveries)
        yield Alert(
            kind=Kind.DELIVERIES_EXHAUSTED,
            about=_about(merchant, url),
            detail=f"{count} given up in the last 24 hours.",
            since=since,
            page="webhooks_endpoint_change",
            page_id=str(id_),
        )


#: What to do about secrets that no key opens.
MEND_SECRETS = (
    "Bring back the key of FIELD_ENCRYPTION_KEYS that opens them, or let its merchant rotate the secret "
    "and set the headers anew; then enable it."
)
#: `webhooks.health.Reason` in a sentence.
_REASONS = {
    "gone": "It answered 410.",
    "failing": "Every try failed for five days.",
    "secret_unreadable": f"Its secret or headers do not decrypt. {MEND_SECRETS}",
}


def _about(merchant: str, url: str) -> str:
    """The host alone: a URL's path may be a secret."""
    return f"{merchant}: {urlsplit(url).hostname or 'no host'}"
