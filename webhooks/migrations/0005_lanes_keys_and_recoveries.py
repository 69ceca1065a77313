import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid_utils.compat
from django.db import migrations, models

import accounts.encryption


class Migration(migrations.Migration):
    """New tables, and columns whose defaults need no rewrite."""

    dependencies = [
        ("webhooks", "0004_message_of_stream"),
    ]

    operations = [
        migrations.CreateModel(
            name="Lane",
            fields=[
                (
                    "endpoint",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="lane",
                        serialize=False,
                        to="webhooks.endpoint",
                    ),
                ),
                ("claimed_through", models.DateTimeField(null=True)),
                ("claimed_through_id", models.UUIDField(null=True)),
                ("tokens", models.FloatField(null=True)),
                ("refilled_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="endpoint",
            name="enabling_by",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="old_secrets",
            field=accounts.encryption.EncryptedTextField(null=True),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="ordered",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="paused_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="public_key",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="rate_limit",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="signature",
            field=models.CharField(choices=[("v1", "V1"), ("v1a", "V1A")], db_default="v1", max_length=3),
        ),
        migrations.CreateModel(
            name="ExtraTry",
            fields=[
                (
                    "delivery",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="extra_try",
                        serialize=False,
                        to="webhooks.delivery",
                    ),
                ),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("schedule", "Schedule"),
                            ("manual", "Manual"),
                            ("test", "Test"),
                            ("recovery", "Recovery"),
                        ],
                        max_length=8,
                    ),
                ),
                ("claim_id", models.UUIDField(null=True)),
                ("abandoned_count", models.SmallIntegerField(db_default=0)),
                ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "extra tries",
                "indexes": [
                    models.Index(fields=["endpoint", "asked_at"], name="extra_try_of_endpoint"),
                    models.Index(
                        condition=models.Q(("claim_id__isnull", False)),
                        fields=["endpoint"],
                        name="extra_try_under_way",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("reason", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "next_try_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True),
                ),
                ("claim_id", models.UUIDField(null=True)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("tries", models.SmallIntegerField(db_default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_try_at__isnull", False)),
                        fields=["next_try_at"],
                        name="notice_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Recovery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                (
                    "states",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=9), size=None
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("done", "Done"), ("cancelled", "Cancelled")],
                        default="running",
                        max_length=9,
                    ),
                ),
                ("reached_at", models.DateTimeField(null=True)),
                ("cursor", models.UUIDField(null=True)),
                ("examined", models.BigIntegerField(db_default=0)),
                ("recovered", models.BigIntegerField(db_default=0)),
                ("next_batch_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "recoveries",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "running")),
                        fields=["next_batch_at", "id"],
                        name="recovery_running",
                    ),
                    models.Index(fields=["endpoint", "id"], name="recovery_of_endpoint"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["running", "done", "cancelled"])),
                        name="recovery_state",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField()),
                ("error", models.CharField(blank=True, max_length=18)),
                ("tries", models.IntegerField()),
                ("duration_ms", models.BigIntegerField()),
                ("slowest_ms", models.IntegerField()),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "tallies",
                "indexes": [models.Index(fields=["since"], name="tally_by_age")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("endpoint", "since", "error"), name="tally_once_per_outcome"
                    )
                ],
            },
        ),
        # Written at every claim and every settling: room in each page keeps that heap-only.
        migrations.RunSQL(
            [
                "ALTER TABLE webhooks_lane SET (fillfactor = 50)",
                "ALTER TABLE webhooks_tally SET (fillfactor = 50)",
            ],
            ["ALTER TABLE webhooks_lane RESET (fillfactor)", "ALTER TABLE webhooks_tally RESET (fillfactor)"],
        ),
    ]
