from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

_NAME = "endpoint_disabled"


class Migration(migrations.Migration):
    """The newest disabled endpoints, which need a person."""

    atomic = False
    dependencies = [("webhooks", "0014_hour_tallies")]

    operations = [
        # What an interrupted run left is invalid, and in the way of the next one.
        migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {_NAME}", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="endpoint",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("state", "disabled")),
                fields=["disabled_at"],
                name=_NAME,
            ),
        ),
    ]
