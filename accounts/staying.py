"""A merchant that is leaving gets nothing new: `manage.py delete_merchant` deletes what it finds."""

from uuid import UUID

from django.db import connection

from accounts.errors import ApiError

_HOLD = "SELECT 1 FROM accounts_merchant WHERE id = %s AND deleted_at IS NULL FOR KEY SHARE"


def stay(merchant_id: UUID) -> None:
    """Hold the merchant until the caller's transaction ends: its deletion waits, and finds what is added.

    Raises ApiError 401 for one that is deleted: the request was let in a moment before.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [merchant_id])
        if cursor.fetchone() is None:
            raise ApiError(401, "auth_invalid_api_key", "This API key is unknown or revoked.")
