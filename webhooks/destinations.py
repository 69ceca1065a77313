"""Which URLs an endpoint may have. The same rules hold again where the socket opens: names can be rebound."""

import re
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from accounts.addresses import allows, networks, refusal
from webhooks.exceptions import UrlRefused
from webhooks.models import MAX_URL
from webhooks.transport import resolve

_PRINTABLE = re.compile(r"[!-~]+")
_PORTS = {"https": 443, "http": 80}


def check(url: str) -> None:
    """Raises UrlRefused with the reason, if webhooks may not be sent to this URL. Resolves its host."""
    host, port, plain = _parts(url)
    try:
        addresses = resolve(host, port, settings.DELIVERY_DNS_DEADLINE)
    except (OSError, UnicodeError) as error:
        raise UrlRefused(f"{host} does not resolve: {error}") from error
    allowed = networks(settings.WEBHOOK_ALLOWED_NETWORKS)
    refusals = [refused for address in addresses if (refused := refusal(address, allowed))]
    # One address that may be called is enough: the transport opens no socket to the others.
    if len(refusals) == len(addresses):
        raise UrlRefused(f"webhooks are not sent there: {refusals[0]}")
    if plain and not any(allows(address, allowed) for address in addresses):
        raise UrlRefused("only https URLs are taken; http is for WEBHOOK_ALLOWED_NETWORKS")


def _parts(url: str) -> tuple[str, int, bool]:
    """Host, port, and whether it is plain HTTP."""
    if len(url) > MAX_URL:
        raise UrlRefused(f"it is {len(url)} characters long; at most {MAX_URL} are taken")
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise UrlRefused("only printable ASCII is taken, without spaces and backslashes")
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError as error:
        raise UrlRefused(f"it is no URL: {error}") from error
    return _host(split), port or _PORTS[split.scheme], split.scheme == "http"


def _host(split: SplitResult) -> str:
    if split.scheme not in _PORTS:
        raise UrlRefused("expected a URL that begins with https://")
    if "@" in split.netloc:
        raise UrlRefused("user names and passwords in URLs are not taken; use a header of your own")
    if not split.hostname or split.port == 0:
        raise UrlRefused("it has no host that can be called")
    return split.hostname
