"""A carrier's desk: a real HTTP server that answers each number as a test says, and a merchant who asks.

It understands all24's way of asking and 247Express's.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount, Health
from tests.factories import CarrierAccountFactory
from tests.polled import poll_due
from tests.serving import serving
from trackers.creating import create
from trackers.models import Tracker, Watch
from trackers.serializers import TrackerCreateSerializer


@dataclass(frozen=True)
class Reply:
    """An answer; a body that is no bytes is sent as JSON."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


#: Instead of an answer: hang up, and say nothing until the desk closes.
HANG_UP, SILENCE = Reply(status=0), Reply(status=-1)


class Desk(ThreadingHTTPServer):
    """Answers `replies[number]`, `otherwise` for any other; `asked` holds each number with its key."""

    request_queue_size = 512
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[str, Reply] = {}
        self.otherwise = Reply(status=404)
        #: Answers whoever shows a key, where no reply to the number is set.
        self.by_key: Callable[[str], Reply] = lambda _key: self.otherwise
        self.asked: list[tuple[str, str]] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up is no news here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Desk

    def do_GET(self) -> None:
        query = {name.lower(): values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        number = query.get("hs_order_ref") or query["ordercode"]
        key = query.get("apikey") or self.headers["HS-Api-Key"]
        self.server.asked.append((number, key))
        reply = self.server.replies.get(number) or self.server.by_key(key)
        if reply.status <= 0:
            if reply.status == SILENCE.status:
                self.server.closing.wait(180)
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.bytes)))
        self.end_headers()
        self.wfile.write(reply.bytes)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Tests are quiet."""


@contextmanager
def open_desk() -> Iterator[Desk]:
    """A desk for the time of the block."""
    with serving(Desk()) as desk:
        try:
            yield desk
        finally:
            desk.closing.set()


@dataclass
class Customer:
    """A merchant with an account at the desk."""

    merchant: Merchant
    client: APIClient
    courier: str
    desk: Desk

    def account(self, **fields: Any) -> CarrierAccount:
        found: CarrierAccount = CarrierAccountFactory(
            **{"merchant": self.merchant, "courier": self.courier, "base_url": self.desk.url} | fields
        )
        return found

    def follow(self, number: str, reply: Reply | None = None, **body: Any) -> Tracker:
        """A tracker of this number, which the desk answers so."""
        if reply is not None:
            self.desk.replies[number] = reply
        given = {"trackingNumber": number, "courierCode": self.courier} | body
        serializer = TrackerCreateSerializer(data=given)
        serializer.is_valid(raise_exception=True)
        return create(self.merchant.id, TrackerCreateSerializer.wishes(serializer.validated_data))

    def poll(self) -> int:
        """Poll what is due, through the real poller."""
        return poll_due()

    def poll_again(self) -> int:
        """As if the time of the next poll had come for all."""
        Watch.objects.filter(next_poll_at__isnull=False).update(next_poll_at=Now() - timedelta(hours=1))
        return self.poll()

    def times_asked(self, number: str | None = None) -> int:
        return sum(number in {None, asked} for asked, _ in self.desk.asked)

    def tracking(self, tracker: Tracker) -> Any:
        """What REST shows of it."""
        return self.client.get(f"/v1/trackers/{tracker.id}/results").json()["data"]["trackings"][0]

    def shown(self, tracker: Tracker) -> Any:
        """How asking goes, as REST shows it."""
        return self.client.get(f"/v1/trackers/{tracker.id}").json()["data"]["tracker"]


def watch_of(tracker: Tracker) -> Watch:
    return Watch.objects.get(tracker=tracker)


def waits(tracker: Tracker) -> timedelta:
    """From the last poll to the next."""
    watch = watch_of(tracker)
    assert watch.next_poll_at is not None
    assert watch.last_polled_at is not None
    return watch.next_poll_at - watch.last_polled_at


def is_put_off(tracker: Tracker, by: timedelta) -> bool:
    """Whether the next poll is so much later than the last one, and by chance up to a fifth more."""
    watch = watch_of(tracker)
    latest = timezone.now() + 1.2 * by
    return waits(tracker) >= by and watch.next_poll_at is not None and watch.next_poll_at <= latest


def health(account: CarrierAccount) -> Health:
    return Health.objects.get(account=account)
