from django.db import migrations

TABLES = ("accessattempt", "accessfailurelog", "accesslog")


def dropped(table: str) -> str:
    return f"DROP INDEX CONCURRENTLY IF EXISTS {table}_age"


class Migration(migrations.Migration):
    """What is noted of signing in, by its age: whoever tries passwords can make very much of it."""

    atomic = False
    dependencies = [("accounts", "0006_sweeps"), ("axes", "0010_accessattemptexpiration")]

    operations = [
        operation
        for table in TABLES
        for operation in (
            # What an interrupted run left is invalid, and in the way of the next one.
            migrations.RunSQL(dropped(table), migrations.RunSQL.noop),
            migrations.RunSQL(
                f"CREATE INDEX CONCURRENTLY {table}_age ON axes_{table} (attempt_time)", dropped(table)
            ),
        )
    ]
