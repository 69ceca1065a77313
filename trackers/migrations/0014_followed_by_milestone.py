from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

_NAME = "tracker_followed_milestone"


class Migration(migrations.Migration):
    """What the count of parcels by milestone reads instead of the rows, and staff list by."""

    atomic = False
    dependencies = [("trackers", "0013_tallies")]

    operations = [
        # What an interrupted run left is invalid, and in the way of the next one.
        migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {_NAME}", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="tracker",
            index=models.Index(
                condition=models.Q(("is_subscribed", True), ("stop_reason__isnull", True)),
                fields=["milestone", "id"],
                name=_NAME,
            ),
        ),
    ]
