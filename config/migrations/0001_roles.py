from typing import Any

from django.db import migrations

from config import roles


def make(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001 (Django's signature)
    roles.grant(apps)


def remove(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001 (Django's signature)
    names = (roles.VIEWER, roles.OPERATOR, roles.ADMINISTRATOR)
    apps.get_model("auth", "Group").objects.filter(name__in=names).delete()


class Migration(migrations.Migration):
    """Groups of staff: viewer, operator, administrator."""

    dependencies = [
        ("accounts", "0005_staff_looks_things_up"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("axes", "0001_initial"),
        ("carriers", "0006_poll_tallies"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("events", "0001_initial"),
        ("trackers", "0017_stray_calls"),
        ("webhooks", "0016_staff_looks_endpoints_up"),
    ]

    operations = [migrations.RunPython(make, remove)]
