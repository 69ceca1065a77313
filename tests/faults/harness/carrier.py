"""`python -m tests.faults.harness.carrier FOLDER PORT`: the carriers of a run, as its plan has them.

all24 is asked for one parcel, and tells the scans that have happened by then. Ship24 keeps trackers, is
asked, and pushes what happens, again and again until it is told that the push was taken. Whatever is asked,
answered or pushed is noted in carrier.jsonl. While the plan has a fault `carrier_ill`, both are ill so.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.faults.harness import clock
from tests.faults.harness.heard import heard
from tests.faults.harness.history import History
from tests.faults.harness.pushing import Pusher
from tests.faults.harness.told import all24_order, ship24_tracking

#: Seconds by which an ill carrier is slow, and for which it says nothing.
SLOW, HANG = 1.0, 60.0
_SHIP24 = "/public/v1/trackers"
_REASONS = {200: "OK", 201: "Created", 404: "Not Found", 500: "Internal Server Error"}


@dataclass(slots=True)
class Question:
    """One request."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


class Carriers:
    """Both carriers. A parcel is found by its number; at Ship24 a tracker by the id that its client gave."""

    def __init__(self, folder: Path, plan: Mapping[str, Any]) -> None:
        self._folder = folder
        self._faults = [fault for fault in plan["faults"] if fault["kind"] == "carrier_ill"]
        self._parcels = {parcel["number"]: parcel for parcel in plan["parcels"]}
        self._history = History(folder / "carrier.jsonl")
        self._pusher = Pusher(folder, self._history)
        self._trackers: dict[str, str] = {}
        self._questions = 0

    async def serve(self, port: int) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", port, backlog=512)
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while question := await _question(reader):
                await self._answer(question, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever asked went away: its question stands without an answer
        finally:
            writer.close()

    async def _answer(self, question: Question, writer: asyncio.StreamWriter) -> None:
        self._questions += 1
        own = {"n": self._questions, "account": _account(question), "number": self._number(question)}
        self._history.note(what="asked", method=question.method, **own)
        ill = self._illness()
        if ill in {"slow", "hang"}:
            await asyncio.sleep(SLOW if ill == "slow" else HANG)
        status, answer, scans = self._told(question) if ill != "500" else (500, {"ill": True}, [])
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        whole = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        writer.write(whole[: len(whole) // 2] if ill == "cut" else whole)
        await writer.drain()
        if ill == "cut":
            writer.transport.abort()
            self._history.note(what="cut", **own)
            raise ConnectionResetError("ill")
        self._history.note(what="answered", status=status, scans=scans, **own)

    def _illness(self) -> str:
        now = clock.now(self._folder)
        return next((fault["how"] for fault in self._faults if 0 <= now - fault["at"] < fault["for"]), "")

    def _told(self, question: Question) -> tuple[int, Any, list[int]]:
        """The status, the answer, and which scans it tells."""
        if question.path.endswith("/v1/tracking/orders"):
            return self._tell_order(self._number(question))
        return self._tell_tracker(question)

    def _tell_order(self, number: str) -> tuple[int, Any, list[int]]:
        scans = self._happened(number)
        if number not in self._parcels or not scans:
            return 404, {"response_code": 404, "error_codes": [404]}, []
        order = all24_order(number, scans, self._began())
        return 200, {number: order, "response_code": 200, "error_codes": []}, [scan["n"] for scan in scans]

    def _tell_tracker(self, question: Question) -> tuple[int, Any, list[int]]:
        if question.method == "POST" and question.path == _SHIP24:
            wishes = json.loads(question.body)
            given, number = wishes["clientTrackerId"], wishes["trackingNumber"]
            self._trackers[given] = number
            self._pusher.follow(given, self._parcels[number])
            return 201, {"data": {"tracker": _tracker(given)}}, []
        given = question.path.removeprefix(f"{_SHIP24}/").removesuffix("/results")
        if given not in self._trackers:
            error = {"code": "tracker_not_found", "message": "There is no such tracker."}
            return 404, {"errors": [error], "data": None}, []
        if question.method == "PATCH":
            return 200, {"data": {"tracker": _tracker(given)}}, []
        scans = self._happened(self._trackers[given])
        told = ship24_tracking(given, scans, self._began())
        return 200, {"data": {"trackings": [told]}}, [scan["n"] for scan in scans]

    def _happened(self, number: str) -> list[dict[str, Any]]:
        now = clock.now(self._folder)
        parcel = self._parcels.get(number)
        return [scan for scan in parcel["scans"] if scan["after"] <= now] if parcel else []

    def _began(self) -> datetime:
        """The moment of which scans tell; it stays the same through a run."""
        return datetime.fromtimestamp(int(clock.began(self._folder).at), UTC) - timedelta(hours=6)

    def _number(self, question: Question) -> str:
        if question.path.endswith("/v1/tracking/orders"):
            return question.query.get("hs_order_ref", [""])[0]
        if question.path == _SHIP24:
            return str(json.loads(question.body)["trackingNumber"])
        given = question.path.removeprefix(f"{_SHIP24}/").removesuffix("/results")
        return self._trackers.get(given, "")


def _account(question: Question) -> str:
    """The key that was shown."""
    return question.headers.get("hs-api-key") or question.headers.get("authorization", "")[7:]


def _tracker(given: str) -> dict[str, Any]:
    return {"trackerId": f"there-{given}", "clientTrackerId": given, "isSubscribed": True}


async def _question(reader: asyncio.StreamReader) -> Question | None:
    """The next one on this connection; None where there is none."""
    asked = await heard(reader)
    if asked is None:
        return None
    address = urlsplit(asked.target)
    return Question(asked.method, address.path, parse_qs(address.query), asked.headers, asked.body)


def main(folder: Path, port: int) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    asyncio.run(Carriers(folder, plan).serve(port))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
