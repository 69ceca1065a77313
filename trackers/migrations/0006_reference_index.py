from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """What the all24 dialect finds a seller's orders by."""

    atomic = False
    dependencies = [("trackers", "0005_lookups")]

    operations = [
        AddIndexConcurrently(
            model_name="tracker",
            index=models.Index(
                fields=["merchant", "shipment_reference"],
                condition=Q(shipment_reference__isnull=False),
                name="tracker_merchant_reference",
            ),
        ),
    ]
