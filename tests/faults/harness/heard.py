"""A request as the servers of a run read it from a connection."""

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heard:
    """One request; names of headers are in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


async def heard(reader: asyncio.StreamReader) -> Heard | None:
    """The next one on this connection; None where there is none."""
    first = (await reader.readline()).decode("latin-1").split()
    if not first:
        return None
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Heard(first[0], first[1], headers, body)
