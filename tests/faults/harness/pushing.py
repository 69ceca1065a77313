"""Ship24's pushes: each scan as it happens, sent again until somebody takes it, as carriers do."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.faults.harness import clock
from tests.faults.harness.history import History
from tests.faults.harness.told import ship24_push

#: Seconds that a push may take, and between two tries of it.
PATIENCE, AGAIN = 10.0, 1.0


class Pusher:
    """Tells what happens to the trackers that are followed, at the addresses in the folder's pushes.json.

    That file has, by merchant, the URLs under which each web is pushed to, and the secret that is shown.
    """

    def __init__(self, folder: Path, history: History) -> None:
        self._folder = folder
        self._history = history
        self._following: dict[str, asyncio.Task[None]] = {}

    def follow(self, given: str, parcel: Mapping[str, Any]) -> None:
        """Push what happens to this parcel from now on, and what has happened already is for the asking."""
        if given not in self._following:
            self._following[given] = asyncio.create_task(self._push_all(given, parcel))

    async def _push_all(self, given: str, parcel: Mapping[str, Any]) -> None:
        for scan in parcel["scans"]:
            wait = scan["after"] - clock.now(self._folder)
            if wait > 0:
                await asyncio.sleep(wait)
                await self._push(given, parcel, scan)

    async def _push(self, given: str, parcel: Mapping[str, Any], scan: dict[str, Any]) -> None:
        places = json.loads((self._folder / "pushes.json").read_text())[str(parcel["merchant"])]
        began = datetime.fromtimestamp(int(clock.began(self._folder).at), UTC) - timedelta(hours=6)
        body = json.dumps(ship24_push(given, [scan], began)).encode()
        turn = scan["n"]
        while True:
            url = places["urls"][turn % len(places["urls"])]
            status = await _posted(url, places["secret"], body)
            self._history.note(what="pushed", number=parcel["number"], scans=[scan["n"]], status=status)
            if 200 <= status < 300:
                return
            turn += 1
            await asyncio.sleep(AGAIN)


async def _posted(url: str, secret: str, body: bytes) -> int:
    """The status; 0 where there was no answer."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.TimeoutError):
        return await asyncio.wait_for(_exchange(url, secret, body), PATIENCE)
    return 0


async def _exchange(url: str, secret: str, body: bytes) -> int:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        head = f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {secret}\r\n"
        head += "Content-Type: application/json\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        words = (await reader.readline()).split()
        return int(words[1]) if len(words) > 1 else 0
    finally:
        writer.close()
