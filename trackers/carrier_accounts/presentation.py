"""A carrier account as the API shows it: never the key, never a secret."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from carriers import standings
from carriers.conditions import Condition, calls_left, condition
from carriers.models import CarrierAccount
from events.writing import written


def account_shape(account: CarrierAccount) -> dict[str, Any]:
    """An account, read by `carriers.conditions.with_health`. What is null is the carrier's own."""
    now = timezone.now()
    rests = account.resting_until is not None and account.resting_until > now
    return {
        "carrierAccountId": str(account.id),
        "courierCode": account.courier,
        "baseUrl": account.base_url or None,
        "timeZone": account.time_zone or None,
        "pushUrl": account.push_path,
        "state": account.state,
        "suspendedReason": account.suspended_reason or None,
        "restingUntil": written(account.resting_until) if rests else None,
        "dailyQuota": account.daily_quota,
        "quotaLeft": calls_left(account, now),
        "pace": account.pace_limit,
        "health": _health(account, now),
        "createdAt": written(account.created_at),
        "changedAt": written(account.changed_at),
    }


def condition_shape(one: Condition) -> dict[str, Any]:
    """How an account or a courier is, in a word, and why."""
    return {"status": one.status.value, "reason": one.reason, "until": written(one.until)}


def _health(account: CarrierAccount, now: datetime) -> dict[str, Any]:
    standing = standings.of_account(account)
    return {
        **condition_shape(condition(account, now)),
        "circuit": standing.circuit.value,
        "callsPerSecond": standing.rate,
        "lastAnswerAt": written(standing.last_answer_at),
        "lastFailureAt": written(standing.last_failure_at),
        "lastFailure": standing.last_failure or None,
    }
