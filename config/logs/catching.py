"""What would be written past the log: exceptions that nobody catches, and Python's warnings."""

import logging
import logging.config
import os
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

logger = logging.getLogger(__name__)


def start(logging_settings: Mapping[str, Any]) -> None:
    """For a process that serves: all that it writes goes through the log from now on."""
    logging.config.dictConfig(dict(logging_settings))
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread


def say(message: str, *_: object) -> None:
    """Write a line from within a signal's handler, which may have come in the middle of another line."""
    told = {"name": __name__, "levelname": "INFO", "levelno": logging.INFO, "msg": message.strip()}
    record = logging.makeLogRecord(told | {"process": os.getpid()})
    for handler in logging.getLogger().handlers[:1]:
        os.write(2, f"{handler.format(record)}\n".encode())


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logger.critical("the process ends", exc_info=(kind, error, trace))


def _uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
    name = given.thread.name if given.thread else "unknown"
    if given.exc_value and not isinstance(given.exc_value, SystemExit):
        logger.critical("the thread %s ends", name, exc_info=given.exc_value)


def _unraisable(given: "UnraisableHookArgs") -> None:
    """An exception in a finaliser; the object's own text is left out."""
    logger.error("an exception was ignored: %s", given.err_msg or "in a finaliser", exc_info=given.exc_value)
