"""The host of an endpoint's URL, as an index has it: from its end, so that a domain finds its subdomains."""

from typing import Any
from urllib.parse import urlsplit

from django.db.models import Func, TextField
from django.db.models.functions import Reverse


class Host(Func):
    """In lower case, of a URL that `webhooks.destinations` took."""

    template = r"lower(substring(%(expressions)s from '^[a-zA-Z]+://([^][/:?#]+|\[[^]]*\])'))"
    output_field = TextField()


def backwards(column: str) -> Any:
    """The host of the URL in this column, its last letter first."""
    return Reverse(Host(column))


def typed(term: str) -> str:
    """What is looked for among the hosts written backwards, for a host, the end of one, or a whole URL."""
    name = urlsplit(term).hostname if "://" in term else term
    return (name or "").lower()[::-1]
