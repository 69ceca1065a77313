"""What the pages for operations staff are made of: Django's admin classes in unfold's dress."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:  # unfold's are Django's with other templates, and its types do not say of which model
    from django.contrib.admin import ModelAdmin as _ModelAdmin
    from django.contrib.admin import StackedInline, TabularInline
else:
    from unfold.admin import ModelAdmin as _ModelAdmin
    from unfold.admin import StackedInline, TabularInline

__all__ = ["ModelAdmin", "StackedInline", "TabularInline", "WithPage"]

_Row = TypeVar("_Row", bound=Model)


class ModelAdmin(_ModelAdmin[_Row]):
    """A page to add a row shows only what can be filled in: the rest is not there yet.

    A list is narrowed by its filters and `linked` alone: by any other column, as Django has it, one could
    learn letter by letter what no page shows.
    """

    #: What links may filter by, besides the filters.
    linked: ClassVar[tuple[str, ...]] = ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if any("\0" in value for values in request.GET.lists() for value in values[1]):
            raise DisallowedModelAdminLookup("PostgreSQL has no text with a NUL")
        return super().changelist_view(request, extra_context)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        names = [str(getattr(each, "parameter_name", each)) for each in self.list_filter]
        return lookup in self.linked or any(
            lookup == name or lookup.startswith(f"{name}__") for name in names
        )


class WithPage:
    """Mixed into an admin class: the change page shows more than the row's own fields, above them.

    `change_form_outer_before_template` shows what `page_of` gives, as `page`.
    """

    change_form_outer_before_template: str

    class Media:
        css = {"all": ["accounts/pages.css"]}

    @abstractmethod
    def page_of(self, request: HttpRequest, row: Any) -> object:
        """What the page shows of this row. May raise django.http.Http404 for a page that is not there."""

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,  # noqa: FBT001, FBT002 (Django's signature)
        change: bool = False,  # noqa: FBT001, FBT002
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            context["page"] = self.page_of(request, obj)
        rendered: HttpResponse = super().render_change_form(  # type: ignore[misc]  # a mixin
            request, context, add, change, form_url, obj
        )
        return rendered
