"""What the pages for operations staff are made of: Django's admin classes in unfold's dress."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # unfold's are Django's with other templates, and its types do not say of which model
    from django.contrib.admin import ModelAdmin, StackedInline, TabularInline
else:
    from unfold.admin import ModelAdmin, StackedInline, TabularInline

__all__ = ["ModelAdmin", "StackedInline", "TabularInline"]
