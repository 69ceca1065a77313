"""A carrier's body as JSON values that can be compared and stored: pure, and total over hostile bytes."""

import json
import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, DecimalException
from typing import Any, NoReturn, TypeVar

from carriers.exceptions import BadResponse

#: Characters of a text that is shown, and of one that is only kept.
SHOWN = 255
KEPT = 4_000
#: Deeper than any carrier's format, and far from where storing it would fail.
MAX_DEPTH = 40
#: More scans than any parcel has.
MAX_ENTRIES = 1_000
#: Digits of money and sizes; what is longer is kept as the text it came as.
MAX_DIGITS = 30

_NESTING = frozenset({dict, list})
_AS_IS = frozenset({str, int, bool, type(None)})

Read = TypeVar("Read")

#: What of a carrier's text an error may repeat: a short code, no sentence, address or key of any length.
_TOKEN = re.compile(r"[A-Za-z0-9_ .-]{1,60}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
#: How a JSON text without raw control characters, decoded from UTF-8, can bring one of those.
_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_DECIMAL = re.compile(rf"[+-]?\d{{1,{MAX_DIGITS}}}(\.\d{{1,{MAX_DIGITS}}})?", re.ASCII)


def document(body: bytes) -> dict[str, Any]:
    """The JSON object that `body` is, every string of it storable, every fraction a Decimal.

    NUL and lone surrogates, which PostgreSQL refuses, and bytes that are not UTF-8 become U+FFFD. A byte
    order mark is fine. Raises BadResponse for anything else than one JSON object, for NaN, Infinity and
    numbers that no database holds, and for nesting deeper than MAX_DEPTH.
    """
    # Raised outside the handler: the decoder's error would carry the whole body along.
    value, trouble = _decoded(body)
    if trouble is None and not isinstance(value, dict):
        trouble = f"it is a JSON {kind(value)}"
    if trouble is not None:
        raise BadResponse(f"The answer is not the JSON object that it should be: {trouble}")
    document: dict[str, Any] = value
    return document


def text(value: object, limit: int = SHOWN) -> str | None:
    """A JSON scalar as trimmed text of at most `limit` characters; None for null, "", lists and objects."""
    match value:
        case str():
            found = value.strip()
        case bool():
            found = "true" if value else "false"
        case int():
            found = str(value)
        case Decimal():
            found = str(int(value)) if value == value.to_integral_value() else str(value)
        case _:
            return None
    return found[:limit] or None


def fields(value: object) -> dict[str, Any]:
    """The fields of an object; of anything else there are none."""
    return value if isinstance(value, dict) else {}


def lines(value: object) -> str | None:
    """A text, or several in a list, a line each."""
    found = (text(item, KEPT) for item in (value if isinstance(value, list) else [value]))
    return "\n".join(filter(None, found))[:KEPT] or None


def entries(value: object, field: str) -> list[object]:
    """The items of a list that may be absent, or alone without its list. Else raises BadResponse."""
    match value:
        case None | "":
            return []
        case dict():
            return [value] if value else []
        case list() if len(value) <= MAX_ENTRIES:
            return value
        case list():
            raise BadResponse(f"{field} holds {len(value)} entries, more than any parcel has")
    raise BadResponse(f"{field} is a JSON {kind(value)}, not a list")


def readable(
    items: Iterable[object], what: str, read: Callable[[dict[str, Any]], Read]
) -> tuple[list[Read], list[str]]:
    """What `read` makes of the objects among `items`, and what could not be read: a short text for each.

    An object without a field tells nothing, and cannot be read either.
    `read` raises ValueError with such a text; `what` names an item with its article.
    """
    found, set_aside = [], []
    for item in items:
        if not isinstance(item, dict) or not item:
            set_aside.append(f"not {what}: {named(item)}")
            continue
        try:
            found.append(read(item))
        except ValueError as error:
            set_aside.append(str(error))
    return found, set_aside


def decimal(value: object) -> str | None:
    """Money or a size as decimal text, never through float; a text that is no plain number as it came."""
    match value:
        case bool():
            return text(value)
        case int():
            return str(value)[:KEPT]
        case Decimal():
            plain = abs(value.adjusted()) <= MAX_DIGITS and -int(value.as_tuple().exponent) <= MAX_DIGITS
            return f"{value:f}" if plain else str(value)[:KEPT]
    found = text(value)
    return f"{Decimal(found):f}" if found and _DECIMAL.fullmatch(found) else found


def to_store(value: Any) -> Any:
    """What `document` returned, or a part of it, as plain JSON values.

    A number with a fraction or an exponent becomes a string, exactly as the carrier wrote it: as a JSON
    number it would come back as a float. Whole numbers stay numbers.
    """
    if isinstance(value, dict):
        return {key: item if type(item) in _AS_IS else to_store(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_store(item) for item in value]
    return value.literal if isinstance(value, _Fraction) else value


def token(value: object) -> str | None:
    """A carrier's code as an error may repeat it; None for all that is longer or holds other characters."""
    found = text(value)
    return found if found and _TOKEN.fullmatch(found) else None


def named(value: object) -> str:
    """How an error names a value that should be something else: a code as it came, of others the type."""
    return token(value) or kind(value)


def kind(value: object) -> str:
    """What JSON calls a value of this type."""
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _decoded(body: bytes) -> tuple[Any, str | None]:
    """The value, or what is wrong with it."""
    text = body.decode("utf-8-sig", "replace")
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_fraction,
            parse_int=_integer,
        )
        # As many brackets as that are not too deep: most answers are read without a look at each value.
        if text.count("{") + text.count("[") > MAX_DEPTH:
            _refuse_depth(value)
        return (_storable(value) if _ESCAPED.search(text) else value), None
    except RecursionError:
        return None, f"nested deeper than {MAX_DEPTH}"
    except json.JSONDecodeError as error:
        # Its own words would repeat a character of the body.
        return None, f"it is no JSON from line {error.lineno}, column {error.colno} on"
    except ValueError as error:
        return None, str(error)


def _refuse_depth(value: object) -> None:
    """Look at all lists and objects of one depth together: that is quicker than one by one."""
    nested = [value]
    for _ in range(MAX_DEPTH):
        nested = [item for outer in nested for item in _items(outer) if type(item) in _NESTING]
        if not nested:
            return
    raise ValueError(f"nested deeper than {MAX_DEPTH}")


def _items(value: Any) -> Iterable[object]:
    items: Iterable[object] = value.values() if type(value) is dict else value
    return items


def _storable(value: Any) -> Any:
    match value:
        case str():
            return _UNSTORABLE.sub("\ufffd", value)
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {_storable(key): _storable(item) for key, item in value.items()}
    return value


class _Fraction(Decimal):
    """A number that knows how it was written: 1e3 and 1000.0 are one Decimal."""

    literal: str


def _fraction(literal: str) -> _Fraction:
    try:
        value = _Fraction(literal)
    except DecimalException as error:
        raise ValueError("a number is out of range") from error
    if not math.isfinite(float(value)):
        raise ValueError("a number is out of range")
    value.literal = literal
    return value


def _integer(literal: str) -> int:
    try:
        return int(literal)
    except ValueError as error:  # more digits than Python converts
        raise ValueError("a number is out of range") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
