"""The cast of the tests: alice and bob are merchants, and never see each other's."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from accounts.models import Merchant
from carriers.models import CarrierAccount


class MerchantFactory(DjangoModelFactory[Merchant]):
    class Meta:
        model = Merchant

    name = factory.Sequence(lambda n: f"Merchant {n}")


class CarrierAccountFactory(DjangoModelFactory[CarrierAccount]):
    class Meta:
        model = CarrierAccount

    merchant: Any = factory.SubFactory(MerchantFactory)
    courier = "all24"
    key = "carrier-key"
    base_url = "https://carrier.example"
    time_zone = "Asia/Bangkok"
