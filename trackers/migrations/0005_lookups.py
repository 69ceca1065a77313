import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_scopes_and_limits"), ("trackers", "0004_filter_indexes")]

    operations = [
        migrations.CreateModel(
            name="LookUps",
            fields=[
                (
                    "api_key",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="accounts.apikey",
                    ),
                ),
                ("day", models.DateField()),
                ("count", models.IntegerField()),
            ],
            options={"db_table": "trackers_lookups", "verbose_name_plural": "look-ups"},
        ),
    ]
