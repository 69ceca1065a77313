"""The load of a run: callers who have parcels followed as the plan says, ask for polls, and read."""

import threading
import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tests.faults.harness.calling import Caller

#: Seconds between two tries of one creation, and between two polls that are asked for.
_AGAIN, _POLLS = 0.5, 0.12
#: Tries of a creation before one who gives up does so.
_TRIES = 1
#: Threads that have parcels made, and such as ask for polls.
_MAKERS, _ASKERS = 6, 2


class Callers:
    """Work from `start` until `stop`, and know which trackers were made of which parcels."""

    def __init__(self, plan: Mapping[str, Any], callers: Sequence[Caller]) -> None:
        self._plan = plan
        self._callers = callers
        self._over = threading.Event()
        self._hurry = threading.Event()
        self._lock = threading.Lock()
        #: By number: the parcel's tracker.
        self.made: dict[str, str] = {}
        self._left = [*reversed(plan["parcels"])]
        self._makers = [threading.Thread(target=self._make_all, daemon=True) for _ in range(_MAKERS)]
        self._askers = [
            threading.Thread(target=self._ask_all, args=(nth,), daemon=True) for nth in range(_ASKERS)
        ]
        self._began = 0.0

    def start(self, began: float) -> None:
        """`began`: time.monotonic() from which moments of the plan are counted."""
        self._began = began
        for thread in (*self._makers, *self._askers):
            thread.start()

    def finish(self) -> None:
        """Wait until every parcel is made that is to be, and stop asking."""
        for thread in self._makers:
            thread.join()
        self._over.set()
        for thread in self._askers:
            thread.join()

    def _make_all(self) -> None:
        while parcel := self._next():
            time.sleep(max(0.0, self._began + parcel["made"] - time.monotonic()))
            self._make(parcel)

    def _next(self) -> dict[str, Any] | None:
        with self._lock:
            return self._left.pop() if self._left else None

    def _make(self, parcel: Mapping[str, Any]) -> None:
        """With the same key again, until it is answered; but some give up."""
        caller = self._callers[parcel["merchant"]]
        body = {"trackingNumber": parcel["number"], "courierCode": parcel["courier"]}
        tries = 0
        while True:
            status, answer = caller.call(
                "POST", "/v1/trackers", body, key=parcel["key"], number=parcel["number"]
            )
            tries += 1
            if 200 <= status < 300:
                self.made[parcel["number"]] = answer["data"]["tracker"]["trackerId"]
                return
            if parcel["gives_up"] and tries >= _TRIES:
                return
            time.sleep(_AGAIN)

    def _ask_all(self, nth: int) -> None:
        """Have trackers polled, one after the other by chance, and read what is known of others."""
        random = Random(f"{self._plan['seed']} asker {nth}")
        while not self._over.wait(_POLLS):
            known = [*self.made.items()]
            if not known:
                continue
            number, tracker = random.choice(known)
            caller = self._callers[self._merchant(number)]
            if random.random() < 0.8:
                caller.call("POST", f"/v1/trackers/{tracker}/poll")
            else:
                caller.call("GET", f"/v1/trackers/{tracker}/results")

    def _merchant(self, number: str) -> int:
        return self._merchants[number]

    @property
    def _merchants(self) -> dict[str, int]:
        return {parcel["number"]: parcel["merchant"] for parcel in self._plan["parcels"]}

    def poll_all(self) -> None:
        """Have every parcel polled once more. Raises RuntimeError where that is refused."""
        merchants = self._merchants
        for number, tracker in self.made.items():
            status, answer = self._callers[merchants[number]].call("POST", f"/v1/trackers/{tracker}/poll")
            if status != 202:
                raise RuntimeError(f"a poll of {number} is answered {status}: {answer}")
