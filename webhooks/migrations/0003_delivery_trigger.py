from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0002_delivery_fillfactor")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("schedule", "Schedule"),
                    ("manual", "Manual"),
                    ("test", "Test"),
                    ("recovery", "Recovery"),
                ],
                db_default="schedule",
                max_length=8,
            ),
        ),
    ]
