"""247Express's answers, as short as a test can say them."""

import json
from typing import Any

from tests.carriers.payloads import Payload

CODE = "247express"
NUMBER = "EX247-0001"
SAMPLE: dict[str, Any] = json.loads(Payload(CODE, "delivered").body)


def order(**fields: Any) -> dict[str, Any]:
    return {"orderCode": NUMBER, "errorCode": None, "statuses": [], "trackings": []} | fields


def status(word: Any, time: Any = "2024-05-02T11:40:00", **more: Any) -> dict[str, Any]:
    return {"time": time, "status": word} | more


def tracking(word: Any, time: Any = "2024-05-02T11:40:00", **more: Any) -> dict[str, Any]:
    return {"dateChange": time, "statusID": word} | more
