from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trackers", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="tracker",
            name="updated_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="personaldata",
            name="revision",
            field=models.IntegerField(db_default=0, editable=False),
        ),
    ]
