"""One line of the log: its fields, cleaned, as JSON or for reading."""

import contextlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from structlog.contextvars import get_contextvars
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.typing import EventDict

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
#: What a terminal takes for a command, and what no encoding has; a tab and a line break are none.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WITHHELD = "a line was withheld: without what looked like a secret it was no JSON any more"


class Lines(logging.Formatter):
    """Formats every record, whoever wrote it; the whole line is cleaned once more when it is complete."""

    def __init__(self, form: str) -> None:
        """`form`: json or console."""
        super().__init__()
        self._is_json = form == "json"
        self._render = _as_json if self._is_json else _for_reading()
        self._process = programs.own_name()

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; for reading, a traceback may follow."""
        error = _error_of(record)
        line: dict[str, Any] = {
            "timestamp": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _event(record, error),
            "process": self._process,
            "pid": record.process,
        }
        around, given = get_contextvars(), record.__dict__
        line |= {
            name: given.get(name, around.get(name)) for name in FIELDS if name in given or name in around
        }
        if record.exc_info and error:
            line["exception"] = traced(error)
        return self._cleaned(line)

    def _cleaned(self, line: EventDict) -> str:
        """First each field, then the whole: a name and its value may stand in two. Most need neither."""
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


def _error_of(record: logging.LogRecord) -> BaseException | None:
    if isinstance(record.msg, BaseException):
        return record.msg
    return record.exc_info[1] if record.exc_info else None


def _event(record: logging.LogRecord, error: BaseException | None) -> str:
    """The text with harmless values: exceptions say what may be said, a raw path is its route."""
    if error and record.msg in _own_texts(error):  # Django writes of a suspicious request what it raised
        return told(error)
    if not record.args:
        return str(record.msg)
    request = getattr(record, "request", None)
    path = getattr(request, "path", None)

    def harmless(value: object) -> object:
        if isinstance(value, BaseException):
            return text_of(value)
        return route_of(request) if path and value == path else value

    if not isinstance(record.args, Mapping):
        return str(record.msg) % tuple(map(harmless, record.args))
    # Celery gives the exception's own text beside it.
    own = {"exc": text_of(error)} if error and "exc" in record.args else {}
    return str(record.msg) % ({name: harmless(value) for name, value in record.args.items()} | own)


def _own_texts(error: BaseException) -> tuple[object, ...]:
    return error, str(error)


def route_of(request: object) -> str:
    """The pattern that the request's path matched, never the path: it may have a token, or a name."""
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match else "(no route)"


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
    return value if isinstance(value, int | float) else _CONTROLS.sub(_escaped, str(value))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _for_reading() -> Callable[[EventDict], str]:
    """As a terminal shows it best. What somebody else wrote neither begins a line nor commands it."""
    render = ConsoleRenderer(
        colors=False, exception_formatter=plain_traceback, pad_event_to=0, pad_level=False
    )

    def rendered(line: EventDict) -> str:
        line = {name: _shown(value) for name, value in line.items() if name not in {"process", "pid"}}
        event = line["event"].replace("\n", "\\n")
        return str(render(None, "", {**line, "event": event}))

    return rendered
