from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_mentions"),
        ("carriers", "0004_health"),
        ("trackers", "0008_vacuum"),
    ]

    operations = [
        migrations.AddField(
            model_name="tracker",
            name="due_on",
            field=models.DateField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="tracker",
            name="erased_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="tracker",
            name="restarted_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="tracker",
            name="stalled_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="watch",
            name="urgency",
            field=models.SmallIntegerField(db_default=0, editable=False),
        ),
    ]
