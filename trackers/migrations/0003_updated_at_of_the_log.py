from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

#: Rows of one statement, each in a transaction of its own.
_BATCH = 1_000
# The log is the truth of it: the moment of the newest event, but of the first append.
_FILL = """
UPDATE trackers_tracker AS tracker SET updated_at = last.recorded_at
FROM events_event AS last, events_event AS first
WHERE tracker.id = ANY(%s)
  AND last.stream = tracker.id AND last.version = tracker.version
  AND first.stream = tracker.id AND first.version = 1 AND last.recorded_at > first.recorded_at
"""


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Once over the table in the order of the key; done twice it gives the same."""
    grown = apps.get_model("trackers", "Tracker").objects.filter(version__gt=1, updated_at=None)
    last = None
    while True:
        rest = grown.filter(id__gt=last) if last else grown
        ids = list(rest.order_by("id").values_list("id", flat=True)[:_BATCH])
        if not ids:
            return
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(_FILL, [ids])
        last = ids[-1]


class Migration(migrations.Migration):
    """`updated_at` of the trackers that are there."""

    atomic = False
    dependencies = [("trackers", "0002_updated_at_and_revision"), ("events", "0001_initial")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
