import uuid

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import accounts.models


def give_secrets(apps, _):
    """Each merchant one of its own; run again it goes on where it was cut off."""
    merchants = apps.get_model("accounts", "Merchant").objects
    for merchant_id in merchants.filter(page_secret__isnull=True).values_list("id", flat=True):
        merchants.filter(id=merchant_id).update(page_secret=accounts.models.new_page_secret())


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_mentions"),
    ]

    operations = [
        migrations.AddField(
            model_name="merchant",
            name="page_is_enabled",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Off: every link to one leads nowhere.",
                verbose_name="pages for shoppers",
            ),
        ),
        migrations.AddField(
            model_name="merchant",
            name="page_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Empty: the merchant's name.",
                max_length=80,
                verbose_name="name on them",
            ),
        ),
        migrations.AddField(
            model_name="merchant",
            name="page_colour",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Such as #1a7f5a. Empty: Parcelwire's.",
                max_length=7,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A#[0-9a-fA-F]{6}\\Z", "expected a colour such as #1a7f5a"
                    )
                ],
                verbose_name="colour on them",
            ),
        ),
        migrations.AddField(
            model_name="merchant",
            name="page_secret",
            field=models.TextField(null=True, editable=False),
        ),
        migrations.RunPython(give_secrets, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="merchant",
            name="page_secret",
            field=models.TextField(default=accounts.models.new_page_secret, editable=False),
        ),
        migrations.CreateModel(
            name="PageLogo",
            fields=[
                (
                    "merchant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="page_logo",
                        serialize=False,
                        to="accounts.merchant",
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("media_type", models.CharField(max_length=16)),
                ("width", models.PositiveSmallIntegerField()),
                ("height", models.PositiveSmallIntegerField()),
                ("body", models.BinaryField()),
            ],
        ),
    ]
