from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


def _unless_left_behind(name: str) -> migrations.RunSQL:
    """What an interrupted run left is invalid, and in the way of the next one."""
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("trackers", "0009_stalled_erased_urgent")]

    operations = [
        _unless_left_behind("watch_due_by_urgency"),
        AddIndexConcurrently(
            model_name="watch",
            index=models.Index(
                condition=models.Q(("next_poll_at__isnull", False)),
                fields=["carrier_account", "urgency", "next_poll_at"],
                name="watch_due_by_urgency",
            ),
        ),
        _unless_left_behind("watch_in_flight"),
        AddIndexConcurrently(
            model_name="watch",
            index=models.Index(
                condition=models.Q(("claim_id__isnull", False)),
                fields=["carrier_account"],
                name="watch_in_flight",
            ),
        ),
        RemoveIndexConcurrently(model_name="watch", name="watch_due"),
    ]
