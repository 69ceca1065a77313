"""`/v1/couriers`: which couriers there are, and which of them a number may belong to."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.views import ApiView
from carriers.adapter import Adapter
from carriers.choosing import known_to
from carriers.conditions import Condition, of_couriers
from carriers.detecting import Candidate, candidates
from carriers.registry import adapter, adapters
from trackers.carrier_accounts.presentation import condition_shape
from trackers.filtering import told_once
from trackers.serializers import DetectQuery
from trackers.views.answering import data


class CouriersView(ApiView):
    """`/v1/couriers`."""

    def get(self, request: Request) -> Response:
        """Every courier, in the order of the codes, and how it is for the caller."""
        found = of_couriers(merchant_of(request))
        return data(couriers=[_courier(one, found[code]) for code, one in adapters().items()])


class DetectView(ApiView):
    """`/v1/couriers/detect`."""

    def get(self, request: Request) -> Response:
        """Whose number it may be, the surest first, among the couriers that are the caller's to ask."""
        query = DetectQuery(data=told_once(request.query_params))
        query.is_valid(raise_exception=True)
        number = query.validated_data["trackingNumber"]
        couriers = known_to(merchant_of(request))
        found = [
            _candidate(one, is_reachable=couriers.get(one.courier, False))
            for one in candidates(number, couriers)
        ]
        return data(trackingNumber=number, candidates=found)


def _courier(one: Adapter, how: Condition) -> dict[str, Any]:
    """Ship24's `courier`. Its published client knows few words for `requiredFields`, and takes no other."""
    return {
        "courierCode": one.code,
        "courierName": one.name,
        "website": one.website,
        "isPost": one.is_post,
        "countryCode": one.country_code,
        "requiredFields": None,
        "isDeprecated": one.is_deprecated,
        "requiresAccount": one.needs_account,
        "health": condition_shape(how),
    }


def _candidate(one: Candidate, *, is_reachable: bool) -> dict[str, Any]:
    return {
        "courierCode": one.courier,
        "courierName": adapter(one.courier).name,
        "confidence": one.confidence.value,
        "reason": one.why,
        "isReachable": is_reachable,
    }
