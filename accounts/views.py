"""What every route of the native API passes."""

from functools import partial
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import Caller
from accounts.permissions import NativePermission
from accounts.repeating import answer_once, is_repeatable
from accounts.routes import route_of
from accounts.throttling import Allowance, refusal, take

_ANYTHING = frozenset({"*/*", "application/json"})


class ApiView(APIView):
    """A route of the native API: who calls, what its key may do, how often, and whether it is a repeat."""

    permission_classes: ClassVar[tuple[type[BasePermission], ...]] = (NativePermission,)  # type: ignore[misc]
    #: Whether all that a POST does is in the database, and so can be one transaction with its kept answer.
    holds_transaction: ClassVar[bool] = True
    _allowance: Allowance | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After the checks, a merchant's POST with an Idempotency-Key has its handler wrapped, this once."""
        super().initial(request, *args, **kwargs)
        handler = getattr(self, "post", None)
        if handler and isinstance(request.user, Caller) and is_repeatable(request):
            vars(self)["post"] = partial(self._once, handler)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:  # noqa: FBT001, FBT002
        """Who takes anything, or JSON alone, gets it: most programs, and comparing media types is slow."""
        if request.headers.get("Accept", "*/*") in _ANYTHING:
            renderer = self.renderer_classes[0]
            return renderer(), renderer.media_type
        found: tuple[Any, str] = super().perform_content_negotiation(request, force)
        return found

    def check_permissions(self, request: Request) -> None:
        """First how often, then what: calls that a key has no scope for count too."""
        if isinstance(request.user, Caller):
            self._allowance = take(request.user, route_of(request))
            if not self._allowance.allowed:
                raise refusal(self._allowance)
        super().check_permissions(request)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Every answer, errors too, says what is left of the calls, and that it depends on the key."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(answer, ["Authorization"])
        for name, value in self._allowance.headers.items() if self._allowance else ():
            answer.headers[name] = value
        return answer

    def _once(self, handler: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return answer_once(
            request,
            partial(handler, request, *args, **kwargs),
            self.handle_exception,
            in_transaction=self.holds_transaction,
        )
