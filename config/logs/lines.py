"""One line of the log: its fields, cleaned, as JSON or for reading."""

import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from structlog.contextvars import merge_contextvars
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import TimeStamper
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, WrappedLogger

from config import programs
from config.logs.errors import text_of, told, traced
from config.logs.redacting import is_suspicious, redacted

#: What a line may say besides its text, in `extra` or bound around it: ids, words and figures of ours. What
#: others add (Django a whole request, Celery a task's arguments) is left out.
FIELDS = (
    "request_id", "merchant_id", "tracker_id", "watch_id", "message_id", "delivery_id", "endpoint_id",
    "carrier_account_id", "courier", "task", "task_id", "notice_id", "outcome", "try",
    "method", "route", "status", "milliseconds", "seconds", "counts",
)  # fmt: skip
_ALWAYS = ("timestamp", "level", "logger", "event", "process", "pid")
_ORDER = (*_ALWAYS, *FIELDS, "exception")
_WITHHELD = "a line was withheld: without what looked like a secret it was no JSON any more"


class Lines(ProcessorFormatter):
    """Formats every record, whoever wrote it; the whole line is cleaned once more when it is complete."""

    def __init__(self, form: str) -> None:
        """`form`: json or console."""
        self._is_json = form == "json"
        self._render = _as_json if self._is_json else _for_reading()
        self._process = programs.own_name()
        super().__init__(
            foreign_pre_chain=[
                self._named,
                add_log_level,
                add_logger_name,
                merge_contextvars,
                ExtraAdder(allow=FIELDS),
                TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                _with_its_fault,
                self._cleaned,
            ],
        )

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; for reading, a traceback may follow."""
        return super().format(_without_values(record))

    def _named(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        line["process"], line["pid"] = self._process, line["_record"].process
        return line

    def _cleaned(self, _logger: WrappedLogger, _method: str, line: EventDict) -> str:
        """First each field, then the whole: a name and its value may stand in two. Most need neither."""
        line = {name: line[name] for name in _ORDER if name in line}
        text = self._render(line)
        if not is_suspicious(text):
            return text
        final = redacted(self._render({name: _clean(value) for name, value in line.items()}))
        if self._is_json and not _is_json(final):
            return self._render({name: line[name] for name in _ALWAYS} | {"event": _WITHHELD})
        return final


class Handler(logging.StreamHandler[Any]):
    """To standard error. A record that cannot be written is told of without what it holds."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Python would print the record's arguments as they are."""
        line = {"event": "a line could not be written", "level": "error", "logger": record.name}
        with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
            self.stream.write(json.dumps(line) + self.terminator)


class Crashes(logging.Filter):
    """Lets pass what tells of an exception."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.exc_info is not None


def _without_values(record: logging.LogRecord) -> logging.LogRecord:
    """A copy whose arguments are harmless: exceptions say what may be said, a raw path is its route."""
    if isinstance(record.msg, BaseException):
        return logging.makeLogRecord(record.__dict__ | {"msg": told(record.msg), "args": ()})
    if not (record.args or record.exc_info):
        return record
    record = logging.makeLogRecord(record.__dict__)
    error = record.exc_info[1] if record.exc_info else None
    if error and record.msg == str(error):  # Django writes of a suspicious request what it raised
        record.msg, record.args = told(error), ()
    request = getattr(record, "request", None)
    path = getattr(request, "path", None)

    def harmless(value: object) -> object:
        if isinstance(value, BaseException):
            return text_of(value)
        return route_of(request) if path and value == path else value

    if isinstance(record.args, tuple):
        record.args = tuple(map(harmless, record.args))
    elif isinstance(record.args, Mapping):
        # Celery's own, beside the exception.
        own = {"exc": text_of(error)} if error and "exc" in record.args else {}
        record.args = {name: harmless(value) for name, value in record.args.items()} | own
    return record


def route_of(request: object) -> str:
    """The pattern that the request's path matched, never the path: it may have a token, or a name."""
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match else "(no route)"


def _with_its_fault(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    found = line.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found
    line.pop("stack_info", None)
    if isinstance(error, BaseException):
        line["exception"] = traced(error)
    return line


def _clean(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {redacted(str(name)): _clean(one) for name, one in value.items()}
    return redacted(str(value))


def _as_json(line: EventDict) -> str:
    return json.dumps(line, separators=(",", ":"), default=str)


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _shown(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else str(value)


def _for_reading() -> Callable[[EventDict], str]:
    """As a terminal shows it best. What somebody else wrote cannot begin a line of its own."""
    render = ConsoleRenderer(
        colors=False, exception_formatter=plain_traceback, pad_event_to=0, pad_level=False
    )

    def rendered(line: EventDict) -> str:
        line = {name: _shown(value) for name, value in line.items() if name not in {"process", "pid"}}
        event = str(line["event"]).replace("\r", "\\r").replace("\n", "\\n")
        return str(render(None, "", {**line, "event": event}))

    return rendered
