"""Readers of the log by its API: of each merchant one who follows it, one who reads it whole in the end."""

import threading
from collections.abc import Sequence
from pathlib import Path

from tests.faults.harness.calling import Caller
from tests.faults.harness.history import History

#: Seconds between two looks of a reader who has read everything, or was not answered.
_PAUSE = 0.15


class Tail:
    """Follows the feed of each merchant from `start` until `stop`, and notes each page in feed.jsonl."""

    def __init__(self, folder: Path, callers: Sequence[Caller]) -> None:
        self._history = History(folder / "feed.jsonl")
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._follow, args=(each,), daemon=True) for each in callers]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Read on to the end, and stop."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _follow(self, caller: Caller) -> None:
        cursor = ""
        while True:
            last = self._over.is_set()
            following = page(caller, cursor, self._history)
            if following == cursor and last:
                return
            if following is None or following == cursor:
                self._over.wait(_PAUSE)
            cursor = cursor if following is None else following


def read_whole(folder: Path, callers: Sequence[Caller]) -> None:
    """Read the feed of each merchant from its beginning, and note it in feed-whole.jsonl."""
    history = History(folder / "feed-whole.jsonl")
    for caller in callers:
        cursor = ""
        while (following := page(caller, cursor, history)) != cursor:
            cursor = cursor if following is None else following


def page(caller: Caller, cursor: str, history: History) -> str | None:
    """Read and note one page. The cursor behind it, the same where there was nothing; None: no answer."""
    status, answer = caller.call("GET", "/v1/events?limit=100" + (f"&after={cursor}" if cursor else ""))
    if status != 200:
        return None
    data = answer["data"]
    ids = [event["eventId"] for event in data["events"]]
    if ids:
        history.note(merchant=caller.merchant, cursor=cursor, next=data["next"], ids=ids)
    return str(data["next"] or cursor)
