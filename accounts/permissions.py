"""What a key may do: its scopes."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.authentication import caller_of
from accounts.models import Scope


class NativePermission(BasePermission):
    """The native API takes `native` keys, and `read-only` ones where nothing is changed."""

    message = "This API key has no scope for this: native takes every call, read-only those that only read."

    def has_permission(self, request: Request, view: Any) -> bool:
        scopes = caller_of(request).scopes
        return Scope.NATIVE in scopes or (Scope.READ_ONLY in scopes and request.method in SAFE_METHODS)
