"""What staff may look at and nobody edits by hand."""

from typing import Any

from django.http import HttpRequest


class ReadOnly:
    """Mixed into an admin class or inline: no row is added, changed or deleted there."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
