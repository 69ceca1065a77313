import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    """A sweep gives the accounts that are there their fingerprints (`carriers.fingerprinting`).

    A column without a default and two new tables: nothing is rewritten, however many accounts there are.
    """

    dependencies = [
        ("carriers", "0004_health"),
    ]

    operations = [
        migrations.CreateModel(
            name="FingerprintSecret",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("secret", models.TextField(editable=False)),
                ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name="carrieraccount",
            name="fingerprint",
            field=models.CharField(editable=False, max_length=64, null=True),
        ),
        migrations.CreateModel(
            name="KeyUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("courier", models.CharField(max_length=32)),
                ("fingerprint", models.CharField(max_length=64)),
                ("day", models.DateField()),
                ("reserved", models.IntegerField(db_default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("fingerprint", "day"), name="key_use_fingerprint_day")
                ],
            },
        ),
    ]
