from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("webhooks", "0003_delivery_trigger")]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(fields=["stream", "sequence"], name="message_of_stream"),
        ),
    ]
