"""What the environment of a run's process asks for: fault points, or a build that is broken on purpose.

FAULT_POINTS: the folder in which points are armed; FAULT_PROGRAM: which program this is. BROKEN: the name of
a broken build, see `tests.faults.harness.broken`.
"""

import os
from importlib import import_module
from pathlib import Path

from django.apps import AppConfig


class TamperingConfig(AppConfig):
    name = "tests.faults.harness.tampering"
    label = "tampering"

    def ready(self) -> None:
        """All models are there, and nothing of the program has run yet."""
        import_module("tests.faults.harness.hurrying").install()
        if folder := os.environ.get("FAULT_POINTS"):
            points = import_module("tests.faults.harness.points")
            points.install(Path(folder), os.environ.get("FAULT_PROGRAM", ""))
        if name := os.environ.get("BROKEN"):
            import_module("tests.faults.harness.broken").install(name)
