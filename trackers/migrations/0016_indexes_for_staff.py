from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

FAILING = (
    "not_found",
    "bad_response",
    "refused",
    "throttled",
    "unreachable",
    "account_suspended",
    "no_carrier_account",
)


def _unless_left_behind(name: str) -> migrations.RunSQL:
    """What an interrupted run left is invalid, and in the way of the next one."""
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    """What staff look things up by, over all merchants."""

    atomic = False
    dependencies = [("trackers", "0015_outcome_changes")]

    operations = [
        _unless_left_behind("tracker_stalled"),
        AddIndexConcurrently(
            model_name="tracker",
            index=models.Index(
                condition=models.Q(("stalled_at__isnull", False)), fields=["id"], name="tracker_stalled"
            ),
        ),
        _unless_left_behind("watch_failing"),
        AddIndexConcurrently(
            model_name="watch",
            index=models.Index(
                condition=models.Q(("last_outcome__in", FAILING)),
                fields=["last_outcome", "id"],
                name="watch_failing",
            ),
        ),
    ]
