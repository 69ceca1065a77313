"""The calls that one question makes: counted, and none begun after the day that they are counted for."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from carriers.adapter import Answer, Client, Request
from carriers.exceptions import TooLate


@dataclass(slots=True)
class Calls:
    """A client for one question. `start_by` is of time.monotonic(); None: any time will do.

    `most`: calls that are reserved for it. `is_wanted`: whether more may begin.
    """

    client: Client
    start_by: float | None = None
    most: int = 1
    is_wanted: Callable[[], bool] | None = None
    #: How many were begun, whatever came of them.
    made: int = 0

    def send(self, request: Request) -> Answer:
        """Send it once. Raises TooLate without sending it, and what the client raises.

        Raises RuntimeError for a call that is not reserved: the adapter's `most_calls` is wrong.
        """
        if self.made >= self.most:
            raise RuntimeError(f"more than the {self.most} calls that a question may make")
        if self.start_by is not None and monotonic() >= self.start_by:
            raise TooLate
        if self.is_wanted is not None and not self.is_wanted():
            raise TooLate
        self.made += 1
        return self.client.send(request)
