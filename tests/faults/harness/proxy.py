"""Ways to servers that can be disturbed: cut, frozen, slowed down, torn in the middle of what they carry."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: What a way can be like.
#: pass: it copies. cut: every connection is reset, new ones are refused. frozen: new connections are taken
#: and nothing is copied, as if all packets were lost. slow: each piece waits for LATENCY. trickle: byte after
#: byte. torn: half of the next piece of each connection passes, then it is reset.
MODES = ("pass", "cut", "frozen", "slow", "trickle", "torn")
#: Seconds by which a slow way delays each piece, and between two bytes of one that trickles.
LATENCY, BETWEEN = 0.2, 0.05
_PIECE = 65536
#: SO_LINGER that makes a close a reset.
_RESET = struct.pack("ii", 1, 0)
_HOST = "127.0.0.1"


class Way:
    """One port that leads to a server. Made by `Ways.open`; `set` may be called from any thread."""

    def __init__(self, ways: "Ways", to: tuple[str, int]) -> None:
        self._ways = ways
        self._to = to
        self._mode = "pass"
        self._changed = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        # Bound and never listening: keeps the port ours while the way is cut.
        self._holder = _bound(0)
        self.port: int = self._holder.getsockname()[1]

    @property
    def mode(self) -> str:
        return self._mode

    def set(self, mode: str) -> None:
        """Be like this from now on: one of MODES. Returns when it is."""
        if mode not in MODES:
            raise ValueError(f"a way is never {mode!r}")
        self._ways.run(self._become(mode))

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, sock=_bound(self.port), backlog=256)

    async def close(self) -> None:
        await self._stop_listening()
        self._holder.close()

    async def _become(self, mode: str) -> None:
        self._mode = mode
        self._changed.set()
        self._changed = asyncio.Event()
        if mode == "cut":
            await self._stop_listening()
        elif self._server is None:
            await self.listen()

    async def _stop_listening(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for each in self._open:
            _reset(each)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(*self._to)
            self._open.add(far_writer)
            both = [
                asyncio.ensure_future(self._copy(reader, far_writer)),
                asyncio.ensure_future(self._copy(far_reader, writer)),
            ]
            await asyncio.wait(both)
            self._open.discard(far_writer)
            _close(far_writer)
        self._open.discard(writer)
        _close(writer)

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Until the source ends; then the target is told so."""
        with contextlib.suppress(OSError):
            while piece := await source.read(_PIECE):
                await self._carry(piece, target)
        with contextlib.suppress(OSError):
            target.write_eof()

    async def _carry(self, piece: bytes, target: asyncio.StreamWriter) -> None:
        while self._mode == "frozen":
            await self._changed.wait()
        if self._mode == "slow":
            await asyncio.sleep(LATENCY)
        elif self._mode == "trickle":
            piece = await self._trickled(piece, target)
        elif self._mode == "torn":
            target.write(piece[: len(piece) // 2])
            await target.drain()
            raise ConnectionResetError(_reset(target))
        target.write(piece)
        await target.drain()

    async def _trickled(self, piece: bytes, target: asyncio.StreamWriter) -> bytes:
        """What is left of it when the way trickles no more."""
        while piece and self._mode == "trickle":
            target.write(piece[:1])
            piece = piece[1:]
            await asyncio.sleep(BETWEEN)
        return piece


class Ways:
    """All ways of a run, on one thread of this process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ways", daemon=True)
        self._thread.start()
        self._all: list[Way] = []

    def open(self, host: str, port: int) -> Way:
        """A new way to this server, which need not be there yet."""
        way = Way(self, (host, port))
        self.run(way.listen())
        self._all.append(way)
        return way

    def close(self) -> None:
        """End all ways and what is connected by them."""
        for way in self._all:
            self.run(way.close())
        self.run(_ended())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(30)


async def _ended() -> None:
    """Wait until what passed on connections has noticed that these ended."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        made.setsockopt(socket.SOL_SOCKET, option, 1)
    made.bind((_HOST, port))
    return made


def _reset(writer: asyncio.StreamWriter) -> str:
    """Have the other side see a reset, at once, whatever was written and not sent yet."""
    own = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
    return "the way was torn"


def _close(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
