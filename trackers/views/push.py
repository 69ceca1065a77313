"""`/v1/carriers/{courierCode}/push/{token}`: where carriers call us. No API key: the account's own secret."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import ApiError
from carriers.calling import account_called
from carriers.exceptions import BadResponse
from carriers.registry import adapter
from trackers.pushing import receive
from trackers.views.answering import data


class PushView(APIView):
    """`/v1/carriers/{courierCode}/push/{token}`."""

    authentication_classes: Any = ()
    permission_classes: Any = ()

    def post(self, request: Request, courier: str, token: str) -> Response:
        """Take a push: 200 with how many parcels it spoke of, known to us or not.

        401 for a wrong address and a wrong secret alike, 400 for a body that is not the carrier's.
        """
        account = account_called(courier, token, request.headers.get("Authorization", ""))
        if account is None:
            raise ApiError(
                401,
                "auth_invalid_push",
                "This address does not take this call.",
                {"WWW-Authenticate": "Bearer"},
            )
        carrier = adapter(courier)
        try:
            pushed = carrier.unpacked(request.body)
        except BadResponse as error:
            raise ApiError(400, "parsing_error", error.detail) from None
        receive(carrier, account, pushed)
        return data(received=len(pushed))
