"""README.md and the other pages, followed to the letter on the real stack."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.docs.blocks import blocks_for
from tests.docs.documents import README, answers, assert_like, blocks, page, sections, table
from tests.docs.walking import Walk, walked
from tests.processes import processes_of
from tests.subscribers import Subscriber, subscriber
from tests.waiting import eventually

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("docs")]

#: What a newcomer to the README waits for; what other pages show of the same is there by then.
AWAITED = {
    "trackers/$TRACKER/results": "delivery_out_for_delivery",
    "after=0": "tracking.scanned",
    '$WEBHOOK/deliveries" \\\n': '"type": "tracking.delivered"',
    "manage.py doctor": r"^\d+ ok$",
}


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    mine = [block for block in blocks_for(__name__) if block.language == "sh"]
    with walked(tmp_path_factory.mktemp("docs"), mine, AWAITED, {}) as walk:
        yield walk


@pytest.fixture(scope="module")
def hook() -> Iterator[Subscriber]:
    with subscriber() as server:
        yield server


@pytest.fixture(scope="module")
def delivered(walk: Walk, hook: Subscriber) -> tuple[str, bytes, dict[str, str]]:
    """A real delivery: the endpoint's secret, the body and the headers as they came."""
    secret = walk.call("POST", "/v1/webhooks", {"url": hook.url()})["data"]["webhook"]["secret"]
    walk.call("POST", "/v1/trackers", {"trackingNumber": "SHIP24_SAMPLE_DELIVERED_d0c"})
    heard = hook.wait_for(1)[0]
    return secret, heard.body, {name.lower(): value for name, value in heard.headers.items()}


def test_no_block_of_any_page_prints_an_error(walk: Walk) -> None:
    assert len(walk.printed) > 12
    for block, printed in walk.printed.items():
        assert '"errors"' not in printed, block
        assert "Traceback" not in printed, block


def test_the_first_tracker_shows_its_five_scans(walk: Walk) -> None:
    (block,) = [block for block in blocks(README, "sh") if "/results" in block]
    printed = walk.printed[block]
    assert len(json.loads(printed)["data"]["trackings"][0]["events"]) == 5


def test_the_subscriber_hears_of_the_second_parcel_until_it_is_delivered(walk: Walk) -> None:
    """Of how many of its steps it hears, and in which order, depends on how busy the machine is."""
    heard = [line for line in walk.terminal.text.splitlines() if line.endswith(" SANDBOX_LIFE_2S_001")]
    # curl ends no line: what is heard just then stands behind an answer.
    assert all(re.search(r"(^|\})tracking\.[a-z_]+ SANDBOX_LIFE_2S_001$", line) for line in heard)
    assert any(line.endswith("tracking.delivered SANDBOX_LIFE_2S_001") for line in heard)


def test_the_subscriber_has_ten_lines_and_ends_when_it_is_told_to(walk: Walk) -> None:
    (program,) = [block for block in blocks(README, "sh") if "subscriber.py <<" in block]
    assert len(program.splitlines()) - 2 == 10
    eventually(lambda: not [line for line in processes_of(walk.up.data).values() if "subscriber.py" in line])


def test_the_log_is_proved_by_the_command_that_the_pages_name(walk: Walk) -> None:
    assert "every tracker is the fold of its log" in walk.printed_by("rebuild_trackers")


def test_the_listener_of_the_page_shows_the_test_and_that_it_verifies(walk: Walk) -> None:
    printed = walk.printed_by("$TRIED/test")
    assert "Z test, POST /" in printed
    assert "signature 1 (v1) verifies with secret 1" in printed
    assert "  verified, answered 204" in printed


def test_the_rule_for_other_languages_gives_the_signature_that_arrives(
    delivered: tuple[str, bytes, dict[str, str]],
) -> None:
    secret, body, headers = delivered
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    assert headers["webhook-signature"].split() == [f"v1,{base64.b64encode(digest).decode()}"]


def test_what_arrives_is_what_the_page_says(walk: Walk, delivered: tuple[str, bytes, dict[str, str]]) -> None:
    _, body, headers = delivered
    for name, _ in table(page("webhooks"), "header", "holds"):
        assert name in headers
    (example,) = answers(sections(page("webhooks"))["What arrives"])
    assert_like(example, json.loads(body))


def test_the_page_of_the_api_goes_from_curl_to_results_to_the_feed(walk: Walk) -> None:
    tracked, tag, listed, fed = [
        printed
        for block, printed in walk.printed.items()
        if block in _section("From curl to results to the feed")
    ]
    assert len(json.loads(tracked)["data"]["trackings"][0]["events"]) == 3
    assert tag.strip() == "304"
    assert {one["isSubscribed"] for one in json.loads(listed)["data"]["trackers"]} == {True}
    assert not json.loads(fed)["data"]["hasMore"]


def _section(heading: str) -> str:
    return sections(page("api"))[heading]


def test_the_program_for_ship24s_client_creates_a_tracker(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("API_KEY", "PARCELWIRE"):
        monkeypatch.setenv(name, walk.value(name))
    (program,) = [block for block in blocks_for(__name__) if block.language == "python"]
    exec(program.text, {})
    found = walk.call("GET", f"/v1/trackers/{capsys.readouterr().out.strip()}")
    assert found["trackingNumber"] == "SHIP24_SAMPLE_DELIVERED_a02"


def test_the_answers_of_the_api_have_the_fields_that_the_page_shows(walk: Walk, hook: Subscriber) -> None:
    routes = sections(page("api"))
    tracker = walk.call("GET", "/v1/trackers")["data"]["trackers"][0]["trackerId"]
    webhook = walk.call("GET", "/v1/webhooks")["data"]["webhooks"][0]["webhookId"]
    deliveries = f"/v1/webhooks/{webhook}/deliveries"
    arrived = walk.call("GET", f"{deliveries}?state=delivered")["data"]["deliveries"][0]
    delivery = arrived["deliveryId"]
    number = {"trackingNumber": "SHIP24_SAMPLE_PENDING_d0c"}
    endpoint = {"url": hook.url("/another"), "headers": {"Authorization": "Bearer my-secret"}}
    real = {
        "`POST /v1/trackers`": walk.call("POST", "/v1/trackers", number),
        "`GET /v1/trackers`": walk.call("GET", "/v1/trackers"),
        "`GET /v1/trackers/{trackerId}/results`": walk.call("GET", f"/v1/trackers/{tracker}/results"),
        "`GET /v1/events`": walk.call("GET", "/v1/events"),
        "`POST /v1/webhooks`": walk.call("POST", "/v1/webhooks", endpoint),
        "`GET /v1/webhooks`": walk.call("GET", "/v1/webhooks"),
        "`GET /v1/webhooks/{webhookId}/deliveries`": walk.call("GET", deliveries),
        "`GET /v1/deliveries/{deliveryId}`": walk.call("GET", f"/v1/deliveries/{delivery}"),
        "`GET /readyz`": walk.call("GET", "/readyz"),
        "Errors": walk.call("GET", "/v1/trackers/none-such"),
    }
    real |= (
        _of_questions(walk)
        | _of_endpoints(walk, hook)
        | _of_a_life(walk, hook)
        | _of_deliveries(walk, webhook, delivery)
        | _of_messages(walk)
        | _of_decisions(walk)
        | _of_carrier_accounts(walk)
        | _of_dialects(walk)
    )
    shown = {heading for heading, text in routes.items() if answers(text)}
    # What the sandbox answers is not kept: tests/trackers/test_raw.py looks at this one.
    assert shown - {"`GET /v1/trackers/{trackerId}/raw`"} == set(real)
    for heading, answer in real.items():
        assert_like(answers(routes[heading])[-1], answer)


def _of_endpoints(walk: Walk, hook: Subscriber) -> dict[str, Any]:
    """An endpoint that is changed and gets another secret."""
    made = walk.call("POST", "/v1/webhooks", {"url": hook.url("/changing")})["data"]["webhook"]
    path, shown = f"/v1/webhooks/{made['webhookId']}", page("api")
    change, *_ = answers(sections(shown)["`PATCH /v1/webhooks/{webhookId}`"])
    changed = walk.call("PATCH", path, change)["data"]["webhook"]
    assert changed == {name: value for name, value in (made | change).items() if name != "secret"}
    rotation = "`POST /v1/webhooks/{webhookId}/rotate-secret`"
    overlap, *_ = answers(sections(shown)[rotation])
    return {
        "`PATCH /v1/webhooks/{webhookId}`": change,
        rotation: walk.call("POST", f"{path}/rotate-secret", overlap),
    }


def _of_deliveries(walk: Walk, webhook: str, delivery: str) -> dict[str, Any]:
    """What was sent, sent again: one delivery, and all of some time."""
    recover = "`POST /v1/webhooks/{webhookId}/recover`"
    wanted, *_ = answers(sections(page("api"))[recover])
    begun = walk.call("POST", f"/v1/webhooks/{webhook}/recover", wanted)
    path = f"/v1/recoveries/{begun['data']['recovery']['recoveryId']}"
    return {
        recover: begun,
        "`GET /v1/recoveries/{recoveryId}`": walk.call("GET", path),
        "`GET /v1/webhooks/{webhookId}/stats`": walk.call("GET", f"/v1/webhooks/{webhook}/stats"),
        "`POST /v1/deliveries/{deliveryId}/resend`": walk.call("POST", f"/v1/deliveries/{delivery}/resend"),
    }


def _of_a_life(walk: Walk, hook: Subscriber) -> dict[str, Any]:
    """An endpoint that is tested, rests, and goes on when its test arrives."""
    made = walk.call("POST", "/v1/webhooks", {"url": hook.url("/life")})["data"]["webhook"]
    path = f"/v1/webhooks/{made['webhookId']}"
    lived = {act: walk.call("POST", f"{path}/{act}") for act in ("test", "pause", "enable")}
    hook.wait_for(2, "/life")
    eventually(lambda: walk.call("GET", path)["data"]["webhook"]["state"] == "active")
    return {f"`POST /v1/webhooks/{{webhookId}}/{act}`": answer for act, answer in lived.items()}


def _of_questions(walk: Walk) -> dict[str, Any]:
    """What is asked about couriers and numbers."""
    number = {"trackingNumber": "SHIP24_SAMPLE_DELIVERED_d0e"}
    return {
        "`GET /v1/couriers`": walk.call("GET", "/v1/couriers"),
        "`GET /v1/couriers/detect`": walk.call(
            "GET", f"/v1/couriers/detect?trackingNumber={number['trackingNumber']}"
        ),
        "`POST /v1/tracking/search`": walk.call("POST", "/v1/tracking/search", number),
    }


def _of_messages(walk: Walk) -> dict[str, Any]:
    """What was sent about a tracker, and sending it again."""
    sent = walk.call("GET", "/v1/trackers?text=SANDBOX_LIFE_2S_001")["data"]["trackers"][0]["trackerId"]
    history = walk.call("GET", f"/v1/trackers/{sent}/webhook-history/download")
    # What met a subscriber that has gone meanwhile has no answer, and is not what the page shows.
    history["webhooks"] = [each for each in history["webhooks"] if each["status"] == "success"]
    assert history["webhooks"]
    return {
        "`POST /v1/trackers/{trackerId}/webhook-events/resend`": walk.call(
            "POST", f"/v1/trackers/{sent}/webhook-events/resend"
        ),
        "`GET /v1/trackers/{trackerId}/webhook-history/download`": history,
    }


def _of_decisions(walk: Walk) -> dict[str, Any]:
    """Trackers made many at once, changed, stopped, taken up again and erased."""
    made = walk.call("POST", "/v1/trackers/bulk", [{"trackingNumber": "SHIP24_SAMPLE_PENDING_d0d"}, {}])
    tracker = made["data"][0]["tracker"]["trackerId"]
    changed = walk.call("PATCH", f"/v1/trackers/{tracker}", {"destinationPostCode": "10110"})
    return {
        "`POST /v1/trackers/bulk`": made,
        "`PATCH /v1/trackers/{trackerId}`": changed,
        "`POST /v1/trackers/stop`": walk.call("POST", "/v1/trackers/stop", {"trackerIds": [tracker]}),
        "`POST /v1/trackers/{trackerId}/retrack`": walk.call("POST", f"/v1/trackers/{tracker}/retrack"),
        "`POST /v1/trackers/{trackerId}/erase`": walk.call("POST", f"/v1/trackers/{tracker}/erase"),
    }


def _of_carrier_accounts(walk: Walk) -> dict[str, Any]:
    """A real account, at an address that nobody may call."""
    url = "/v1/carrier-accounts"
    body = {"courierCode": "all24", "key": "nobodys", "baseUrl": "https://127.0.0.1"}
    made = walk.call("POST", url, body)
    one = f"{url}/{made['data']['carrierAccount']['carrierAccountId']}"
    return {
        f"`POST {url}`": made,
        f"`GET {url}`": walk.call("GET", url),
        f"`POST {url}/{{carrierAccountId}}/test`": walk.call("POST", f"{one}/test"),
    }


def _of_dialects(walk: Walk) -> dict[str, Any]:
    number, key = "SANDBOX_LIFE_2S_001", walk.value("API_KEY")
    order = walk.call("GET", f"/v1/tracking/orders?hs_order_ref={number}", **{"HS-Api-Key": key})
    return {
        "`GET /v1/tracking/orders`": {"HSBY37H7": order.pop(number)} | order,
        "`GET /api/Order/v1/Tracking`": walk.call(
            "GET", f"/api/Order/v1/Tracking?ordercode={number}&apikey={key}"
        ),
    }
