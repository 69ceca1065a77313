from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


def _forget(name: str) -> migrations.RunSQL:
    """What an interrupted run left is invalid, and in the way of the next one."""
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("webhooks", "0005_lanes_keys_and_recoveries")]

    operations = [
        _forget("delivery_by_age"),
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(fields=["endpoint", "created_at", "id"], name="delivery_by_age"),
        ),
        _forget("delivery_by_state"),
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "delivered"), _negated=True),
                fields=["endpoint", "state", "created_at", "id"],
                name="delivery_by_state",
            ),
        ),
        RemoveIndexConcurrently(model_name="delivery", name="delivery_of_endpoint"),
    ]
