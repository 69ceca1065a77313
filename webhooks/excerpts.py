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
    secrets, headers = endpoint.secrets, result.headers
    # Most answers give nothing away: they are looked through once, as a whole.
    said = "\n".join([*headers, *headers.values()]).encode("latin-1")
    if secrets.are_in(b"%b\n%b" % (result.body, said)):
        body = secrets.hide(result.body)
        headers = {_hidden(name, secrets): _hidden(value, secrets) for name, value in headers.items()}
    else:
        body = result.body
    if len(said) > HEADER_KEPT or b"\0" in said:
        headers = {
            _storable(name[:HEADER_KEPT]): _storable(text[:HEADER_KEPT]) for name, text in headers.items()
        }
    return _storable(body[:BODY_KEPT].decode(errors="replace")), headers


def _hidden(text: str, secrets: Secrets) -> str:
    return secrets.hide(text.encode("latin-1")).decode("latin-1")


def _storable(text: str) -> str:
    """PostgreSQL's text holds no NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
