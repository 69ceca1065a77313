"""What is kept of a subscriber's answer: its beginning, without the secrets that were sent to it. Pure."""

from webhooks.answers import BODY_KEPT, HEADER_KEPT
from webhooks.exchanges import Result
from webhooks.hiding import Secrets
from webhooks.models import Endpoint


def excerpt(result: Result, endpoint: Endpoint) -> tuple[str, dict[str, str]]:
    """Body and headers of this endpoint's answer, as text that PostgreSQL takes.

    Where there was no answer the endpoint's secrets are not asked for.
    """
    if not result.body and not result.headers:
        return "", {}
    secrets = endpoint.secrets
    body = secrets.hide(result.body)[:BODY_KEPT].decode(errors="replace")
    headers = {_cut(name, secrets): _cut(value, secrets) for name, value in result.headers.items()}
    return _storable(body), headers


def _cut(text: str, secrets: Secrets) -> str:
    return _storable(secrets.hide(text.encode("latin-1"))[:HEADER_KEPT].decode("latin-1"))


def _storable(text: str) -> str:
    """PostgreSQL's text holds no NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
