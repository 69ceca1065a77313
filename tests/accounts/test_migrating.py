"""Merchants that were there before there were pages for shoppers."""

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.encryption import opened
from accounts.models import Merchant
from tests.factories import MerchantFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_gets_a_secret_of_its_own() -> None:
    made = [MerchantFactory() for _ in range(5)]
    try:
        call_command("migrate", "accounts", "0003", verbosity=0)
        assert {one.name for one in made} == _names()
    finally:
        call_command("migrate", verbosity=0)
    sealed = list(Merchant.objects.values_list("page_secret", flat=True))
    assert len({opened(one) for one in sealed}) == 5
    assert Merchant.objects.filter(page_is_enabled=True, page_name="", page_colour="").count() == 5


def _names() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM accounts_merchant")
        return {name for (name,) in cursor.fetchall()}
