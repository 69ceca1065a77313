"""What a new installation lacks before there is anything to look at."""

from dataclasses import dataclass

from django.urls import reverse

from accounts.models import ApiKey, Merchant
from carriers.models import CarrierAccount
from trackers.models import Tracker
from webhooks.models import Endpoint


@dataclass(frozen=True, slots=True)
class Step:
    """`how` in a sentence, `link` where that is done."""

    name: str
    how: str
    link: str
    is_done: bool


def steps() -> list[Step]:
    """In their order; empty where parcels are followed already. Six short statements at most."""
    if Tracker.objects.exists() and CarrierAccount.objects.exists():
        return []
    return [
        Step(
            "A merchant",
            "The tenant whose parcels are followed. manage.py create_merchant makes one with its key.",
            reverse("admin:accounts_merchant_add"),
            Merchant.objects.exists(),
        ),
        Step(
            "An API key",
            "What the merchant's programs call with. It is shown once.",
            reverse("admin:accounts_apikey_add"),
            ApiKey.objects.exists(),
        ),
        Step(
            "A carrier account",
            "The key at a carrier: the merchant's own, or the house's for all who have none.",
            reverse("admin:carriers_carrieraccount_add"),
            CarrierAccount.objects.exists(),
        ),
        Step(
            "A parcel",
            "The merchant follows one by POST /v1/trackers.",
            reverse("docs"),
            Tracker.objects.exists(),
        ),
        Step(
            "An endpoint",
            "The merchant subscribes one by POST /v1/webhooks.",
            reverse("docs"),
            Endpoint.objects.exists(),
        ),
    ]
