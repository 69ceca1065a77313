"""Brings the faults of a plan upon a running stack, each at its moment, and sees that each is healed."""

import threading
import time
import traceback
from collections.abc import Sequence
from typing import Any

from tests.faults.harness.acts import ACTS, AT_ONCE
from tests.faults.harness.acts.act import Fault
from tests.faults.harness.grips import Grips
from tests.faults.harness.history import History


class Nemesis:
    """Does what `faults` say, each in a thread of its own, and notes it."""

    def __init__(self, faults: Sequence[Fault], grips: Grips, history: History) -> None:
        self._grips = grips
        self._history = history
        self._over = threading.Event()
        self._failures: list[str] = []
        self._threads = [
            threading.Thread(target=self._bring, args=(nth, fault), name=f"fault {nth}", daemon=True)
            for nth, fault in enumerate(faults)
        ]
        self._began = 0.0

    def start(self, began: float) -> None:
        """`began`: time.monotonic() from which `at` is counted."""
        self._began = began
        for each in self._threads:
            each.start()

    def join(self) -> None:
        """Wait until all are over and healed.

        Raises RuntimeError where one could not be brought, or healed.
        """
        for each in self._threads:
            each.join()
        if self._failures:
            raise RuntimeError("\n".join(self._failures))

    def stop(self) -> None:
        """Begin no more, heal those that last, and wait for that."""
        self._over.set()
        for each in self._threads:
            each.join()

    def _bring(self, nth: int, fault: Fault) -> None:
        if self._over.wait(max(0.0, self._began + fault["at"] - time.monotonic())):
            return
        named = {name: fault[name] for name in ("kind", "target", "how")} | {"fault": nth}

        def note(what: str, **facts: Any) -> None:
            self._history.note(what=what, **named, **facts)

        note("began")
        try:
            with ACTS[fault["kind"]](self._grips, fault, note):
                self._over.wait(0.0 if fault["kind"] in AT_ONCE else fault["for"])
        except Exception:  # noqa: BLE001 - whatever it was, the others go on, and the run is void
            self._failures.append(f"{named}: {traceback.format_exc()}")
            note("failed", error=traceback.format_exc())
        note("ended")
