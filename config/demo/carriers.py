"""Two carriers as real HTTP servers on loopback, speaking their own protocols."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from config.demo.serving import Answer, Call, Server

ALL24_KEY = "demo-key-of-all24"
EXPRESS_KEY = "demo-key-of-247express"
#: The number of the sample order.
ALL24_NUMBER = "HSBY37H7"
EXPRESS_NUMBER = "DEMO-0247"
#: The life that the 247Express order walks through, one step further at each look-up.
EXPRESS_LIFE = ("ACCEPTED", "PICKED_UP", "IN_TRANSIT", "DELIVERING", "PENDING_FOR_PROCEED", "DELIVERED")

_SAMPLE = Path(__file__).with_name("all24_order.json")
_HANOI = timezone(timedelta(hours=7))


class All24(Server):
    """Answers every look-up with the sample order, whatever was asked: the carrier really does that."""

    def answer(self, call: Call) -> Answer:
        if call.headers.get("hs-api-key") != ALL24_KEY:
            return Answer(401, {"response_code": 401, "error_codes": ["no valid key"]})
        return Answer(200, json.loads(_SAMPLE.read_text()))


class Express247(Server):
    """Walks its one order through its statuses, and stays at the last."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = 0
        self._began = datetime.now(_HANOI) - timedelta(hours=len(EXPRESS_LIFE))

    def answer(self, call: Call) -> Answer:
        query = {name.lower(): values[0] for name, values in parse_qs(urlsplit(call.path).query).items()}
        if query.get("apikey") != EXPRESS_KEY:
            return Answer(200, {"errorCode": "APIKEY_NOT_FOUND", "errorMessage": "Apikey is not found."})
        if query.get("ordercode") != EXPRESS_NUMBER:
            return Answer(
                200, {"errorCode": "ORDERCODE_NOT_FOUND", "errorMessage": "OrderCode is not found."}
            )
        self._steps = min(self._steps + 1, len(EXPRESS_LIFE))
        return Answer(200, self._order(EXPRESS_LIFE[: self._steps]))

    def _order(self, life: tuple[str, ...]) -> dict[str, Any]:
        history = [
            {
                "time": f"{self._began + timedelta(hours=nth):%Y-%m-%dT%H:%M:%S}",
                "status": word,
                "statusName": word.replace("_", " ").capitalize(),
                "trackingName": word.replace("_", " ").capitalize(),
            }
            for nth, word in enumerate(life)
        ]
        failed = "PENDING_FOR_PROCEED" in life
        return {
            "errorCode": None,
            "errorMessage": None,
            "orderCode": EXPRESS_NUMBER,
            "status": life[-1],
            "statusName": history[-1]["statusName"],
            "delayCode": 13 if failed else None,
            "delayNote": "The recipient is not at home" if failed else None,
            "quantity": 1,
            "realWeight": "0.5",
            "totalServiceCost": "32000",
            "statuses": history[::-1],
            "trackings": [],
        }
