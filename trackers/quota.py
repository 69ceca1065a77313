"""How many trackers a merchant may still have."""

from uuid import UUID

from django.db import connection

from accounts.errors import ApiError
from accounts.models import Merchant
from trackers.models import Tracker

# Whoever inserts for a merchant holds its row so, and its deletion waits for them.
_HOLD = "SELECT tracker_limit FROM accounts_merchant WHERE id = %s AND deleted_at IS NULL FOR KEY SHARE"


def room(merchant_id: UUID) -> int | None:
    """How many more trackers the merchant may subscribe; None where it has no limit.

    Call it within the transaction that uses the room: where there is a limit, others that count wait for its
    end. Raises ApiError 401 for a merchant that is deleted.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [merchant_id])
        row = cursor.fetchone()
    if row is None:
        raise ApiError(401, "auth_invalid_api_key", "This API key is unknown or revoked.")
    return None if row[0] is None else _left(merchant_id)


def _left(merchant_id: UUID) -> int | None:
    limit = (
        Merchant.objects.select_for_update(no_key=True)
        .values_list("tracker_limit", flat=True)
        .get(id=merchant_id)
    )
    if limit is None:
        return None
    return max(0, limit - Tracker.objects.filter(merchant_id=merchant_id, is_subscribed=True).count())


def exhausted() -> ApiError:
    """403 for what would be one tracker too many."""
    return ApiError(
        403, "quota_limit_reached", "You have as many subscribed trackers as you may; unsubscribe some first."
    )
