"""A fake carrier: a real HTTP server on loopback that answers each number as told.

It speaks all24's way of asking; the answers are whatever a test says.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.serving import serving

DATA = Path(__file__).parent / "carriers" / "data"

Reply = tuple[int, bytes] | Callable[[], tuple[int, bytes]]


def order(number: str, *codes: str, day: str = "2026-03-01", **fields: Any) -> tuple[int, bytes]:
    """An all24 answer for one number: these event codes, a minute apart, listed newest first."""
    history = [
        {
            "event_time": f"{day} 12:{minute:02}:00",
            "event_name": f"Event {code}",
            "event_code": code,
            "location_ref": "",
            "location": {"location_name": "Depot", "service_area": "Bangkok", "postcode": "10110"},
        }
        for minute, code in enumerate(codes)
    ]
    body = {
        number: {
            "origin_order_date": "2026-03-01T11:12:00+07:00",
            "order_ref_id": "",
            "hs_order_ref": number,
            "history": history[::-1],
        }
        | fields,
        "response_code": 200,
        "error_codes": [],
    }
    return 200, json.dumps(body).encode()


class CarrierServer(ThreadingHTTPServer):
    """Answers `replies[number]`, a 404 for a number it was not told of; records which numbers were asked."""

    request_queue_size = 512
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[str, Reply] = {}
        self.asked: list[str] = []
        self.most_at_once: dict[str, int] = defaultdict(int)
        #: Set unless a test holds answers back.
        self.gate = threading.Event()
        self.gate.set()
        self._open: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def reply(self, number: str) -> tuple[int, bytes]:
        with self._lock:
            self.asked.append(number)
            self._open[number] += 1
            self.most_at_once[number] = max(self.most_at_once[number], self._open[number])
        self.gate.wait(180)
        with self._lock:
            self._open[number] -= 1
            reply = self.replies.get(number, (404, b'{"response_code": 404, "error_codes": ["unknown"]}'))
        return reply() if callable(reply) else reply

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: CarrierServer

    def do_GET(self) -> None:
        number = parse_qs(urlsplit(self.path).query)["hs_order_ref"][0]
        status, body = self.server.reply(number)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Tests are quiet."""


@contextmanager
def carrier_server() -> Iterator[CarrierServer]:
    """A carrier that runs while the block does."""
    with serving(CarrierServer()) as server:
        try:
            yield server
        finally:
            server.gate.set()
