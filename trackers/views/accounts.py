"""`/v1/carrier-accounts`: a merchant's keys at carriers. Keys go in and never come out."""

from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.errors import ApiError
from accounts.views import ApiView
from trackers.carrier_accounts import owning
from trackers.carrier_accounts.presentation import account_shape
from trackers.carrier_accounts.serializers import AccountBody, KeyBody, refuse_push_secret
from trackers.carrier_accounts.trying import try_out
from trackers.views.answering import data
from webhooks.serializers import PageQuery, Strict


class AccountsView(ApiView):
    """`/v1/carrier-accounts`."""

    def get(self, request: Request) -> Response:
        """Newest first; `after` is the last answer's `next`."""
        query = PageQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        found, following = owning.accounts_of(merchant_of(request), **query.validated_data)
        return data(
            carrierAccounts=[account_shape(one) for one in found], next=str(following) if following else None
        )

    def post(self, request: Request) -> Response:
        """Take a carrier's key into use."""
        made = owning.add(merchant_of(request), AccountBody.wishes(_valid(AccountBody, request)))
        return data(201, carrierAccount=account_shape(made))


class AccountView(ApiView):
    """`/v1/carrier-accounts/{id}`."""

    def get(self, request: Request, carrier_account_id: UUID) -> Response:
        return data(carrierAccount=account_shape(owning.account_of(merchant_of(request), carrier_account_id)))

    def delete(self, request: Request, carrier_account_id: UUID) -> Response:
        """Gone at once; its parcels move to another account, or wait for one."""
        owning.give_up(merchant_of(request), carrier_account_id)
        return Response(status=204)


class AccountTestView(ApiView):
    """`/v1/carrier-accounts/{id}/test`."""

    holds_transaction: ClassVar[bool] = False

    def post(self, request: Request, carrier_account_id: UUID) -> Response:
        """Ask the carrier one harmless question."""
        merchant_id = merchant_of(request)
        trial = try_out(owning.account_of(merchant_id, carrier_account_id))
        account = owning.account_of(merchant_id, carrier_account_id)
        told = {"outcome": trial.outcome.value, "error": trial.error}
        return data(test=told, carrierAccount=account_shape(account))


class AccountKeyView(ApiView):
    """`/v1/carrier-accounts/{id}/key`."""

    def put(self, request: Request, carrier_account_id: UUID) -> Response:
        """Replace the key; a paused or suspended account is taken up again."""
        merchant_id = merchant_of(request)
        account = owning.account_of(merchant_id, carrier_account_id)
        valid = _valid(KeyBody, request)
        refuse_push_secret(account.courier, valid)
        secret = {"push_secret": valid["pushSecret"]} if "pushSecret" in valid else {}
        changed = owning.replace_key(merchant_id, carrier_account_id, valid["key"], **secret)
        return data(carrierAccount=account_shape(changed))


class AccountPauseView(ApiView):
    """`/v1/carrier-accounts/{id}/pause`."""

    def post(self, request: Request, carrier_account_id: UUID) -> Response:
        return data(carrierAccount=account_shape(owning.pause(merchant_of(request), carrier_account_id)))


class AccountResumeView(ApiView):
    """`/v1/carrier-accounts/{id}/resume`."""

    def post(self, request: Request, carrier_account_id: UUID) -> Response:
        return data(carrierAccount=account_shape(owning.resume(merchant_of(request), carrier_account_id)))


def _valid(kind: type[Strict], request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise ApiError(400, "validation_error", "The body is not a JSON object.")
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    valid: dict[str, Any] = body.validated_data
    return valid
