"""No line of the log holds a key, whoever writes it."""

import io
import json
import logging
import logging.config
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from rest_framework.test import APIClient

from config import loopback
from config.logs.configuring import configuration
from config.logs.lines import Lines
from config.logs.redacting import redacted
from config.urls import urlpatterns as all_urls
from tests.processes import ROOT
from tests.waiting import eventually

SECRET = "s3cr3t-0123456789"
OWN_KEY = "apik_" + "ab" * 32


def refuse(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation(f"bad call {request.get_full_path()}")


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(f"{request.GET} {request.headers}")


urlpatterns = [path("refuse", refuse), path("crash", crash), *all_urls]
handler404 = "accounts.errors.route_not_found"
handler500 = "accounts.errors.server_error"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that the handlers of production's LOGGING write, ours at DEBUG."""
    root, written = logging.getLogger(), io.StringIO()
    before = list(root.handlers)
    logging.config.dictConfig(configuration("DEBUG", "json"))
    ours = [one for one in root.handlers if isinstance(one.formatter, Lines)]
    assert len(ours) == 1
    ours[0].setStream(written)
    yield written
    logging.config.dictConfig(settings.LOGGING)
    root.handlers = before


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    """Each must be JSON of its own."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.parametrize(
    "line",
    [
        f"GET /api/Order/v1/Tracking?ordercode=1&apikey={SECRET}&x=1",
        f"?APIKEY={SECRET}",
        f"?ordercode=1&%61pi%4Bey={SECRET}",
        f"?%2561pikey={SECRET}",
        f"next=https%3A%2F%2Fa%2F%3Fapikey%3D{SECRET}%26z%3D1",
        f"next=%253Fapikey%253D{SECRET}",
        f"<QueryDict: {{'apiKey': ['{SECRET}']}}>",
        f"'QUERY_STRING': 'apikey={SECRET}'",
        f"HS-Api-Key: {SECRET}",
        f"'HTTP_HS_API_KEY': '{SECRET}'",
        f"('Hs-Api-Key', '{SECRET} and more {SECRET}')",
        f"Authorization: Bearer {SECRET}",
        f"{{'Authorization': 'bearer {SECRET}'}}",
        f"[(b'authorization', b'Bearer {SECRET}')]",
        f"with Bearer {SECRET}",
        f"signed with whsec_{SECRET} and whsk_{SECRET}",
        f'{{"apiKey": "{SECRET}"}}',
        f'"{{\\"apikey\\": \\"{SECRET}\\"}}"',
        f"next=/x?%61pikey={SECRET}",
        f"next=https%3A%2F%2Fa%2F%3F%61pikey%3D{SECRET}",
        f"q=%7B%22apikey%22%3A%22{SECRET}%22%7D",
        f"<QueryDict: {{'apikey': ['', '{SECRET}']}}>",
        json.dumps(json.dumps(json.dumps({"apikey": SECRET}))),
        f"Authorization: ApiKey {SECRET}",
        f"redis://:p@{SECRET}@cache:6379/0",
        f"redis://:{SECRET}@cache:6379/0",
        f"postgres://user:{SECRET}@db/name",
        f"Unauthorized: /v1/carriers/ship24/push/{SECRET}",
        f"Not Found: /track/{SECRET}",
        f'"POST /public/v1/carriers/ship24/push/{SECRET}?a=1 HTTP/1.1" 401',
        f"next=%2fv1%2fcarriers%2Fship24%2Fpush%2F{SECRET}",
    ],
)
def test_a_key_is_taken_out_of(line: str) -> None:
    assert SECRET not in redacted(line)


@pytest.mark.parametrize(
    "line",
    [
        "apikey=" + " " * 200_000,
        "apikey=(" + " ," * 100_000,
        "apikey=[" + "'',\\" * 50_000,
        "apikey%25" * 20_000,
        "Bearer" + "%20" * 60_000 + " ",
        "://:" * 50_000,
        "/push/" * 50_000,
    ],
)
def test_a_line_that_is_made_to_be_slow_is_cleaned_at_once(line: str) -> None:
    """Whoever asks for a path chooses what is logged: a pattern that looks twice would take minutes."""
    assert redacted(line)


def test_our_own_keys_are_known_by_their_form() -> None:
    assert redacted(f"key {OWN_KEY} of alice") == "key apik_[removed] of alice"


@pytest.mark.parametrize(
    "line",
    [
        "Not Found: /v1/trackers/12345",
        "POST /v1/trackers?page=2&sort=1 201",
        "carrier account suspended: APIKEY_NOT_FOUND, key apik_1a2b3c… of alice",
        "GET https://carrier.example/v1/tracking/orders?hs_order_ref=HSBY37H7%20x",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert redacted(line) == line


@pytest.mark.urls("tests.config.test_logs")
@pytest.mark.parametrize(
    ("route", "status"),
    [
        ("/v1/no-such-route", 404),
        ("/refuse", 400),
        ("/crash", 500),
        ("/v1/tracking/orders", None),
        ("/api/Order/v1/Tracking", None),
        ("/v1/trackers", 401),
    ],
)
def test_a_request_with_keys_leaves_none_in_the_log(
    log: io.StringIO, db: None, route: str, status: int | None
) -> None:
    client = Client(raise_request_exception=False, headers={"HS-Api-Key": SECRET})
    answer = client.get(
        f"{route}?ordercode=1&apikey={SECRET}&%61PIKEY={SECRET}",
        headers={"Authorization": f"Bearer {OWN_KEY}"},
    )
    assert status in {None, answer.status_code}
    assert not status or log.getvalue()
    assert SECRET not in log.getvalue()
    assert OWN_KEY not in log.getvalue()


@pytest.mark.urls("tests.config.test_logs")
def test_a_traceback_is_written_without_the_key(log: io.StringIO) -> None:
    Client(raise_request_exception=False).get(f"/crash?apikey={SECRET}")
    crash = next(line for line in lines(log) if line["level"] == "error")
    assert crash["event"] == "Internal Server Error: /crash"
    assert crash["exception"].startswith("Traceback")
    assert "RuntimeError: <QueryDict: {'[removed]': ['[removed]']}>" in crash["exception"]


@pytest.mark.parametrize(
    "name",
    ["django.server", "django.security.csrf", "granian.access", "_granian", "celery.task", "celery", "redis"],
)
def test_every_logger_ends_at_the_one_handler(log: io.StringIO, name: str) -> None:
    logging.getLogger(name).error("GET /?apikey=%s", SECRET)
    (line,) = lines(log)
    assert (line["logger"], line["event"]) == (name, "GET /?apikey=[removed]")


def test_an_api_call_that_works_writes_no_key(log: io.StringIO, as_alice: APIClient) -> None:
    assert as_alice.get("/v1/trackers", headers={"x-request-id": SECRET}).status_code == 200
    assert "Bearer" not in log.getvalue()


CELERY = """
import logging
from config.celery import app
app.log.setup(loglevel=logging.INFO)
app.log.get_default_logger().warning("nudge redis://:s3cr3t-0123456789@h/0")
logging.getLogger("celery.task").warning("apikey=s3cr3t-0123456789")
"""


def test_celery_keeps_to_our_handler() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CELERY], cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ
    )
    assert SECRET not in done.stdout + done.stderr
    assert done.stderr.count("[removed]") == 2


def test_granians_access_log_goes_the_same_way_where_it_is_switched_on(tmp_path: Path) -> None:
    port, written = loopback.free_port(), tmp_path / "output"
    words = f"-m granian --interface wsgi --host 127.0.0.1 --port {port} --blocking-threads 2 --access-log"
    fmt = ("--access-log-fmt", "%(method)s %(path)s?%(query_string)s %(status)d")
    with written.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *words.split(), *fmt, "config.wsgi:application"],
            cwd=ROOT,
            stdout=file,
            stderr=file,
        )
    url = f"http://127.0.0.1:{port}/healthz"
    eventually(lambda: loopback.http_status(url) == 200)
    assert requests.get(f"{url}?apikey={SECRET}", timeout=60).status_code == 200
    eventually(lambda: "GET /healthz?apikey=[removed] 200" in written.read_text())
    process.terminate()
    process.wait(60)
    assert SECRET not in written.read_text()
