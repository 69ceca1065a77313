"""The load of a soak, an open loop: each call has its moment, whether those before were answered or not."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.faults.harness.calling import Caller
from tests.faults.harness.plan import Plan

#: Threads that call. More of them than are ever busy, or the loop would be none.
_THREADS = 24
#: Seconds after a scan at which somebody asks for a poll, and after the last at which its caller looks.
_SOON, _LOOK = 0.1, 10.0
#: Seconds until what was not answered, or is not so yet, is tried again.
_AGAIN = 1.0
#: Seconds without an answer after which a poll is asked for again by the one who looks.
_POLL_AGAIN = 5.0

Job = Callable[[], None]


class Asking:
    """Has the parcels of a plan followed, polled when there is news, looked at and stopped at their end."""

    def __init__(self, plan: Plan, callers: Sequence[Caller]) -> None:
        self._plan = plan
        self._callers = callers
        self._made: dict[int, str] = {}
        #: Parcels that were seen whole and stopped.
        self._over: set[int] = set()
        #: Seconds by which calls of the plan began late.
        self.late: list[float] = []
        self._due: list[tuple[float, int, bool, Job]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._left = len(plan["parcels"])
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(_THREADS)]

    def start(self, began: float) -> None:
        """`began`: time.monotonic() from which moments of the plan are counted."""
        for parcel in self._plan["parcels"]:
            self._put(began + parcel["made"], self._making(parcel), planned=True)
            for scan in parcel["scans"] if parcel["by"] == "poll" else ():
                self._put(began + scan["after"] + _SOON, self._polling(parcel), planned=True)
            self._put(began + parcel["scans"][-1]["after"] + _LOOK, self._looking(parcel), planned=True)
        for thread in self._threads:
            thread.start()

    def finish(self, seconds: float) -> int:
        """Wait until every parcel was seen whole and stopped, so long at most. How many were not."""
        end = time.monotonic() + seconds
        with self._changed:
            while self._left and time.monotonic() < end:
                self._changed.wait(_AGAIN)
            self._due.clear()
            left, self._left = self._left, 0
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        return left

    def _put(self, moment: float, job: Job, *, planned: bool = False) -> None:
        with self._changed:
            heapq.heappush(self._due, (moment, next(self._numbers), planned, job))
            self._changed.notify()

    def _again(self, job: Job, seconds: float = _AGAIN) -> None:
        self._put(time.monotonic() + seconds, job)

    def _work(self) -> None:
        while job := self._next():
            job()

    def _next(self) -> Job | None:
        with self._changed:
            while self._left:
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    moment, _, planned, job = heapq.heappop(self._due)
                    if planned:
                        self.late.append(now - moment)
                    return job
                self._changed.wait(min(self._due[0][0] - now, _AGAIN) if self._due else _AGAIN)
        return None

    def _making(self, parcel: Plan) -> Job:
        body = {"trackingNumber": parcel["number"], "courierCode": parcel["courier"]}

        def make() -> None:
            status, answer = self._caller(parcel).call(
                "POST", "/v1/trackers", body, key=parcel["key"], number=parcel["number"]
            )
            if 200 <= status < 300:
                self._made[parcel["n"]] = answer["data"]["tracker"]["trackerId"]
            else:
                self._again(make)

        return make

    def _polling(self, parcel: Plan) -> Job:
        def poll() -> None:
            if parcel["n"] in self._over:
                return  # it comes so late that there is nothing more to ask about
            tracker = self._made.get(parcel["n"])
            if not tracker or not self._poll(parcel, tracker):
                self._again(poll)

        return poll

    def _looking(self, parcel: Plan) -> Job:
        """Until all its scans are to be read; then it is stopped."""

        def look() -> None:
            tracker = self._made.get(parcel["n"])
            if not tracker:
                self._again(look)
            elif not self._is_whole(parcel, tracker):
                self._poll(parcel, tracker)
                self._again(look, _POLL_AGAIN)
            else:
                stop()

        def stop() -> None:
            tracker = self._made[parcel["n"]]
            status, _ = self._caller(parcel).call("PATCH", f"/v1/trackers/{tracker}", {"isSubscribed": False})
            if status == 200:
                self._done(parcel)
            else:
                self._again(stop)

        return look

    def _poll(self, parcel: Plan, tracker: str) -> bool:
        return self._caller(parcel).call("POST", f"/v1/trackers/{tracker}/poll")[0] == 202

    def _is_whole(self, parcel: Plan, tracker: str) -> bool:
        status, answer = self._caller(parcel).call("GET", f"/v1/trackers/{tracker}/results")
        if status != 200:
            return False
        return len(answer["data"]["trackings"][0]["events"]) == len(parcel["scans"])

    def _done(self, parcel: Plan) -> None:
        with self._changed:
            self._over.add(parcel["n"])
            # Once nobody waits any more there is none left, whoever was still being stopped.
            self._left = max(0, self._left - 1)
            if not self._left:
                self._changed.notify_all()

    def _caller(self, parcel: dict[str, Any]) -> Caller:
        return self._callers[parcel["merchant"]]
