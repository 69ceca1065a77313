"""Values in PostgreSQL's binary form, as COPY takes them. Pure.

A row is the number of its columns in 16 bits, then each column: the length of its value in 32 bits, and the
value.
"""

import struct
from datetime import UTC, datetime, timedelta

NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LENGTH = struct.Struct("!i")
_TIMESTAMP = struct.Struct("!iq")


def text(value: str) -> bytes:
    """A column of type text or varchar. What is no text is left to PostgreSQL to refuse."""
    packed = value.encode("utf-8", "surrogatepass")
    return _LENGTH.pack(len(packed)) + packed


def octets(value: bytes) -> bytes:
    """A column of type bytea."""
    return _LENGTH.pack(len(value)) + value


def jsonb(value: bytes) -> bytes:
    """A column of type jsonb, of rendered JSON; 1 is the version of that form."""
    return _LENGTH.pack(len(value) + 1) + b"\x01" + value


def timestamp(moment: datetime | None) -> bytes:
    """A column of type timestamptz, null where there is none."""
    return NULL if moment is None else _TIMESTAMP.pack(8, microseconds(moment))


def microseconds(moment: datetime) -> int:
    """What a timestamptz is: since the year 2000 in UTC."""
    return (moment - _EPOCH) // _MICROSECOND
