"""Django's system checks of the project: `manage.py check`, and every other command, shows them."""

from typing import Any

from django.core import checks

from config import faults


def doubtful_settings(**_unused: Any) -> list[checks.CheckMessage]:
    """A warning for each value that looks like a mistake."""
    return [checks.Warning(doubt, id="config.W001") for doubt in faults.doubts()]
