"""Values in PostgreSQL's binary form, as `accounts.running` gives them. Pure."""

import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

#: A `boolean` that is true.
TRUE = b"\1"


def uuid(value: bytes | None) -> UUID:
    """Of a `uuid`. Raises TypeError for null, as all here do that do not take it."""
    return UUID(bytes=_there(value))


def number(value: bytes | None) -> int:
    """Of a `smallint`, `integer` or `bigint`."""
    return int.from_bytes(_there(value), "big", signed=True)


def float8(value: bytes | None) -> float:
    """Of a `double precision`."""
    found: float = struct.unpack(">d", _there(value))[0]
    return found


def text(value: bytes | None) -> str:
    """Of a `text` or `varchar`, in a database whose encoding is UTF-8."""
    return _there(value).decode()


def moment(value: bytes | None) -> datetime:
    """Of a `timestamptz`."""
    return _EPOCH + timedelta(microseconds=number(value))


def _there(value: bytes | None) -> bytes:
    if value is None:
        raise TypeError("a null where a value was expected")
    return value
