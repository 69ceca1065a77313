"""Carriers' answers as files, `data/<courier>/<situation>.json`, and what each must be read as, beside it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from carriers.adapter import Answer, Credentials, Query, Request
from carriers.exceptions import CarrierError
from carriers.registry import adapter
from carriers.snapshot import Scan, Snapshot

FOLDER = Path(__file__).parent / "data"
#: 09:00 in Hanoi and Bangkok.
NOW = datetime(2024, 5, 20, 2, 0, tzinfo=UTC)
#: The tracker that the answers are for.
TRACKER = UUID("01900000-0000-7000-8000-000000000024")


@dataclass(frozen=True)
class Payload:
    """One answer file. Its number, and the HTTP status it came with, stand in the expectation."""

    courier: str
    situation: str

    def __str__(self) -> str:
        return f"{self.courier}/{self.situation}"

    @property
    def body(self) -> bytes:
        return (FOLDER / self.courier / f"{self.situation}.json").read_bytes()

    @property
    def expected(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (FOLDER / self.courier / f"{self.situation}.expected.json").read_text()
        )
        return found

    def parse(self) -> Snapshot:
        return parse(
            self.courier, self.body, self.expected["number"], status=self.expected.get("status", 200)
        )


def payloads() -> list[Payload]:
    files = sorted(FOLDER.glob("*/*.json"))
    return [
        Payload(file.parent.name, file.stem) for file in files if not file.name.endswith(".expected.json")
    ]


def query(courier: str, number: str, *, asked_at: datetime = NOW, **credentials: str) -> Query:
    known = {"base_url": "https://carrier.example", "key": "s3cret", "time_zone": adapter(courier).time_zone}
    held = Credentials(account_id=UUID(int=7), **(known | credentials))
    return Query(number, held, asked_at=asked_at, since=NOW, tracker_id=TRACKER)


class Recorder:
    """A client that keeps what it was asked to send."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    def send(self, request: Request) -> Answer:
        self.sent.append(request)
        return Answer(200, {}, b"{}")


def request_for(courier: str, number: str, **credentials: str) -> Request:
    """The one request that the courier's adapter asks with; it does not show its key."""
    client = Recorder()
    adapter(courier).ask(query(courier, number, **credentials), client)
    (sent,) = client.sent
    assert "s3cret" not in repr(sent)
    return sent


def parse(
    courier: str, body: bytes | dict[str, Any], number: str, *, status: int = 200, **options: Any
) -> Snapshot:
    """Read a body (a dict as JSON) with the courier's adapter."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = options.pop("headers", {})
    return adapter(courier).parse(Answer(status, headers, sent), query(courier, number, **options))


def error_of(courier: str, body: bytes | dict[str, Any], number: str, **options: Any) -> CarrierError:
    """The error that reading a body raises."""
    try:
        snapshot = parse(courier, body, number, **options)
    except CarrierError as error:
        return error
    raise AssertionError(f"read as {snapshot}")


def line(scan: Scan) -> str:
    """A scan as the expectations write it: instant, code, status code, milestone, and reason if any."""
    instant = f"{scan.moment.instant:%Y-%m-%dT%H:%M:%SZ}" if scan.moment.instant else "-"
    reason = f" ({scan.reason.code} {scan.reason.party})" if scan.reason else ""
    return f"{instant} {scan.carrier_code or '-'} {scan.status_code or '-'} {scan.milestone or '-'}{reason}"
