from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("webhooks", "0009_given_up_at")]

    operations = [
        # What an interrupted run left is invalid, and in the way of the next one.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS endpoint_deleted", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="endpoint",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["deleted_at"],
                name="endpoint_deleted",
            ),
        ),
    ]
