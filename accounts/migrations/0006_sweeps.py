from django.db import migrations, models


class Migration(migrations.Migration):
    """When each sweep last ended. Its few rows are written often: there is room beside each."""

    dependencies = [("accounts", "0005_staff_looks_things_up")]

    operations = [
        migrations.CreateModel(
            name="Sweep",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("ended_at", models.DateTimeField()),
                ("seconds", models.FloatField()),
            ],
        ),
        migrations.RunSQL(
            "ALTER TABLE accounts_sweep SET (fillfactor = 20, autovacuum_vacuum_threshold = 1000)",
            migrations.RunSQL.noop,
        ),
    ]
