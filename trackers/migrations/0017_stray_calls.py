from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("trackers", "0016_indexes_for_staff"),
    ]

    operations = [
        migrations.CreateModel(
            name="StrayCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("watch_id", models.UUIDField()),
                ("claim_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("counted_until", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("account_id", "watch_id", "claim_id"), name="stray_call")
                ],
            },
        ),
    ]
