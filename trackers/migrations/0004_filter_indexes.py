from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """What the list's filters look things up by, and `searchBy` for trackers that are not subscribed."""

    atomic = False
    dependencies = [("trackers", "0003_updated_at_of_the_log")]

    operations = [
        AddIndexConcurrently(
            model_name="tracker",
            index=models.Index(
                fields=["merchant", "client_tracker_id"],
                condition=Q(client_tracker_id__isnull=False),
                name="tracker_merchant_client_id",
            ),
        ),
        AddIndexConcurrently(
            model_name="tracker",
            index=models.Index(
                fields=["merchant", "milestone", "created_at", "id"], name="tracker_merchant_milestone"
            ),
        ),
        AddIndexConcurrently(
            model_name="tracker",
            index=models.Index(
                fields=["merchant", "updated_at"],
                condition=Q(updated_at__isnull=False),
                name="tracker_merchant_updated",
            ),
        ),
    ]
