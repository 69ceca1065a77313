from django.db import migrations, models


class Migration(migrations.Migration):
    """Nulls: no table is rewritten."""

    dependencies = [("webhooks", "0008_deliveries_by_pace")]

    operations = [
        migrations.AddField("delivery", "given_up_at", models.DateTimeField(editable=False, null=True)),
    ]
