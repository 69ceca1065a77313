"""Everything that people do with the whole stack, in one run."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import requests

from tests.journeys.leaks import Answers, Found, columns
from tests.processes import PATIENCE, Up, manage
from tests.serving import serving
from tests.subscribers import close, status, subscriber
from tests.trackers.persons import PERSONAL, RECIPIENT, all24_order, express_order
from tests.waiting import eventually

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

    def values(self) -> dict[str, str]:
        """The secrets of all, and the persons, by name."""
        made = json.loads((self.up.data / "secrets.json").read_text())
        return self.secrets | SECRETS | PERSONAL | {name: str(value) for name, value in made.items()}

    def columns(self) -> Found:
        """Where they stand in the database."""
        with psycopg.connect(self.up.url_of("DATABASE_URL")) as session:
            return columns(session, self.values())

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

    def has_tried(self, error: str) -> bool:
        """Whether a try ended so, and is on record."""
        with psycopg.connect(self.up.url_of("DATABASE_URL")) as session:
            found = session.execute("SELECT FROM webhooks_attempt WHERE error = %s LIMIT 1", [error])
            return found.fetchone() is not None

    def read(self, number: str) -> None:
        """All that a merchant can read of what is hers, this parcel's own pages among it."""
        listed = {name: self.call("GET", name).json()["data"] for name in ("webhooks", "trackers")}
        trackers = [one for one in listed["trackers"]["trackers"] if one["trackingNumber"] == number]
        for path in (
            *("events?limit=500", "export", "carrier-accounts", "couriers", "tracking-page"),
            f"trackers/search/{number}/results",
            *(f"trackers/{trackers[0]['trackerId']}{more}" for more in ("/results", "/raw")),
        ):
            assert self.call("GET", path).status_code == 200, path
        for hook in listed["webhooks"]["webhooks"]:
            path = f"webhooks/{hook['webhookId']}"
            sent = self.call("GET", f"{path}/deliveries").json()["data"]["deliveries"]
            for more in (path, f"{path}/stats", *(f"deliveries/{one['deliveryId']}" for one in sent)):
                assert self.call("GET", more).status_code == 200, more

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


@dataclass(frozen=True)
class Story:
    """What is left of a stack that has been through all of it.

    Its data folder, the secrets and the persons by name, and where those stood: in the database before a
    parcel was erased and after, and in the answers of all calls.
    """

    data: Path
    values: dict[str, str]
    before: Found
    after: Found
    answers: Found


@contextmanager
def lived(folder: Path) -> Iterator[Story]:
    """Let the stack live through all of it, in this folder."""
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
        up = Up(folder / "data")
        stack.callback(up.stop)
        assert up.says("ready "), up.text
        journey = Journey(up, f"http://127.0.0.1:{carrier.server_port}", hook.url(""))
        answers = Answers()
        answers.watching(patch)
        _live(journey, patch)
        eventually(lambda: journey.has_tried("http_status"))
        for number in ("HSPERSON1", "VN-PERSON1"):
            journey.read(number)
        values = journey.values()
        before = journey.columns()
        _erase(journey)
        after = journey.columns()
        up.stop()
        yield Story(up.data, values, before, after, answers.found(values))


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


def _erase(journey: Journey) -> None:
    (parcel,) = journey.call("GET", "trackers?text=HSPERSON1").json()["data"]["trackers"]
    erased = journey.call("POST", f"trackers/{parcel['trackerId']}/erase")
    assert erased.status_code in {200, 202}, erased.text
