"""Where secrets and personal values stand: in which columns of the database, in which answers over HTTP."""

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests

_TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1
"""
#: What differs from one parcel to the next in a path.
_NAMED = re.compile(r"(?<=/)([0-9a-f-]{36}|[A-Za-z0-9_-]{40,}|\d+|(HS|VN)[A-Z0-9-]+)(?=/|$)")

#: The names of values by the place that they stand in.
Found = dict[str, set[str]]


def columns(connection: Any, values: Mapping[str, str]) -> Found:
    """Which values stand in which columns, of every row of every table: packed is read, encrypted is not."""
    found: Found = {}
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    add(found, f"{table}.{name}", plain(value), values)
    return found


def plain(value: object) -> str:
    """Any value of a row as text, whatever it is packed in."""
    if isinstance(value, memoryview | bytes | bytearray):
        data = bytes(value)
        with suppress(zlib.error):
            data = zlib.decompress(data)
        return data.decode(errors="replace")
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def add(found: Found, place: str, text: str, values: Mapping[str, str]) -> None:
    """Note which of the values are in the text, as they are or as JSON writes them."""
    held = {name for name, value in values.items() if value in text or json.dumps(value)[1:-1] in text}
    if held:
        found.setdefault(place, set()).update(held)


@dataclass
class Answers:
    """Every answer that came over HTTP while `watching`: by its method and its path without names."""

    heard: list[tuple[str, str]] = field(default_factory=list)

    def watching(self, patch: pytest.MonkeyPatch) -> None:
        send = requests.Session.send

        def sent(session: requests.Session, request: requests.PreparedRequest, **more: Any) -> Any:
            answer = send(session, request, **more)
            path = _NAMED.sub("*", unquote(urlsplit(str(request.url)).path))
            head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            self.heard.append((f"{request.method} {path} {answer.status_code}", f"{head}\n\n{answer.text}"))
            return answer

        patch.setattr(requests.Session, "send", sent)

    def found(self, values: Mapping[str, str]) -> Found:
        """Which values stand in which kinds of answers."""
        found: Found = {}
        for place, text in self.heard:
            add(found, place, text, values)
        return found


def beyond(found: Found, allowed: Mapping[str, Iterable[str]]) -> Found:
    """What stands elsewhere than it may: `allowed` has patterns of the names, by patterns of the place."""
    left = {
        place: {name for name in names if not _is(place, name, allowed)} for place, names in found.items()
    }
    return {place: names for place, names in left.items() if names}


def unused(found: Found, allowed: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Allowances that nothing needs."""
    for place, names in allowed.items():
        for name in names:
            one = {place: [name]}
            if not any(_is(at, what, one) for at, whats in found.items() for what in whats):
                yield f"{place}: {name}"


def _is(place: str, name: str, allowed: Mapping[str, Iterable[str]]) -> bool:
    return any(
        re.fullmatch(where, place) and any(re.fullmatch(what, name) for what in whats)
        for where, whats in allowed.items()
    )
