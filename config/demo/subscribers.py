"""Two subscribers: one that verifies every signature, and one that fails first and then recovers."""

import json
from dataclasses import dataclass
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from config.demo.serving import Answer, Call, Server


@dataclass(frozen=True, slots=True)
class Arrival:
    """One webhook as it arrived, and whether its signature was good."""

    id: str
    body: bytes
    verified: bool
    status: int

    @property
    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Subscriber(Server):
    """Verifies with the `standardwebhooks` package, and answers 503 to its first `failures` calls."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.secret = ""
        self.arrivals: list[Arrival] = []
        self._failures = failures

    def answer(self, call: Call) -> Answer:
        status = 503 if len(self.arrivals) < self._failures else 200
        self.arrivals.append(
            Arrival(call.headers.get("webhook-id", ""), call.body, self._verifies(call), status)
        )
        return Answer(status)

    def _verifies(self, call: Call) -> bool:
        try:
            Webhook(self.secret).verify(call.body, call.headers)
        except WebhookVerificationError:
            return False
        return True
