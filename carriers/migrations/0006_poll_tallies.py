from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("carriers", "0005_counts_by_key"),
    ]

    operations = [
        migrations.CreateModel(
            name="PollSlip",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account_id", models.UUIDField()),
                ("since", models.DateTimeField()),
                ("outcome", models.CharField(max_length=24)),
                ("polls", models.IntegerField()),
                ("duration_ms", models.BigIntegerField()),
                ("slowest_ms", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="PollTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account_id", models.UUIDField(null=True)),
                ("since", models.DateTimeField()),
                ("outcome", models.CharField(max_length=24)),
                ("polls", models.BigIntegerField()),
                ("duration_ms", models.BigIntegerField()),
                ("slowest_ms", models.IntegerField()),
                ("counted_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "poll tallies",
                "indexes": [models.Index(fields=["since"], name="poll_tally_by_age")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account_id", "since", "outcome"),
                        name="poll_tally_once_per_outcome",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
