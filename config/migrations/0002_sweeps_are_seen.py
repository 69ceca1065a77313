from typing import Any

from django.db import migrations

from config import roles


def make(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001 (Django's signature)
    roles.grant(apps)


class Migration(migrations.Migration):
    """Each role may see when sweeps last ended."""

    dependencies = [("accounts", "0006_sweeps"), ("config", "0001_roles")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
