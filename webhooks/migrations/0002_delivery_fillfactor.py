from django.db import migrations


class Migration(migrations.Migration):
    """Room in each page of the deliveries, so that a claim can be a heap-only update."""

    dependencies = [("webhooks", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE webhooks_delivery SET (fillfactor = 50)",
            "ALTER TABLE webhooks_delivery RESET (fillfactor)",
        )
    ]
