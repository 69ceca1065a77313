"""A fake Ship24: a real HTTP server on loopback that keeps trackers as Ship24 does, and what it pushes."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from django.db import connection

from tests.serving import serving

KEY = "apik_of_alice"
BASE = "/public/v1/trackers"


def event(event_id: str, milestone: str = "in_transit", at: str = "2026-03-01T12:00:00Z", **more: Any) -> Any:
    """One event; its code is null unless told."""
    told = {
        "eventId": event_id,
        "status": f"Event {event_id}",
        "occurrenceDatetime": at,
        "order": None,
        "location": "Depot",
        "sourceCode": "gb-post-tracking",
        "courierCode": "gb-post",
        "statusCode": None,
        "statusCategory": None,
        "statusMilestone": milestone,
    }
    return told | more


def tracking(tracker_id: object, *events: Any, **fields: Any) -> dict[str, Any]:
    """A tracking of our tracker, its events given oldest first; `shipment` may be given."""
    told = {
        "tracker": {"trackerId": str(uuid4()), "clientTrackerId": str(tracker_id), "isSubscribed": True},
        "shipment": {"statusMilestone": "pending", "delivery": {}},
        "events": list(events)[::-1],
        "statistics": {"timestamps": {}},
    }
    return told | fields


def push(*trackings: dict[str, Any], topic: str = "tracking/events") -> dict[str, Any]:
    """The body of a webhook, written now."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    written = {"generatedAt": now, "messageId": str(uuid4()), "topic": topic}
    return {"trackings": [{"metadata": written, **one} for one in trackings]}


@dataclass
class There:
    """A tracker at Ship24."""

    body: dict[str, Any]
    subscribed: bool = True
    events: list[Any] = field(default_factory=list)
    shipment: dict[str, Any] = field(default_factory=dict)


@dataclass
class Sent:
    method: str
    path: str
    query: dict[str, list[str]]
    authorization: str | None
    body: Any


class Ship24Server(ThreadingHTTPServer):
    """Trackers by the id that the client gave them. `instead[method]` answers the next such calls."""

    request_queue_size = 512
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.trackers: dict[str, There] = {}
        self.sent: list[Sent] = []
        self.instead: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        #: What a new tracker finds at once.
        self.finds: list[Any] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def methods(self) -> list[str]:
        return [sent.method for sent in self.sent]

    def says(self, method: str, status: int, code: str | None = None, **headers: str) -> None:
        """Answer the next call of this method with this error."""
        body = b"slow down" if code is None else json.dumps(_error(code)).encode()
        self.instead.setdefault(method, []).append((status, headers, body))

    def answer(self, sent: Sent) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            self.sent.append(sent)
            if self.instead.get(sent.method):
                return self.instead[sent.method].pop(0)
            if sent.authorization != f"Bearer {KEY}":
                status, body = 401, _error("auth_invalid_api_key")
            else:
                status, body = self._routed(sent)
            return status, {}, json.dumps(body).encode()

    def _routed(self, sent: Sent) -> tuple[int, Any]:
        if sent.method == "POST" and sent.path == BASE:
            given = sent.body["clientTrackerId"]
            standing = self.trackers.get(given)
            if standing and standing.subscribed and standing.body != sent.body:
                return 400, _error("tracker_conflict")
            self.trackers[given] = There(sent.body, events=list(self.finds))
            return 201, {"data": {"tracker": self._tracker(given)}}
        given = sent.path.removeprefix(f"{BASE}/").removesuffix("/results")
        if given not in self.trackers or sent.query != {"searchBy": ["clientTrackerId"]}:
            return 404, _error("tracker_not_found")
        if sent.method == "PATCH":
            self.trackers[given].subscribed = sent.body["isSubscribed"]
            return 200, {"data": {"tracker": self._tracker(given)}}
        there = self.trackers[given]
        shipment = {"statusMilestone": "pending", "delivery": {}} | there.shipment
        found = tracking(given, *there.events, tracker=self._tracker(given), shipment=shipment)
        return 200, {"data": {"trackings": [found]}}

    def _tracker(self, given: str) -> dict[str, Any]:
        there = self.trackers[given]
        return {
            "trackerId": str(uuid4()),
            "clientTrackerId": given,
            "trackingNumber": there.body["trackingNumber"],
            "isSubscribed": there.subscribed,
            "isTracked": there.subscribed,
        }

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news here."""


def _error(code: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": "In Ship24's words."}], "data": None}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Ship24Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        sent = Sent(self.command, parts.path, parse_qs(parts.query), self.headers.get("authorization"), body)
        status, headers, answer = self.server.answer(sent)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_PATCH = do_GET  # noqa: N815 (http.server's names)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Tests are quiet."""


def in_the_middle(there: Ship24Server, method: str, act: Callable[[], object]) -> None:
    """Do this once, when a call of this method was answered and its answer is not sent yet."""
    answer = there.answer
    waiting = [act]

    def slow(sent: Sent) -> Any:
        told = answer(sent)
        if sent.method == method and waiting:
            waiting.pop()()
            connection.close()
        return told

    there.answer = slow  # type: ignore[method-assign]


@contextmanager
def ship24_server() -> Iterator[Ship24Server]:
    """A Ship24 that runs while the block does."""
    with serving(Ship24Server()) as server:
        yield server
