"""What a log line tells of an exception: where it came from, and of its text what says nothing about anybody.

Exceptions repeat the values they stumbled over: `KeyError: 'Jane Doe'`, PostgreSQL's whole failing row. So a
text that we did not write is told without what it quotes.
"""

import re
import traceback
from collections.abc import Iterator

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db.utils import Error, IntegrityError, InterfaceError, OperationalError

from config.logs.redacting import REMOVED

#: Characters of a text that are told, and frames of a traceback, the innermost.
LONGEST, FRAMES = 300, 50
#: A quoted text, where the line was cut to its end, an address or a path, and a long number.
_VALUES = re.compile(
    r"""'(?:\\.|[^'\\])*'?|"(?:\\.|[^"\\])*"?|`[^`]*`?|\b[a-z]+://\S+|(?<!\S)[/?]\S+|\d{5,}"""
)
#: Rooms whose exceptions have texts of our own; kinds of others' that tell of servers, files and settings.
_OURS = frozenset({"accounts", "carriers", "config", "events", "trackers", "webhooks"})
_OF_SERVERS = (
    OperationalError,
    InterfaceError,
    IntegrityError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.IntegrityError,
    ImproperlyConfigured,
    CommandError,
)
_SYSTEM = frozenset({"builtins", "socket", "ssl", "redis"})


def text_of(error: BaseException) -> str:
    """Its text in one line, without values; "" where it has none. Keys are taken out elsewhere."""
    said = str(error).strip().partition("\n")[0][: 10 * LONGEST]
    if not _is_harmless(error):
        said = _VALUES.sub(f"'{REMOVED}'", said)
    return f"{said[:LONGEST]}{_place(error)}"


def traced(error: BaseException) -> str:
    """The traceback as Python writes it, with those texts, and without the values of variables."""
    return "".join(_chained(error)).rstrip()


def told(error: BaseException) -> str:
    """`ValueError: what it says`."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    said = text_of(error)
    return f"{name}: {said}" if said else name


def _chained(error: BaseException) -> Iterator[str]:
    chain = [(error, "")]
    while link := _link(chain[-1][0]):
        if any(link[0] is known for known, _ in chain):
            break
        chain.append(link)
    for one, between in reversed(chain):
        if one.__traceback__:
            yield "Traceback (most recent call last):\n"
            yield from traceback.format_tb(one.__traceback__, -FRAMES)
        yield f"{told(one)}\n{between}"


def _link(error: BaseException) -> tuple[BaseException, str] | None:
    if error.__cause__:
        return error.__cause__, "\nThe above exception was the direct cause of the following exception:\n\n"
    if error.__context__ and not error.__suppress_context__:
        return error.__context__, "\nDuring handling of the above exception, another exception occurred:\n\n"
    return None


def _is_harmless(error: BaseException) -> bool:
    room = type(error).__module__.partition(".")[0]
    return room in _OURS or isinstance(error, _OF_SERVERS) or (room in _SYSTEM and isinstance(error, OSError))


def _place(error: BaseException) -> str:
    """What PostgreSQL names beside its text: the kind of fault, the table, the constraint."""
    if not isinstance(error, Error) or not (diag := getattr(error.__cause__, "diag", None)):
        return ""
    named = (diag.sqlstate, diag.table_name, diag.constraint_name or diag.column_name)
    return f" ({', '.join(filter(None, named))})" if any(named) else ""
