"""Merchants by what staff type: the id, or the beginning of words of the name."""

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import QuerySet

from accounts.lists import as_id
from accounts.models import Merchant

#: As the index has it: words as they stand, of any language.
NAME_WORDS = SearchVector("name", config="simple")


def merchants(term: str) -> QuerySet[Merchant]:
    """Those found, by name; nobody's name has a NUL. `term` is not empty."""
    if "\0" in term:
        return Merchant.objects.none()
    if (id_ := as_id(term)) is not None:
        return Merchant.objects.filter(id=id_)
    quoted = term.replace("\\", "\\\\").replace("'", "''")
    words = SearchQuery(f"'{quoted}':*", search_type="raw", config="simple")
    return Merchant.objects.alias(words=NAME_WORDS).filter(words=words)
