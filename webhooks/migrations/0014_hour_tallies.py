from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_mentions"),
        ("webhooks", "0013_answers_kept"),
    ]

    operations = [
        migrations.CreateModel(
            name="HourTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField()),
                ("error", models.CharField(blank=True, max_length=18)),
                ("tries", models.BigIntegerField()),
                ("duration_ms", models.BigIntegerField()),
                ("slowest_ms", models.IntegerField()),
                ("counted_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "hour tallies",
            },
        ),
        migrations.AddConstraint(
            model_name="hourtally",
            constraint=models.UniqueConstraint(fields=("since", "error"), name="hour_tally_once_per_outcome"),
        ),
    ]
