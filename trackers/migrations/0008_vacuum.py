from django.db import migrations


class Migration(migrations.Migration):
    """Every poll writes its watch twice, and moves it in an index: vacuumed before a fifth of them is dead."""

    dependencies = [("trackers", "0007_watch_told_at")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE trackers_watch SET"
            " (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05)",
            "ALTER TABLE trackers_watch RESET"
            " (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor)",
        ),
    ]
