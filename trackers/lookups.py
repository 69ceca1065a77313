"""How often an API key looked parcels up today, as 247Express limits it. In PostgreSQL: it must hold."""

from uuid import UUID

from django.db import connection, models

from accounts.models import ApiKey

# One row a key: a new day begins it anew. A look-up that began before midnight counts for the day that it
# finds. At the limit nothing is written.
_COUNT = """
INSERT INTO trackers_lookups AS kept (api_key_id, day, count)
SELECT %(key)s, (statement_timestamp() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, 1 WHERE %(limit)s > 0
ON CONFLICT (api_key_id) DO UPDATE
SET day = greatest(kept.day, excluded.day),
    count = CASE WHEN kept.day < excluded.day THEN 1 ELSE kept.count + 1 END
WHERE kept.day < excluded.day OR kept.count < %(limit)s
RETURNING count
"""


class LookUps(models.Model):
    """The look-ups of one key on its last day of use, a day of Asia/Ho_Chi_Minh."""

    api_key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, primary_key=True)
    day = models.DateField()
    count = models.IntegerField()

    class Meta:
        db_table = "trackers_lookups"
        verbose_name_plural = "look-ups"

    def __str__(self) -> str:
        return f"{self.count} on {self.day}"


def count(key_id: UUID, limit: int) -> bool:
    """Count one look-up of this key. False where it has had its `limit` today. Call it in no transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"key": key_id, "limit": limit})
        return cursor.fetchone() is not None
