"""`python -m tests.faults.harness.fleet FOLDER PORT CONTROL_PORT FORBIDDEN_PORT`: the subscribers of a run.

All endpoints of the plan at one port, each at `/e/N` and with ways of its own (`manners.py`). What arrives is
noted in subscribers.jsonl before it is answered, and each answer after its last byte was written. At the
control port the nemesis asks for moments, see `fleet_control.py`. Whoever comes to the forbidden port was
sent there by a redirect, which nobody may follow: that is noted too.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.harness import manners
from tests.faults.harness.heard import heard
from tests.faults.harness.history import History
from tests.faults.harness.manners import Answer

_HOST = "127.0.0.1"
#: Seconds for which a held request waits at most, whatever becomes of who asked for it.
HELD = 20.0


@dataclass(slots=True)
class Post:
    """One request, whole."""

    endpoint: int
    headers: dict[str, str]
    body: bytes
    peer: int


class Fleet:
    """All subscribers of a run."""

    def __init__(self, folder: Path, forbidden: int) -> None:
        self._folder = folder
        self._forbidden = forbidden
        plan = json.loads((folder / "plan.json").read_text())
        self._seed: int = plan["seed"]
        self._behaviours = {one["n"]: one["behaviour"] for one in plan["endpoints"]}
        self._history = History(folder / "subscribers.jsonl")
        self._tries: defaultdict[tuple[int, str], int] = defaultdict(int)
        self._heard: defaultdict[int, int] = defaultdict(int)
        self._posts = 0
        self._secrets: dict[str, str] = {}
        # Who waits for a request, for whom it is held, and who waits for a 200.
        self._to_hold: asyncio.Future[int] | None = None
        self._let_go = asyncio.Event()
        self._to_answer: asyncio.Future[int] | None = None

    async def serve(self, port: int, control: int) -> None:
        """Until the process is ended."""
        servers = [
            await asyncio.start_server(self._connected, _HOST, port, backlog=512),
            await asyncio.start_server(self._asked, _HOST, control),
            await asyncio.start_server(self._trespassed, _HOST, self._forbidden),
        ]
        await asyncio.gather(*(server.serve_forever() for server in servers))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while post := await _post(reader, writer):
                await self._answer(post, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever sent went away
        finally:
            writer.close()

    async def _answer(self, post: Post, writer: asyncio.StreamWriter) -> None:
        self._posts += 1
        nth, id_ = self._posts, post.headers.get("webhook-id", "")
        self._tries[post.endpoint, id_] += 1
        self._heard[post.endpoint] += 1
        named = {"n": nth, "endpoint": post.endpoint, "id": id_}
        self._history.note(what="arrived", **named, **self._facts(post))
        await self._hold(post.peer)
        answer = manners.answer(
            self._behaviours[post.endpoint],
            manners.chance(self._seed, post.endpoint, id_),
            self._tries[post.endpoint, id_],
            self._heard[post.endpoint],
            f"http://{_HOST}:{self._forbidden}/",
        )
        await asyncio.sleep(answer.after)
        await _write(answer, writer)
        wait = {"retry_after": int(answer.headers["Retry-After"])} if "Retry-After" in answer.headers else {}
        self._history.note(what="answered", status=0 if answer.torn else answer.status, **wait, **named)
        if answer.torn:
            raise ConnectionResetError("torn")
        if answer.status == 200 and self._to_answer and not self._to_answer.done():
            self._to_answer.set_result(post.peer)

    def _facts(self, post: Post) -> dict[str, Any]:
        said = json.loads(post.body)
        tracking = (said.get("trackings") or [{}])[0]
        metadata = tracking.get("metadata") or {}
        return {
            "peer": post.peer,
            "timestamp": int(post.headers.get("webhook-timestamp", 0)),
            "digest": hashlib.sha256(post.body).hexdigest(),
            "signature": "ok" if self._is_signed(post) else "wrong",
            "late": round(time.time() - int(post.headers.get("webhook-timestamp", 0)), 1),
            "type": said.get("type"),
            "tracker": (tracking.get("tracker") or {}).get("trackerId"),
            "sequence": metadata.get("sequence"),
            "previous": metadata.get("previousSequence"),
            "scans": [event.get("status") for event in tracking.get("events") or []],
        }

    def _is_signed(self, post: Post) -> bool:
        """Whether one of its signatures is that of Standard Webhooks, whatever the time is."""
        if not self._secrets:
            self._secrets = json.loads((self._folder / "secrets.json").read_text())
        key = base64.b64decode(self._secrets[str(post.endpoint)].removeprefix("whsec_"))
        head = f"{post.headers.get('webhook-id')}.{post.headers.get('webhook-timestamp')}.".encode()
        right = "v1," + base64.b64encode(hmac.digest(key, head + post.body, "sha256")).decode()
        told = post.headers.get("webhook-signature", "").split()
        return any(hmac.compare_digest(right, each) for each in told)

    async def _hold(self, peer: int) -> None:
        if self._to_hold and not self._to_hold.done():
            self._to_hold.set_result(peer)
            try:
                await asyncio.wait_for(self._let_go.wait(), HELD)
            except TimeoutError:
                return

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question, one answer, each a line of JSON."""
        question = json.loads(await reader.readline())
        waiting: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if question["ask"] == "let_go":
            self._let_go.set()
            waiting.set_result(0)
        elif question["ask"] == "hold":
            self._let_go.clear()
            self._to_hold = waiting
        else:
            self._to_answer = waiting
        try:
            peer = await asyncio.wait_for(waiting, question.get("within", 0.0))
        except TimeoutError:
            peer = 0  # cancelled with it: nobody is held any more
        writer.write(json.dumps({"peer": peer}).encode() + b"\n")
        await writer.drain()
        writer.close()

    async def _trespassed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._history.note(what="forbidden", peer=writer.get_extra_info("peername")[1])
        writer.close()


async def _write(answer: Answer, writer: asyncio.StreamWriter) -> None:
    head = f"HTTP/1.1 {answer.status} Said\r\nContent-Length: 2\r\n"
    whole = head + "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items()) + "\r\nok"
    writer.write(head[: len(head) // 2].encode() if answer.torn else whole.encode())
    await writer.drain()
    if answer.torn:
        writer.transport.abort()


async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Post | None:
    """The next one on this connection; None where there is none."""
    asked = await heard(reader)
    if asked is None:
        return None
    peer = writer.get_extra_info("peername")[1]
    return Post(int(asked.target.rpartition("/")[2]), asked.headers, asked.body, peer)


def main(folder: Path, port: int, control: int, forbidden: int) -> None:
    async def serve() -> None:
        await Fleet(folder, forbidden).serve(port, control)

    asyncio.run(serve())


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
