"""Schemathesis looks for an answer that the OpenAPI document does not allow: real HTTP, real servers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import ApiKey, Merchant
from carriers.models import CarrierAccount
from carriers.registry import adapters
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.trackers.conftest import account, carrier, follow, poll_all
from tests.webhooks.cast import EndpointFactory, owe
from trackers.models import Tracker
from trackers.views import answering
from webhooks import destinations

__all__ = ["account", "carrier", "follow", "poll_all"]

pytestmark = pytest.mark.django_db(transaction=True)

#: Not `ignored_auth`: Ship24's 400 for a call without a key is wrong to it; tests.trackers has such calls.
#: Not `positive_data_acceptance`: what is well-formed may still name what is not there.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
)
PUSH_SECRET = "alices-push-secret"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def known(
    alice: Merchant,
    account: CarrierAccount,
    carrier: CarrierServer,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
) -> dict[str, list[str]]:
    """What alice has, by the parameter that names it: enough that deletes leave some."""
    for number in ("HSAAA111", "HSBBB222", "HSCCC333"):
        carrier.replies[number] = order(number, "050000", "100000", "500000")
    trackers = [follow(alice, number, clientTrackerId=number) for number in carrier.replies]
    poll_all()
    pushing = CarrierAccountFactory(merchant=alice, courier="ship24", push_secret=PUSH_SECRET)
    endpoints = [EndpointFactory(merchant=alice) for _ in range(3)]
    deliveries = [delivery for endpoint in endpoints for delivery in owe(endpoint)]
    return {
        "path.trackerId": [str(one.id) for one in trackers],
        "path.trackingNumber": [one.tracking_number for one in trackers],
        "path.webhookId": [str(one.id) for one in endpoints],
        "path.deliveryId": [str(one.id) for one in deliveries],
        "path.courier": ["ship24"],
        "path.token": [pushing.push_token],
        "path.carrierAccountId": [str(account.id)],
        "query.hs_order_ref": [one.tracking_number for one in trackers],
        "query.ordercode": [one.tracking_number for one in trackers],
    }


@pytest.fixture
def schemathesis(
    live_server: LiveServer,
    settings: Settings,
    alice: Merchant,
    carrier: CarrierServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    """Run it on the live server with alice's key. Only the test's own carrier is asked, and no resolver."""
    settings.API_RATE_LIMIT = "off"
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(destinations, "resolve", lambda *_: ["127.0.0.1"])
    settings.TRACK_WAIT = settings.CARRIER_DEADLINE = 0.1
    for adapter in adapters().values():
        monkeypatch.setattr(type(adapter), "default_base_url", carrier.url)
    _, key = ApiKey.issue(alice)

    def run(known: Mapping[str, Sequence[str]], *options: str) -> subprocess.CompletedProcess[str]:
        config = tmp_path / "schemathesis.toml"
        config.write_text(_config(key, known))
        words = [
            str(Path(sys.executable).parent / "schemathesis"),
            f"--config-file={config}",
            "run",
            f"{live_server.url}/v1/openapi.json",
            "--no-color",
            *options,
        ]
        environment = {name: value for name, value in os.environ.items() if "COV" not in name}
        return subprocess.run(
            words, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900
        )

    return run


def _config(key: str, known: Mapping[str, Sequence[str]]) -> str:
    """Alice's key wherever one is taken, her things in most of the calls, and the same calls each time."""
    lines = [
        "seed = 1",
        "workers = 2",
        "continue-on-failure = true",
        "request-timeout = 120",
        'suppress-health-check = ["all"]',
        "warnings = false",
        f'hooks = "{Path(__file__).with_name("schemathesis_hooks.py")}"',
        "[auth.openapi]",
        f'bearer = {{ bearer = "{key}" }}',
        f'pushSecret = {{ bearer = "{PUSH_SECRET}" }}',
        f'hsApiKey = {{ api_key = "{key}" }}',
        f'apikey = {{ api_key = "{key}" }}',
        "[generation]",
        "deterministic = true",
        "max-examples = 8",
        'database = "none"',
        "[phases]",
        "stateful = { enabled = false }",
        'coverage = { unexpected-methods = ["PUT", "OPTIONS"] }',
        # The same body as of POST /v1/trackers, with which every case of it is tried.
        "[[operations]]",
        'include-path = ["/v1/trackers/bulk", "/v1/trackers/track"]',
        "phases = { coverage = { enabled = false } }",
        # 247Express's errors come with status 200.
        "[checks]",
        "enabled = false",
        *(f"{check} = {{ enabled = true }}" for check in CHECKS),
        "[[operations]]",
        'include-path = "/api/Order/v1/Tracking"',
        "checks = { negative_data_rejection = { enabled = false } }",
        # A carrier that does not answer is no fault of ours, and told so.
        "[[operations]]",
        'include-path = "/v1/tracking/search"',
        'checks = { not_a_server_error = { expected-statuses = ["2xx", "4xx", "503"] } }',
    ]
    for name, values in known.items():
        lines += [f'[dictionaries."{name}"]', f"values = {json.dumps(list(values))}"]
    lines.append("[parameters]")
    lines += [f'"{name}" = {{ dictionary = "{name}", probability = 0.7 }}' for name in known]
    return "\n".join(lines)


def test_no_answer_is_other_than_the_document_says(known: dict[str, list[str]], schemathesis: Run) -> None:
    found = schemathesis(known)
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr


def test_an_answer_of_another_shape_is_found(
    known: dict[str, list[str]], schemathesis: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = answering.polled_shape
    monkeypatch.setattr(answering, "polled_shape", lambda *of: shape(*of) | {"mood": "fine"})
    found = schemathesis(known, "--include-operation-id=getTracker", "--phases=fuzzing")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "'mood' was unexpected" in found.stdout
