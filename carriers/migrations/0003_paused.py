from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Q


def suspend_paused(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Back to two states: what is paused must stay unasked."""
    accounts = apps.get_model("carriers", "CarrierAccount").objects.using(schema_editor.connection.alias)
    accounts.filter(state="paused").update(state="suspended", suspended_reason="Paused by its merchant.")


class Migration(migrations.Migration):
    dependencies = [("carriers", "0002_pushes_and_closings")]

    operations = [
        migrations.AlterField(
            model_name="carrieraccount",
            name="state",
            field=models.CharField(
                choices=[("active", "Active"), ("suspended", "Suspended"), ("paused", "Paused")],
                default="active",
                editable=False,
                max_length=16,
            ),
        ),
        migrations.RemoveConstraint(model_name="carrieraccount", name="carrier_account_state"),
        migrations.AddConstraint(
            model_name="carrieraccount",
            constraint=models.CheckConstraint(
                condition=Q(state__in=["active", "suspended", "paused"]), name="carrier_account_state"
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, suspend_paused),
    ]
