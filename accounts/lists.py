"""Lists of tables that grow: none is counted to its end, and each is looked through by an index."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ORDER_VAR
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

#: Rows of a list that can be leafed through; who wants others filters or searches.
MOST = 1_000


class Leafing(Paginator):  # type: ignore[type-arg]  # of whatever the list is
    """Pages of the first MOST rows of a list: what comes after them is not even counted."""

    template_name = "accounts/staff/pagination.html"

    @cached_property
    def count(self) -> int:
        return min(self._found, MOST)

    @cached_property
    def has_more(self) -> bool:
        """Whether there are rows that no page shows."""
        return self._found > MOST

    @cached_property
    def _found(self) -> int:
        rows: Any = self.object_list
        return int(rows[: MOST + 1].count())


class _Ordered(ChangeList):
    """A list in the order of its admin class: Django sorts by any column that an address names."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        self.params.pop(ORDER_VAR, None)
        return list(super().get_ordering(request, queryset))


class Big:
    """Mixed into the admin class of a table that grows: its list asks nothing that no index answers.

    It is sorted as `ordering` says and no other way. A search is for a whole value of one of the columns in
    `searched`, each with the order in which its index has the rows; the first column that holds it counts.
    """

    paginator: type = Leafing
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    sortable_by: Any = ()
    list_per_page = 50
    searched: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    list_filter: ClassVar[Any] = ()

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return tuple(self.searched)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _Ordered

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (self.found(queryset, term) if term else queryset), False

    def found(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """The rows that a search for this, which is not empty, finds, in the order of an index."""
        for column, ordering in self.searched.items():
            try:
                matching = rows.filter(**{column: term}).order_by(*ordering)
            except (ValidationError, ValueError):
                continue  # no id
            if matching.exists():
                return matching
        return rows.none()


def as_id(term: str) -> UUID | None:
    """The UUID that a search is for; None: it is for something else."""
    try:
        return UUID(term)
    except ValueError:
        return None
