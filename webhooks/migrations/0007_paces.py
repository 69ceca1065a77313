from django.db import migrations, models


class Migration(migrations.Migration):
    """Constants and nulls: no table is rewritten."""

    dependencies = [("webhooks", "0006_deliveries_by_age")]

    operations = [
        migrations.AddField("delivery", "late", models.BooleanField(db_default=False, default=False)),
        migrations.AddField(
            "endpoint", "timeouts", models.SmallIntegerField(db_default=0, default=0, editable=False)
        ),
        migrations.AddField("endpoint", "slow_since", models.DateTimeField(editable=False, null=True)),
        migrations.AddField("lane", "late_through", models.DateTimeField(null=True)),
        migrations.AddField("lane", "late_through_id", models.UUIDField(null=True)),
    ]
