from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

import webhooks.hosts


def _unless_left_behind(name: str) -> migrations.RunSQL:
    """What an interrupted run left is invalid, and in the way of the next one."""
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    """Endpoints by host and by state, over all merchants."""

    atomic = False
    dependencies = [("webhooks", "0015_disabled_endpoints")]

    operations = [
        _unless_left_behind("endpoint_host"),
        AddIndexConcurrently(
            model_name="endpoint",
            index=models.Index(
                OpClass(webhooks.hosts.backwards("url"), name="text_pattern_ops"), name="endpoint_host"
            ),
        ),
        _unless_left_behind("endpoint_state"),
        AddIndexConcurrently(
            model_name="endpoint", index=models.Index(fields=["state", "id"], name="endpoint_state")
        ),
    ]
