"""`python -m tests.faults.announcing`: commits messages and nudges, as the web does, in a process of its own.

Reads a line of JSON for each batch: `merchant`, `count`, and `then`: "nudge", "die" (by SIGKILL, between
commit and nudge) or "". Each message is a transaction of its own; a batch of none is a nudge alone. Answers
with a line: the messages' ids.
"""

import json
import os
import signal
import sys
from uuid import UUID

import django
from uuid_utils.compat import uuid7

django.setup()

from django.db import transaction  # noqa: E402 - the models want the settings

from webhooks import tasks  # noqa: E402
from webhooks.fanout import Announcement, announce, subscribers  # noqa: E402


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        ids = [_announce(UUID(asked["merchant"]), asked["then"]) for _ in range(asked["count"])]
        if not ids:
            tasks.nudge()
        sys.stdout.write(json.dumps(ids) + "\n")
        sys.stdout.flush()


def _announce(merchant_id: UUID, then: str) -> str:
    id_ = uuid7()
    body = json.dumps({"type": "tracking.updated", "id": str(id_), "city": "Köln"}, ensure_ascii=False)
    news = Announcement(id_, "tracking.updated", uuid7(), 1, (), body.encode)
    with transaction.atomic():
        announce(merchant_id, subscribers([merchant_id]), [news])
    if then == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if then == "nudge":
        tasks.nudge()
    return str(id_)


if __name__ == "__main__":
    main()
