"""`python -m bench.carrier PORT`: a carrier that takes as little of the machine as Python allows.

It answers all24's way of asking for an order, whatever its number. The path before `/v1/tracking/orders`
says how:

- `/N`: at once, with N events; `/N/slow`: the same after 500 ms; `/N/hang`: never.
- `/says/503`: with that status, as an error.

Each question is kept with its moment: `GET /asked/N` is answered once N came, `GET /questions` tells them, a
line each of number and seconds, and `GET /forget` begins anew.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from functools import cache

import orjson

from bench.listening import Connection, Server, path_of

#: Seconds that `/slow` takes.
SLOW = 0.5
_NUMBER = b"hs_order_ref="
#: Stands for the number in an answer that is made once; of a number's length.
_ANY = "HS______"
_BEGAN = datetime.now(UTC).replace(microsecond=0)
_STEPS = (
    ("050000", "Order received", "Fashion F200"),
    ("100000", "Goods received", "Fastrak Service Limited"),
    ("200000", "Picked up", "On vehicle"),
    ("300000", "Goods arrived", "Sorting centre"),
    ("200000", "Departed", "Line haul"),
)


class Carrier(Server):
    """See the module."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._questions: list[tuple[bytes, float]] = []
        self._awaited: list[tuple[int, Connection]] = []

    def answer(self, connection: Connection, head: bytes, body: bytes) -> None:
        path = path_of(head)
        begin = path.find(_NUMBER)
        if begin < 0:
            self._tell(connection, path)
            return
        now, number = time.monotonic(), path[begin + len(_NUMBER) :]
        self._questions.append((number, now))
        way = path[1 : path.find(b"/v1/")]
        whole = _answer(way.removesuffix(b"/slow").removesuffix(b"/hang")).replace(_ANY.encode(), number)
        if way.endswith(b"/slow"):
            self.owe(now + SLOW, connection, whole)
        elif not way.endswith(b"/hang"):
            connection.send(whole)
        if self._awaited:
            self._tell_awaited()

    def _tell(self, connection: Connection, path: bytes) -> None:
        if path.startswith(b"/asked/"):
            self._awaited.append((int(path[7:]), connection))
            self._tell_awaited()
        elif path == b"/questions":
            connection.tell(b"".join(b"%s %.6f\n" % question for question in self._questions))
        else:
            self._questions.clear()
            connection.tell(b"")

    def _tell_awaited(self) -> None:
        for awaited in [each for each in self._awaited if each[0] <= len(self._questions)]:
            self._awaited.remove(awaited)
            awaited[1].tell(b"")


@cache
def _answer(way: bytes) -> bytes:
    status = 200 if way.isdigit() else int(way.removeprefix(b"says/"))
    body = orjson.dumps(_order(int(way))) if status == 200 else b'{"error_codes": [%d]}' % status
    head = b"HTTP/1.1 %d Bench\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def _order(events: int) -> dict[str, object]:
    """Of a parcel that is on its way since yesterday; all24 lists the newest first."""
    history = [_event(nth, events) for nth in range(events)]
    order = {
        "origin_order_date": f"{_wall(_BEGAN - timedelta(days=1)).replace(' ', 'T')}+07:00",
        "order_ref_id": f"ref-{_ANY}",
        "hs_order_ref": _ANY,
        "expected_completion": f"{_wall(_BEGAN + timedelta(days=2)).replace(' ', 'T')}+07:00",
        "sender_location": {
            "location_name": "Fashion F200",
            "addressline1": "F 39-40, J.J. Mall, 1, 588 Kampaeng Phet 2 Rd",
            "service_area": "Chatuchak",
            "postcode": "10900",
        },
        "recipient_location": {
            "location_name": "R. Recipient",
            "addressline1": "123/322, The Met Condo, South Sathorn road",
            "service_area": "Sathorn",
            "postcode": "10120",
        },
        "history": history[::-1],
    }
    return {_ANY: order, "response_code": 200, "error_codes": []}


def _event(nth: int, events: int) -> dict[str, object]:
    code, name, place = _STEPS[nth if nth < 2 else 2 + (nth - 2) % 3]
    return {
        "event_time": _wall(_BEGAN - timedelta(minutes=10 * (events - nth))),
        "event_name": name,
        "event_code": code,
        "location_ref": "",
        "location": {"location_name": place, "service_area": "Bangkok", "postcode": "10110"},
    }


def _wall(instant: datetime) -> str:
    return f"{instant + timedelta(hours=7):%Y-%m-%d %H:%M:%S}"


if __name__ == "__main__":
    Carrier(int(sys.argv[1])).serve()
