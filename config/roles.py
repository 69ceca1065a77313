"""What staff may do, in three roles: groups with permissions, made by a migration.

Who has none of them, and is no superuser, sees nothing. A migration that follows new models calls `grant`
once more.
"""

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db.models import Q

VIEWER, OPERATOR, ADMINISTRATOR = "viewer", "operator", "administrator"
#: The apps whose models staff works with.
APPS = ("accounts", "carriers", "events", "trackers", "webhooks")
#: Models that hold what is personal of parcels.
_PERSONAL = ("personaldata", "rawanswer")
#: What an operator may do, by the acts of the admin's pages (`*/acts.py`).
_OPERATORS = (
    "trackers.change_tracker",
    "trackers.add_remap",
    "webhooks.change_endpoint",
    "webhooks.change_delivery",
    "webhooks.add_recovery",
    "carriers.change_health",
)
#: Beyond those apps, an administrator looks after staff, reads what they did and who was shut out, and lets
#: them in again.
_ADMINISTRATORS = (
    Q(content_type__app_label="auth", content_type__model__in=("user", "group"))
    | Q(content_type__app_label__in=("admin", "axes"), codename__startswith="view_")
    | Q(content_type__app_label="axes", codename="delete_accessattempt")
)


def grant(apps: Any) -> None:
    """Make the groups where they are missing, and give each what its role may do; takes nothing away.

    `apps` is the registry: a migration's, or Django's own.
    """
    for label in (*APPS, "auth", "admin", "axes"):
        config = apps.get_app_config(label)
        if not getattr(config, "models_module", None):
            config.models_module = True  # a migration's app has none, and would be passed by
        create_permissions(config, apps=apps, verbosity=0)
    permission = apps.get_model("auth", "Permission").objects.select_related("content_type")
    own = permission.filter(content_type__app_label__in=APPS)
    seen = own.filter(codename__startswith="view_")
    acts = Q(pk__in=[])
    for name in _OPERATORS:
        app, codename = name.split(".")
        acts |= Q(content_type__app_label=app, codename=codename)
    group = apps.get_model("auth", "Group").objects
    given = {
        VIEWER: seen.exclude(content_type__model__in=_PERSONAL),
        OPERATOR: seen | own.filter(acts),
        ADMINISTRATOR: own | permission.filter(_ADMINISTRATORS),
    }
    for role, permissions in given.items():
        group.get_or_create(name=role)[0].permissions.add(*permissions)
