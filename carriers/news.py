"""What happened to merchants' accounts, owed to the log: rows of the transaction in which it happened."""

from collections.abc import Collection
from uuid import UUID

from carriers.models import AccountNews, CarrierAccount

Kind = AccountNews.Kind


def owe(kind: Kind, account_ids: Collection[UUID], reason: str = "") -> None:
    """Owe this news of each that is a merchant's, in the caller's transaction, which holds the rows' locks.

    Of the house's accounts nobody is told: what stops them is an alert. `trackers.carrier_accounts.telling`
    pays, in the order in which it was owed.
    """
    owned = CarrierAccount.objects.filter(id__in=account_ids, merchant__isnull=False).order_by("id")
    AccountNews.objects.bulk_create(
        [AccountNews(account_id=id_, kind=kind, reason=reason) for id_ in owned.values_list("id", flat=True)]
    )
