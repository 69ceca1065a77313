"""`manage.py bench_desk`: run the commands that stdin asks for, a line of JSON each; say what they wrote."""

import json
import sys
import traceback
from io import StringIO

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection


class Command(BaseCommand):
    help = (
        "For each line of stdin, with `database` and `words`, run that command there; a line for each answer."
    )
    requires_system_checks = ()

    def handle(self, *args: object, **options: object) -> None:
        for line in sys.stdin:
            asked = json.loads(line)
            self.stdout.write(json.dumps(_run(asked["database"], asked["words"])))
            self.stdout.flush()


def _run(database: str, words: list[str]) -> dict[str, str]:
    """The settings are the stage's own, whatever the scene has."""
    told = StringIO()
    connection.settings_dict["NAME"] = database
    try:
        call_command(*words, stdout=told)
    except Exception:  # noqa: BLE001 - whoever asked is told, and ends
        return {"error": traceback.format_exc()}
    finally:
        connection.close()  # a database that is in use is nobody's template, and the next one is another
    return {"told": told.getvalue()}
