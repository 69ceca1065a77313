import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("carriers", "0003_paused"),
    ]

    operations = [
        migrations.CreateModel(
            name="Health",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="carriers.carrieraccount",
                    ),
                ),
                (
                    "circuit",
                    models.CharField(
                        choices=[("closed", "Closed"), ("open", "Open"), ("half_open", "Half Open")],
                        db_default="closed",
                        max_length=16,
                    ),
                ),
                ("open_until", models.DateTimeField(null=True)),
                ("openings", models.IntegerField(db_default=0)),
                (
                    "failing",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), null=True, size=None
                    ),
                ),
                ("last_answer_at", models.DateTimeField(null=True)),
                ("last_failure_at", models.DateTimeField(null=True)),
                ("last_failure", models.TextField(blank=True, db_default="")),
                ("pace", models.FloatField(null=True)),
                ("pace_changed_at", models.DateTimeField(null=True)),
                ("paced_until", models.DateTimeField(null=True)),
                ("counted_from", models.DateTimeField(null=True)),
                ("counted", models.IntegerField(db_default=0)),
            ],
            options={
                "verbose_name_plural": "health",
            },
        ),
        migrations.AddField(
            model_name="carrieraccount",
            name="daily_quota",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Calls in one day at the carrier's home. Empty: as many as the carrier itself allows.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="carrieraccount",
            name="pace_limit",
            field=models.FloatField(
                blank=True,
                help_text="Calls a second at most. Empty: as many as the carrier itself allows.",
                null=True,
                validators=[django.core.validators.MinValueValidator(0.01)],
            ),
        ),
        migrations.AddField(
            model_name="unmappedcode",
            name="samples",
            field=models.JSONField(db_default=[]),
        ),
        migrations.CreateModel(
            name="AccountNews",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("suspended", "Suspended"), ("resumed", "Resumed")], max_length=16
                    ),
                ),
                ("reason", models.TextField(blank=True, db_default="")),
                ("happened_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="carriers.carrieraccount",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "account news",
            },
        ),
        migrations.CreateModel(
            name="DailyUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("courier", models.CharField(max_length=32)),
                ("day", models.DateField()),
                ("reserved", models.IntegerField(db_default=0)),
                ("generation", models.IntegerField(db_default=0)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="carriers.carrieraccount",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("account__isnull", False)),
                        fields=("account", "day"),
                        name="daily_use_account_day",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("account__isnull", True)),
                        fields=("courier", "day"),
                        name="daily_use_courier_day",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            "INSERT INTO carriers_health (account_id) SELECT id FROM carriers_carrieraccount ON CONFLICT DO NOTHING",
            migrations.RunSQL.noop,
        ),
    ]
