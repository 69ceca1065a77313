from django.db import migrations, models

import events.statuses


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_mentions"),
        ("trackers", "0012_remaps"),
    ]

    operations = [
        migrations.CreateModel(
            name="MilestoneTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField()),
                (
                    "milestone",
                    models.CharField(
                        choices=[
                            (events.statuses.Milestone["PENDING"], events.statuses.Milestone["PENDING"]),
                            (
                                events.statuses.Milestone["INFO_RECEIVED"],
                                events.statuses.Milestone["INFO_RECEIVED"],
                            ),
                            (
                                events.statuses.Milestone["IN_TRANSIT"],
                                events.statuses.Milestone["IN_TRANSIT"],
                            ),
                            (
                                events.statuses.Milestone["OUT_FOR_DELIVERY"],
                                events.statuses.Milestone["OUT_FOR_DELIVERY"],
                            ),
                            (
                                events.statuses.Milestone["FAILED_ATTEMPT"],
                                events.statuses.Milestone["FAILED_ATTEMPT"],
                            ),
                            (
                                events.statuses.Milestone["AVAILABLE_FOR_PICKUP"],
                                events.statuses.Milestone["AVAILABLE_FOR_PICKUP"],
                            ),
                            (events.statuses.Milestone["DELIVERED"], events.statuses.Milestone["DELIVERED"]),
                            (events.statuses.Milestone["EXCEPTION"], events.statuses.Milestone["EXCEPTION"]),
                        ],
                        max_length=24,
                    ),
                ),
                ("parcels", models.BigIntegerField()),
                ("counted_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "milestone tallies",
            },
        ),
        migrations.CreateModel(
            name="ScanTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField(unique=True)),
                ("scans", models.BigIntegerField()),
                ("through", models.BigIntegerField()),
                ("counted_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "scan tallies",
            },
        ),
        migrations.AddConstraint(
            model_name="milestonetally",
            constraint=models.UniqueConstraint(
                fields=("since", "milestone"), name="milestone_tally_once_per_hour"
            ),
        ),
    ]
