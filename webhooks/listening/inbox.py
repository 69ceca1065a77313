"""What happens to each message that arrives: judged, answered, written down, counted."""

import threading
from collections.abc import Callable, Sequence

from webhooks.listening.arrivals import Arrival, Past
from webhooks.listening.keys import Key
from webhooks.listening.printing import account, printable
from webhooks.listening.verifying import Verdict, judge


class Inbox:
    """Takes messages from many connections at once. `say` writes one entry to the terminal.

    `status` is answered to every message; None: 204, and 400 to what does not verify. After `most` messages,
    or once nobody can read what is said, `ended` is set.
    """

    def __init__(
        self, keys: Sequence[Key], say: Callable[[str], None], status: int | None, most: int | None
    ) -> None:
        self.ended = threading.Event()
        self.taken = 0
        self.refused = 0
        self._keys, self._say, self._status, self._most = keys, say, status, most
        self._past = Past()
        self._lock = threading.Lock()

    def judge(self, arrival: Arrival) -> tuple[Verdict, int]:
        """What the message is worth, and the status to answer."""
        with self._lock:
            verdict = judge(arrival, self._keys, self._past)
            if verdict.verified:
                self._past.remember(arrival, verdict.keys)
        return verdict, self._status or (400 if verdict.verified is False else 204)

    def enter(self, arrival: Arrival, verdict: Verdict, status: int) -> None:
        """Write down a message that was answered."""
        self._count(account(arrival, verdict, status), bad=verdict.verified is False)

    def enter_refused(self, why: str) -> None:
        """Write down a POST that was no whole message. Where there are keys it counts as not verified."""
        self._count(f"refused: {printable(why)}", bad=bool(self._keys))

    def note(self, text: str) -> None:
        """Write down what was no message."""
        with self._lock:
            self._write(printable(text))

    def _count(self, entry: str, *, bad: bool) -> None:
        with self._lock:
            self._write(entry)
            self.taken += 1
            self.refused += bad
            if self._most and self.taken >= self._most:
                self.ended.set()

    def _write(self, text: str) -> None:
        try:
            self._say(text)
        except BrokenPipeError:
            self.ended.set()
