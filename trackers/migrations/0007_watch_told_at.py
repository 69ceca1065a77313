from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trackers", "0006_reference_index")]

    operations = [
        migrations.AddField(
            model_name="watch",
            name="told_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
