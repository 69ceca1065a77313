"""What the pages for operations staff are made of: Django's admin classes in unfold's dress."""

from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest

if TYPE_CHECKING:  # unfold's are Django's with other templates, and its types do not say of which model
    from django.contrib.admin import ModelAdmin as _ModelAdmin
    from django.contrib.admin import StackedInline, TabularInline
else:
    from unfold.admin import ModelAdmin as _ModelAdmin
    from unfold.admin import StackedInline, TabularInline

__all__ = ["ModelAdmin", "StackedInline", "TabularInline"]

_Row = TypeVar("_Row", bound=Model)


class ModelAdmin(_ModelAdmin[_Row]):
    """A page to add a row shows only what can be filled in: the rest is not there yet."""

    def get_fields(self, request: HttpRequest, obj: _Row | None = None) -> Any:
        fields = super().get_fields(request, obj)
        if obj is not None:
            return fields
        unset = set(self.get_readonly_fields(request, None))
        return [name for name in fields if name not in unset]
