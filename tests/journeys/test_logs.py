"""Everything is done on the whole stack, which tells all it can; no line has a secret or a person in it."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import requests

from tests.processes import PATIENCE, Up, manage
from tests.serving import serving
from tests.subscribers import close, status, subscriber
from tests.trackers.persons import PERSONAL, RECIPIENT, all24_order, express_order
from tests.waiting import eventually

pytestmark = pytest.mark.journey

LOOPBACK = "127.0.0.0/8"
SERVED = ("web", "worker", "worker-deliveries", "worker-late", "beat")
#: What strangers and carriers say that nobody asked them to.
SAID = "what-a-carrier-or-subscriber-said"
ALL24_KEY, EXPRESS_KEY, SHIP24_KEY = "all24-key-5f2c9d", "express-key-8b1e77", "ship24-key-4d0a12"
PUSH_SECRET, HOOK_HEADER, HOOK_PATH = "push-secret-91ac34", "header-secret-77be", "path-secret-20cd"
PASSWORD, WRONG_PASSWORD, WRONG_KEY = "Correct-horse-19", "Wrong-horse-20", "apik_" + "0f" * 32
SECRETS = {
    name: value
    for name, value in globals().items()
    if name.endswith(("_KEY", "_SECRET", "_HEADER", "_PATH", "PASSWORD")) or name == "SAID"
}


class Carrier(BaseHTTPRequestHandler):
    """all24 and 247Express in one: two parcels of persons, and nonsense for other numbers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        number = (asked.get("hs_order_ref") or asked.get("ordercode") or asked.get("orderCode") or [""])[0]
        code, body = self._reply(number)
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reply(self, number: str) -> tuple[int, bytes]:
        person = PERSONAL["all24 recipient_location.location_name"]
        unknown = {"response_code": 404, "error_codes": ["unknown"], "said": SAID}
        broken = {number: {"history": [{"event_time": person}], SAID: person}, "response_code": 200}
        refused = {"errorCode": "APIKEY_NOT_FOUND", "errorMessage": SAID}
        replies = {
            "HSPERSON1": all24_order(number, "050000", "500000"),
            "VN-PERSON1": (200, express_order(number, "ACCEPTED", "DELIVERED")),
            "HSFAILS1": (500, SAID.encode()),
            "HSBROKEN1": (200, json.dumps(broken).encode()),
            "HSTEXT1": (200, f"<html>{SAID} {person}</html>".encode()),
            "VN-REFUSED1": (200, json.dumps(refused).encode()),
        }
        return replies.get(number, (404, json.dumps(unknown).encode()))

    def log_message(self, *args: Any) -> None:
        """Tests are quiet."""


class CarrierServer(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


class Journey:
    """Everything that people do, and the secrets that it makes on its way."""

    def __init__(self, up: Up, carrier: str, hook: str) -> None:
        self.up, self.carrier, self.hook = up, carrier, hook
        self.secrets: dict[str, str] = {}
        made = self.command("create_merchant", "Alice", "--email", "alice@merchant.example", "--json")
        self.key, self.merchant = str(made["apiKey"]), str(made["merchantId"])
        self.secrets |= {"the merchant's key": self.key, "its address": "alice@merchant.example"}
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.key}"

    def command(self, *words: str) -> Any:
        code, written = manage(self.up.data, *words)
        assert code == 0, written
        return json.loads(written.splitlines()[-1]) if "--json" in words else written

    def call(self, method: str, path: str, body: object = None, **more: Any) -> requests.Response:
        return self.session.request(method, f"{self.up.url}/v1/{path}", json=body, timeout=PATIENCE, **more)

    def subscribe(self) -> None:
        for name, path in (("well", f"/{HOOK_PATH}"), ("ill", f"/ill-{HOOK_PATH}"), ("gone", "/closed")):
            body = {"url": f"{self.hook}{path}", "types": ["*"], "headers": {"x-secret": HOOK_HEADER}}
            made = self.call("POST", "webhooks", body)
            assert made.status_code == 201, made.text
            self.secrets[f"the secret of the {name} endpoint"] = made.json()["data"]["webhook"]["secret"]

    def add_accounts(self) -> dict[str, Any]:
        add = ("add_carrier_account", "--json", "--merchant", self.merchant, "--base-url", self.carrier)
        self.command(*add, "--key", ALL24_KEY, "all24")
        self.command(*add, "--key", EXPRESS_KEY, "247express")
        more = ("--key", SHIP24_KEY, "--push-secret", PUSH_SECRET, "ship24")
        made: dict[str, Any] = self.command(*add, *more)
        self.secrets["the path of pushes"] = made["pushPath"].rpartition("/")[2]
        return made

    def follow(self, number: str, courier: str, route: str = "trackers") -> dict[str, Any]:
        body = {"trackingNumber": number, "courierCode": courier, "recipient": RECIPIENT}
        made = self.call("POST", route, body, headers={"Idempotency-Key": f"idem-{number}"})
        assert made.status_code in {200, 201}, made.text
        tracker: dict[str, Any] = made.json()["data"]["tracker"]
        self.secrets[f"the page of {number}"] = tracker["trackingPageUrl"].rpartition("/")[2]
        return tracker

    def polled(self, tracker: dict[str, Any]) -> str:
        return str(self.call("GET", f"trackers/{tracker['trackerId']}").json().get("lastPollOutcome"))

    def told_of(self, program: str, event: str) -> set[str]:
        """Which trackers a program's lines of this kind name."""
        lines = (self.up.data / "log" / f"{program}.log").read_text().splitlines()
        return {line.partition('"tracker_id":"')[2][:36] for line in lines if f'"event":"{event}"' in line}

    def stray(self, push_path: str) -> None:
        """What nobody should send, to every door."""
        name = PERSONAL["recipient.name"]
        url, ask = self.up.url, requests.request
        wrong = {"Authorization": f"Bearer {WRONG_KEY}"}
        token = self.secrets["the page of HSPERSON1"]
        ask("GET", f"{url}/v1/trackers", headers=wrong, timeout=PATIENCE)
        ask("GET", f"{url}/{name}/{SAID}?apikey={WRONG_KEY}", timeout=PATIENCE)
        ask("GET", f"{url}/v1/trackers", headers={"Host": f"{SAID}.example"}, timeout=PATIENCE)
        ask("GET", f"{url}/track/{token}", timeout=PATIENCE).raise_for_status()
        ask("GET", f"{url}/track/{token}x", timeout=PATIENCE)
        ask("POST", f"{url}/track/{token}", data={"name": name}, timeout=PATIENCE)
        for secret in (PUSH_SECRET, WRONG_KEY):
            bearer = {"Authorization": f"Bearer {secret}"}
            ask("POST", f"{url}{push_path}", json={"trackings": [name]}, headers=bearer, timeout=PATIENCE)
            ask("POST", f"{url}{push_path}x", json={SAID: name}, headers=bearer, timeout=PATIENCE)
        for key in (self.key, WRONG_KEY):
            asked = {"apikey": key, "ordercode": "VN-PERSON1"}
            ask("GET", f"{url}/api/Order/v1/Tracking", params=asked, timeout=PATIENCE)
            order = {"hs_order_ref": "HSPERSON1"}
            head = {"HS-Api-Key": key}
            ask("GET", f"{url}/v1/tracking/orders", params=order, headers=head, timeout=PATIENCE)
        self.call("POST", "trackers", {"trackingNumber": name, "recipient": {"name": [name]}, SAID: name})
        json_of = {"content-type": "application/json"}
        self.session.post(f"{url}/v1/trackers", data=f'{{"{name}": ', headers=json_of, timeout=PATIENCE)
        self.call("POST", "webhooks", {"url": f"{self.hook}/{HOOK_PATH}", "types": [name]})
        self.call("POST", "tracking/search", {"trackingNumber": "HSPERSON1", "courierCode": "all24"})

    def crash(self) -> None:
        """The database refuses rows, and quotes them."""
        with psycopg.connect(self.up.url_of("DATABASE_URL")) as session:
            for table in ("trackers_personaldata", "trackers_tracker"):
                session.execute(f"ALTER TABLE {table} ADD CONSTRAINT none CHECK (false) NOT VALID")
        name = PERSONAL["recipient.name"]
        body = {"trackingNumber": "HSCRASH1", "recipient": RECIPIENT, "clientTrackerId": name}
        assert self.call("POST", "trackers", body).status_code == 500
        with psycopg.connect(self.up.url_of("DATABASE_URL")) as session:
            for table in ("trackers_personaldata", "trackers_tracker"):
                session.execute(f"ALTER TABLE {table} DROP CONSTRAINT none")

    def sign_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
        self.command("createsuperuser", "--no-input", "--username", "staff", "--email", "staff@house.example")
        self.secrets["the address of staff"] = "staff@house.example"
        browser, page = requests.Session(), f"{self.up.url}/admin/login/?next=/admin/"
        for password in (WRONG_PASSWORD, PASSWORD):
            form = browser.get(page, timeout=PATIENCE).text
            (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form))
            self.secrets[f"the form's token beside {password}"] = token
            sent = {"username": "staff", "password": password, "csrfmiddlewaretoken": token}
            browser.post(page, data=sent, timeout=PATIENCE)
        browser.post(page, data={"username": "staff", "password": PASSWORD}, timeout=PATIENCE)
        for path in ("", "alerts/", "trackers/tracker/", f"search/?q={PERSONAL['recipient.name']}"):
            browser.get(f"{self.up.url}/admin/{path}", timeout=PATIENCE)
        self.secrets |= {f"the cookie {one.name}": str(one.value) for one in browser.cookies}
        assert len(browser.cookies) == 2


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """The data folder of a stack that has been through all of it, and the secrets that were made there."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        settings = {
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "DEBUG",
            "CARRIER_ALLOWED_NETWORKS": LOOPBACK,
            "WEBHOOK_ALLOWED_NETWORKS": LOOPBACK,
            "SWEEP_INTERVAL": "0.5",
            "POLL_NOW_MIN_INTERVAL": "0",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
        }
        for name, value in settings.items():
            patch.setenv(name, value)
        carrier = stack.enter_context(serving(CarrierServer(("127.0.0.1", 0), Carrier)))
        hook = stack.enter_context(subscriber())
        hook.answer(f"/ill-{HOOK_PATH}", status(500, {"x-said": SAID}, SAID.encode()))
        hook.answer("/closed", close)
        up = Up(tmp_path_factory.mktemp("logs") / "data")
        stack.callback(up.stop)
        assert up.says("ready "), up.text
        journey = Journey(up, f"http://127.0.0.1:{carrier.server_port}", hook.url(""))
        _live(journey, patch)
        up.stop()
        made = json.loads((up.data / "secrets.json").read_text())
        yield (
            up.data,
            journey.secrets | SECRETS | PERSONAL | {name: str(value) for name, value in made.items()},
        )


def _live(journey: Journey, patch: pytest.MonkeyPatch) -> None:
    push_path = journey.add_accounts()["pushPath"]
    journey.subscribe()
    parcels = [journey.follow("HSPERSON1", "all24"), journey.follow("VN-PERSON1", "247express")]
    eventually(lambda: [journey.polled(one) for one in parcels] == ["ok"] * 2, PATIENCE)
    journey.sign_in(patch)
    journey.stray(push_path)
    for number in ("HSUNKNOWN1", "HSBROKEN1"):
        journey.follow(number, "all24")
    ill = [journey.follow(number, "all24") for number in ("HSFAILS1", "HSTEXT1")]
    ill.append(journey.follow("VN-REFUSED1", "247express"))
    journey.crash()
    eventually(lambda: {one["trackerId"] for one in ill} <= journey.told_of("worker", "a poll failed"))
    eventually(lambda: journey.told_of("worker-deliveries", "a try failed"))
    erased = journey.call("POST", f"trackers/{parcels[0]['trackerId']}/erase")
    assert erased.status_code in {200, 202}, erased.text


@pytest.fixture(scope="module")
def told(story: tuple[Path, dict[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """The lines of each program that serves; each must be JSON."""
    data, _ = story
    texts = {name: (data / "log" / f"{name}.log").read_text() for name in SERVED}
    return {name: [_parsed(line) for line in text.splitlines()] for name, text in texts.items()}


def _parsed(line: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        raise AssertionError(f"not JSON: {line}") from None
    return found


def test_no_line_of_any_process_has_a_secret_or_a_person_in_it(story: tuple[Path, dict[str, str]]) -> None:
    data, secrets = story
    assert len(secrets) > 40
    found = {
        f"{name} in {file.name}"
        for file in (data / "log").iterdir()
        for name, value in secrets.items()
        for text in (file.read_text(errors="replace"),)
        if value in text or json.dumps(value)[1:-1] in text
    }
    assert found == set()
    assert {"postgres.log", "valkey.log", "migrate.log"} <= {file.name for file in (data / "log").iterdir()}


@pytest.mark.parametrize("name", SERVED)
def test_every_line_of_what_serves_is_json_and_says_who_wrote_it(
    told: dict[str, list[dict[str, Any]]], name: str
) -> None:
    always = {"timestamp", "level", "logger", "event", "process", "pid"}
    assert told[name]
    assert {one["process"] for one in told[name]} == {name}
    assert all(always <= one.keys() for one in told[name])


def test_a_request_is_told_with_its_id_its_route_and_its_merchant(
    told: dict[str, list[dict[str, Any]]],
) -> None:
    asked = [one for one in told["web"] if one["event"] == "request"]
    created = [one for one in asked if (one["route"], one["method"]) == ("/v1/trackers", "POST")]
    assert {201, 400, 500} <= {one["status"] for one in created}
    assert all({"request_id", "merchant_id"} <= one.keys() for one in created)
    assert {"/track/<path:token>", "/v1/carriers/<str:courier>/push/<str:token>", "/admin/login/"} <= {
        one["route"] for one in asked
    }


def test_a_crash_is_told_with_the_same_ids_and_without_the_row(told: dict[str, list[dict[str, Any]]]) -> None:
    (crash,) = [one for one in told["web"] if one["logger"] == "django.request"]
    assert "IntegrityError" in crash["exception"]
    assert "Failing row" not in crash["exception"]
    assert {"request_id", "merchant_id"} <= crash.keys()


def test_a_try_that_failed_is_told_with_its_ids(told: dict[str, list[dict[str, Any]]]) -> None:
    failed = [one for one in told["worker-deliveries"] if one["event"] == "a try failed"]
    ids = {"merchant_id", "tracker_id", "message_id", "delivery_id", "endpoint_id", "try", "outcome"}
    assert any(ids <= one.keys() for one in failed)
    assert {"http_status", "connection_reset"} <= {one["outcome"] for one in failed}
    assert any("delivered" in one.get("counts", {}) for one in told["worker-deliveries"])


def test_a_poll_that_failed_is_told_with_its_ids(told: dict[str, list[dict[str, Any]]]) -> None:
    failed = [one for one in told["worker"] if one["event"] == "a poll failed"]
    ids = {"merchant_id", "tracker_id", "watch_id", "carrier_account_id", "courier", "outcome"}
    assert failed
    assert all(ids <= one.keys() for one in failed)
    assert any("answered" in one.get("counts", {}) for one in told["worker"])


def test_what_a_task_writes_names_it(told: dict[str, list[dict[str, Any]]]) -> None:
    lines = [one for name in SERVED for one in told[name] if "task" in one]
    assert any("task_id" in one for one in lines)
