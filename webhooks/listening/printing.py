"""What the listener writes to the terminal: a hostile sender can put nothing there but printable letters."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice, pairwise
from typing import Any

from webhooks.listening.arrivals import Arrival
from webhooks.listening.verifying import Verdict

#: Letters of a header or path that are shown, of a line of the body, and lines of a body.
MOST_LETTERS, MOST_IN_A_LINE, MOST_LINES = 200, 4_000, 2_000
#: Levels of JSON that are told apart by indentation.
_DEEPEST = 40
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_OPENING, _CLOSING = {"{", "["}, {"}", "]"}
_WORDS = {True: "verified", False: "NOT VERIFIED", None: "not verified"}


def printable(text: str, most: int = MOST_LETTERS) -> str:
    """The text with escapes for whatever moves the cursor, colours, hides or turns around what is written."""
    shown = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text[:most]
    )
    return shown + "..." * (len(text) > most)


def moment(at: datetime) -> str:
    """`2026-03-01T11:09:00.123Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def account(arrival: Arrival, verdict: Verdict, status: int) -> str:
    """What arrived, what it is worth and why, what was answered, and the body."""
    text = arrival.body.decode(errors="backslashreplace")
    kind, is_json = _kind(text)
    lines = [
        f"{moment(arrival.at)} {printable(kind)}, POST {printable(arrival.path)}",
        *(f"  {name}: {printable(value)}" for name, value in arrival.headers if _is_ours(name)),
        *(f"  {printable(finding, MOST_IN_A_LINE)}" for finding in verdict.findings),
        f"  {_WORDS[verdict.verified]}, answered {status}",
        *(f"  {line}" for line in _body(text, len(arrival.body), is_json=is_json)),
    ]
    return "\n".join(lines)


def _is_ours(name: str) -> bool:
    return name.lower() in {"webhook-id", "webhook-timestamp"}


def _kind(text: str) -> tuple[str, bool]:
    """The message's type, and whether the body is JSON at all."""
    try:
        parsed: Any = json.loads(text)
    except (ValueError, RecursionError):
        return "(a body that is not JSON)", False
    kind = parsed.get("type") if isinstance(parsed, dict) else None
    return (kind, True) if isinstance(kind, str) else ("(a body without a type)", True)


def _body(text: str, size: int, *, is_json: bool) -> Iterator[str]:
    lines = indented(text) if is_json else iter(text.split("\n") if text else ())
    for line in islice(lines, MOST_LINES):
        yield printable(line, MOST_IN_A_LINE)
    if next(lines, None) is not None:
        yield f"... and more: {size} bytes in all"


def indented(text: str) -> Iterator[str]:
    """The lines of a JSON text. Its numbers and strings stay as they are written."""
    line, depth = "", 0
    pieces = (piece[0] for piece in _PIECE.finditer(text))
    for piece, following in pairwise(chain(pieces, [""])):
        line += f"{piece} " if piece == ":" else piece
        opens, closes = piece in _OPENING, following in _CLOSING
        depth += opens - closes
        if following and (piece == "," or opens != closes):
            yield line
            line = "  " * min(depth, _DEEPEST)
    yield line
