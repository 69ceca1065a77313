from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    """Nulls: no table is rewritten. No release counts in tokens, so none is in need of them meanwhile."""

    dependencies = [("webhooks", "0011_vacuum")]

    operations = [
        migrations.AddField("lane", "recent_at", ArrayField(models.DateTimeField(), null=True)),
        migrations.AddField("lane", "recent", ArrayField(models.IntegerField(), null=True)),
        migrations.RemoveField("lane", "tokens"),
        migrations.RemoveField("lane", "refilled_at"),
    ]
