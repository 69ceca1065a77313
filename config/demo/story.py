"""What the demo does, and what it proves."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from config.demo import report
from config.demo.carriers import (
    ALL24_KEY,
    ALL24_NUMBER,
    EXPRESS_KEY,
    EXPRESS_LIFE,
    EXPRESS_NUMBER,
    All24,
    Express247,
)
from config.demo.serving import Server
from config.demo.stage import DemoError, Merchant, Stage
from config.demo.subscribers import Subscriber

SANDBOX_NUMBER = "SHIP24_SAMPLE_OUT_FOR_DELIVERY_001"
STRANGERS_NUMBER = "SHIP24_SAMPLE_DELIVERED_002"
#: Seconds after which the failing subscriber is tried again; the default schedule begins with five.
QUICK_RETRIES = [1, 1, 2, 5]


@dataclass(slots=True)
class Cast:
    """Everybody who takes part, and what they own."""

    stage: Stage
    merchant: Merchant
    stranger: Merchant
    all24: All24 = field(default_factory=All24)
    express: Express247 = field(default_factory=Express247)
    steady: Subscriber = field(default_factory=Subscriber)
    flaky: Subscriber = field(default_factory=lambda: Subscriber(failures=3))
    strangers: Subscriber = field(default_factory=Subscriber)
    endpoints: dict[str, str] = field(default_factory=dict)
    trackers: dict[str, str] = field(default_factory=dict)

    @property
    def servers(self) -> Sequence[Server]:
        return (self.all24, self.express, self.steady, self.flaky, self.strangers)


def play(stage: Stage, console: Console) -> None:
    """Play it all. Raises DemoError where a claim does not hold."""
    console.rule("Two merchants, two carriers, three subscribers")
    cast = Cast(stage, stage.merchant("First merchant"), stage.merchant("Second merchant"))
    with ExitStack() as stack:
        for server in cast.servers:
            server.start()
            stack.callback(server.stop)
        _set_up(cast)
        _follow(cast)
        report.timelines(console, [_results(cast, number) for number in cast.trackers])
        report.deliveries(console, [(name, _deliveries(cast, name)) for name in cast.endpoints])
        claims = _claims(cast)
    report.claims(console, claims)
    if not all(claims.values()):
        raise DemoError("something the demo claims is not so")


def _set_up(cast: Cast) -> None:
    stage, merchant = cast.stage, cast.merchant
    add = ("add_carrier_account", "--json", "--key")
    stage.command(*add, ALL24_KEY, "all24", "--merchant", merchant.id, "--base-url", cast.all24.url)
    stage.command(*add, EXPRESS_KEY, "247express", "--house", "--base-url", cast.express.url)
    _subscribe(cast, "steady", merchant, cast.steady, {})
    _subscribe(cast, "flaky", merchant, cast.flaky, {"retrySchedule": QUICK_RETRIES})
    _subscribe(cast, "the second merchant's", cast.stranger, cast.strangers, {})


def _subscribe(cast: Cast, name: str, who: Merchant, to: Subscriber, more: dict[str, Any]) -> None:
    body = {"url": f"{to.url}/webhooks", "types": ["tracking.*", "tracker.*"], **more}
    made = cast.stage.call(who, "POST", "webhooks", body)["data"]["webhook"]
    to.secret = made["secret"]
    cast.endpoints[name] = made["webhookId"]


def _follow(cast: Cast) -> None:
    """Create the trackers, and ask for polls until the walking parcel has arrived."""
    stage, merchant = cast.stage, cast.merchant
    for number, courier in (
        (ALL24_NUMBER, "all24"),
        (EXPRESS_NUMBER, "247express"),
        (SANDBOX_NUMBER, None),
    ):
        body = {"trackingNumber": number} | ({"courierCode": courier} if courier else {})
        made = stage.call(merchant, "POST", "trackers", body)["data"]["tracker"]
        cast.trackers[number] = made["trackerId"]
    stage.call(cast.stranger, "POST", "trackers", {"trackingNumber": STRANGERS_NUMBER})
    for steps in range(1, len(EXPRESS_LIFE) + 1):
        stage.wait_for(
            f"{EXPRESS_NUMBER} has {steps} scans",
            lambda n=steps: _scans(cast, EXPRESS_NUMBER) >= n,  # type: ignore[misc]
        )
        stage.call(merchant, "POST", f"trackers/{cast.trackers[EXPRESS_NUMBER]}/poll")
    stage.wait_for(f"{ALL24_NUMBER} is delivered", lambda: _milestone(cast, ALL24_NUMBER) == "delivered")
    stage.wait_for("every delivery is made", lambda: _all_delivered(cast))


def _all_delivered(cast: Cast) -> bool:
    return all(
        found and all(one["state"] == "delivered" for one in found)
        for found in (_deliveries(cast, name) for name in cast.endpoints)
    )


def _claims(cast: Cast) -> dict[str, bool]:
    all24 = _results(cast, ALL24_NUMBER)
    codes = [scan["carrierEventCode"] for scan in all24["events"]]
    arrivals = [*cast.steady.arrivals, *cast.flaky.arrivals, *cast.strangers.arrivals]
    return {
        "the all24 sample ends delivered, with five scans in the carrier's order": (
            all24["shipment"]["statusMilestone"] == "delivered"
            and codes == ["500000", "300000", "200000", "100000", "050000"]
        ),
        "its 12:02:00 in Bangkok is 05:02:00Z": (
            all24["events"][0]["occurrenceDatetime"] == "2015-08-18T12:02:00+07:00"
            and all24["events"][0]["datetime"].startswith("2015-08-18T05:02:00")
        ),
        "polled again, nothing new was recorded": _polling_again_adds_nothing(cast),
        f"all {len(arrivals)} webhooks were signed, as the standardwebhooks package verifies": (
            bool(arrivals) and all(one.verified for one in arrivals)
        ),
        "the failing subscriber got the same id and bytes at each try": _retries_are_the_same(cast.flaky),
        "the second merchant got and sees nothing of the first": _strangers_see_nothing(cast),
        "fold(log) equals the projection of every tracker": "is the fold"
        in cast.stage.command("rebuild_trackers", "--check"),
    }


def _polling_again_adds_nothing(cast: Cast) -> bool:
    """Every tracker is polled once more by a real worker; the log must stay as it is."""
    stage, merchant = cast.stage, cast.merchant
    before = _head(cast)
    for tracker_id in cast.trackers.values():
        seen = stage.call(merchant, "GET", f"trackers/{tracker_id}")["lastPolledAt"]
        stage.call(merchant, "POST", f"trackers/{tracker_id}/poll")
        stage.wait_for(
            "the poll ended",
            lambda t=tracker_id, at=seen: (  # type: ignore[misc]
                stage.call(merchant, "GET", f"trackers/{t}")["lastPolledAt"] > at
            ),
        )
    return before == _head(cast)


def _head(cast: Cast) -> str:
    """The position of the merchant's last event."""
    position, more = "0", True
    while more:
        data = cast.stage.call(cast.merchant, "GET", f"events?after={position}&limit=500")["data"]
        position, more = data["next"], data["hasMore"]
    return str(position)


def _retries_are_the_same(flaky: Subscriber) -> bool:
    failed = {one.id for one in flaky.arrivals if one.status != 200}
    for message_id in failed:
        tries = [one for one in flaky.arrivals if one.id == message_id]
        if len({one.body for one in tries}) != 1 or tries[-1].status != 200:
            return False
    return bool(failed)


def _strangers_see_nothing(cast: Cast) -> bool:
    stage, stranger = cast.stage, cast.stranger
    statuses = [
        stage.try_call(stranger, "GET", f"trackers/{tracker_id}{more}")[0]
        for tracker_id in cast.trackers.values()
        for more in ("", "/results")
    ]
    feed = stage.call(stranger, "GET", "events?limit=500")["data"]["events"]
    told = {one.message["trackings"][0]["tracker"]["trackingNumber"] for one in cast.strangers.arrivals}
    return (
        set(statuses) == {404}
        and not {event["trackerId"] for event in feed} & set(cast.trackers.values())
        and told == {STRANGERS_NUMBER}
    )


def _results(cast: Cast, number: str) -> Any:
    path = f"trackers/{cast.trackers[number]}/results"
    return cast.stage.call(cast.merchant, "GET", path)["data"]["trackings"][0]


def _scans(cast: Cast, number: str) -> int:
    return len(_results(cast, number)["events"])


def _milestone(cast: Cast, number: str) -> str:
    return str(_results(cast, number)["shipment"]["statusMilestone"])


def _deliveries(cast: Cast, name: str) -> list[dict[str, Any]]:
    who = cast.stranger if name == "the second merchant's" else cast.merchant
    path = f"webhooks/{cast.endpoints[name]}/deliveries?limit=500"
    found = cast.stage.call(who, "GET", path)["data"]["deliveries"]
    return [
        cast.stage.call(who, "GET", f"deliveries/{one['deliveryId']}")["data"]["delivery"] for one in found
    ]
