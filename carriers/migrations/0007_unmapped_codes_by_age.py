from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Unmapped codes by when they were last seen: the oldest go."""

    atomic = False
    dependencies = [("carriers", "0006_poll_tallies")]

    operations = [
        # What an interrupted run left is invalid, and in the way of the next one.
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS unmapped_code_last_seen", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            model_name="unmappedcode",
            index=models.Index(fields=["last_seen_at"], name="unmapped_code_last_seen"),
        ),
    ]
