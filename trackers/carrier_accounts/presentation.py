"""A carrier account as the API shows it: never the key, never a secret."""

from typing import Any

from django.utils import timezone

from carriers.models import CarrierAccount
from events.writing import written


def account_shape(account: CarrierAccount) -> dict[str, Any]:
    """An account. `baseUrl` and `timeZone` are null where they are the carrier's own."""
    rests = account.resting_until is not None and account.resting_until > timezone.now()
    return {
        "carrierAccountId": str(account.id),
        "courierCode": account.courier,
        "baseUrl": account.base_url or None,
        "timeZone": account.time_zone or None,
        "pushUrl": account.push_path,
        "state": account.state,
        "suspendedReason": account.suspended_reason or None,
        "restingUntil": written(account.resting_until) if rests else None,
        "createdAt": written(account.created_at),
        "changedAt": written(account.changed_at),
    }
