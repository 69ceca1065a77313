from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


def _forget(name: str) -> migrations.RunSQL:
    """What an interrupted run left is invalid, and in the way of the next one."""
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("webhooks", "0007_paces")]

    operations = [
        _forget("delivery_pending"),
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["endpoint", "late", "next_attempt_at", "id"],
                name="delivery_pending",
            ),
        ),
        RemoveIndexConcurrently(model_name="delivery", name="delivery_lane"),
        _forget("endpoint_slow"),
        AddIndexConcurrently(
            model_name="endpoint",
            index=models.Index(
                condition=models.Q(("slow_since__isnull", False)),
                fields=["id"],
                name="endpoint_slow",
            ),
        ),
    ]
