from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.contrib.postgres.search import SearchVector
from django.db import migrations


class Migration(migrations.Migration):
    """Merchants by the words of their names, and the admin's own log by what it is about."""

    atomic = False
    dependencies = [("accounts", "0004_pages"), ("admin", "0003_logentry_add_action_flag_choices")]

    operations = [
        # What an interrupted run left is invalid, and in the way of the next one.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS merchant_name_words", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="merchant",
            index=GinIndex(SearchVector("name", config="simple"), name="merchant_name_words"),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS admin_log_object", migrations.RunSQL.noop),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY admin_log_object ON django_admin_log (object_id)",
            "DROP INDEX CONCURRENTLY IF EXISTS admin_log_object",
        ),
    ]
