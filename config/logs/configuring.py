"""What LOGGING is: everything goes through the root to standard error, in one form."""

from typing import Any

#: Whose lines LOG_LEVEL opens further than to INFO: what others tell below it holds SQL, addresses and keys.
OURS = ("accounts", "carriers", "config", "events", "trackers", "webhooks")

_OF_EACH_TASK = ("celery.beat", "celery.worker.strategy", "celery.app.trace")


def configuration(level: str, form: str) -> dict[str, Any]:
    """LOGGING for LOG_LEVEL and LOG_FORMAT.

    Loggers that Django and granian give handlers of their own lose them: those formats know no secrets.
    """
    plain = {"handlers": [], "propagate": True}
    others = "INFO" if level == "DEBUG" else level
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"crashes": {"()": "config.logs.lines.Crashes"}},
        "formatters": {"line": {"()": "config.logs.lines.Lines", "form": form}},
        "handlers": {"stderr": {"()": "config.logs.lines.Handler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": others},
        "loggers": {
            **dict.fromkeys(("django", "django.server", "_granian", "granian.access"), plain),
            **{name: {"level": level} for name in OURS},
            # Each request has a line of its own (config.logs.asking); of these remain crashes.
            "django.request": {"level": "ERROR", "filters": ["crashes"]},
            # Three lines for each task, however little it does: that it was sent, taken, and is over.
            **{name: {"level": "WARNING"} for name in _OF_EACH_TASK},
        },
    }
