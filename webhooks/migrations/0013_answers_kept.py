from django.db import migrations, models


class Migration(migrations.Migration):
    """A constant default: the table is not rewritten."""

    dependencies = [("webhooks", "0012_recent_tries")]

    operations = [
        migrations.AddField(
            "delivery",
            "answers_kept",
            models.BooleanField(db_default=True, default=True, editable=False),
        ),
    ]
