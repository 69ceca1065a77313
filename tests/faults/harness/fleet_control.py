"""The nemesis' word with the fleet: which request to hold, and when one was answered."""

import json
import socket
import time

_HOST = "127.0.0.1"
#: Seconds beyond those asked for, after which a fleet that says nothing is none.
_GRACE = 5.0


class Control:
    """Fulfils `tests.faults.harness.grips.Subscribers`. A fleet that stands still has nobody to name: 0."""

    def __init__(self, port: int) -> None:
        self._port = port

    def hold(self, seconds: float) -> int:
        return self._ask("hold", seconds)

    def let_go(self) -> None:
        self._ask("let_go", 1.0)

    def answered(self, seconds: float) -> int:
        return self._ask("answered", seconds)

    def _ask(self, what: str, seconds: float) -> int:
        end = time.monotonic() + seconds + _GRACE
        try:
            with socket.create_connection((_HOST, self._port), timeout=end - time.monotonic()) as own:
                own.sendall(json.dumps({"ask": what, "within": seconds}).encode() + b"\n")
                with own.makefile() as lines:
                    return int(json.loads(lines.readline() or '{"peer": 0}')["peer"])
        except TimeoutError:
            return 0
