"""Production refuses to start weak."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
STRONG = {
    "PARCELWIRE_ENV": "production",
    "SECRET_KEY": "k" * 50,
    "FIELD_ENCRYPTION_KEYS": "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6MTIzNDU=",
    "ALLOWED_HOSTS": "parcelwire.example",
    "DATABASE_URL": "postgres://u:p@db/parcelwire",
    "REDIS_URL": "redis://cache/0",
}


def start(program: str = "import config.settings", /, **environment: str) -> subprocess.CompletedProcess[str]:
    """Import the settings, or do more, in a process of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=kept | {"PARCELWIRE_DATA": "/nonexistent"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_starts_with_everything_set() -> None:
    done = start(**STRONG)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"FIELD_ENCRYPTION_KEYS": ""}, "FIELD_ENCRYPTION_KEYS"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"DEBUG": "true"}, "DEBUG"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"PARCELWIRE_ENV": "staging"}, "PARCELWIRE_ENV"),
        ({"FIELD_ENCRYPTION_KEYS": "short"}, "FIELD_ENCRYPTION_KEYS"),
        ({"CARRIER_ALLOWED_NETWORKS": "10.0.0.1/8"}, "CARRIER_ALLOWED_NETWORKS"),
        ({"WEBHOOK_ALLOWED_NETWORKS": "office"}, "WEBHOOK_ALLOWED_NETWORKS"),
        ({"POLL_LEASE": "0"}, "POLL_LEASE"),
        ({"POLL_IN_FLIGHT_PER_ACCOUNT": "0"}, "POLL_IN_FLIGHT_PER_ACCOUNT"),
        ({"CARRIER_DEADLINE": "-1"}, "CARRIER_DEADLINE"),
        ({"SWEEP_INTERVAL": "-1"}, "SWEEP_INTERVAL"),
        ({"POLL_LEASE": "soon"}, "POLL_LEASE"),
        ({"DATABASE_URL": "mysql://u:p@db/parcelwire"}, "DATABASE_URL"),
        ({"API_RATE_LIMIT": "fast"}, "API_RATE_LIMIT"),
        ({"PROXY_SCHEME_HEADER": "X-Forwarded-Proto: https"}, "PROXY_SCHEME_HEADER"),
        ({"PROXY_ADDRESS_HEADER": "X Forwarded For"}, "PROXY_ADDRESS_HEADER"),
        ({"PUBLIC_URL": "parcels.shop.example"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://parcels.shop.example/track"}, "PUBLIC_URL"),
        ({"TRACKING_PAGE_RATE_LIMIT": "-1"}, "TRACKING_PAGE_RATE_LIMIT"),
        ({"CORS_ALLOWED_ORIGINS": "*"}, "CORS_ALLOWED_ORIGINS"),
        ({"CORS_ALLOWED_ORIGINS": "https://shop.example/"}, "CORS_ALLOWED_ORIGINS"),
        ({"EMAIL_URL": "smtp://", "EMAIL_FROM": "a@shop.example"}, "EMAIL_URL"),
        ({"EMAIL_URL": "smtp://u:hidden@mail.example:port", "EMAIL_FROM": "a@shop.example"}, "EMAIL_URL"),
        ({"EMAIL_URL": "https://u:hidden@mail.example", "EMAIL_FROM": "a@shop.example"}, "EMAIL_URL"),
        ({"EMAIL_URL": "consolemail", "EMAIL_FROM": "a@shop.example"}, "EMAIL_URL"),
        ({"EMAIL_URL": "smtp://u:hidden@mail.example"}, "EMAIL_FROM"),
        ({"EMAIL_URL": "smtp://mail.example", "EMAIL_FROM": "a@shop.example, b@shop.example"}, "EMAIL_FROM"),
        ({"EMAIL_URL": "smtp://mail.example", "EMAIL_FROM": "Shop <a@shop.example"}, "EMAIL_FROM"),
        (
            {"EMAIL_URL": "smtp://mail.example", "EMAIL_FROM": "Shop\nBcc: b@c.example <a@b.example>"},
            "EMAIL_FROM",
        ),
        ({"EMAIL_URL": "smtp://u:hidden@mail.example", "EMAIL_FROM": "Parcelwire"}, "EMAIL_FROM"),
    ],
)
def test_production_refuses_a_weakness_and_names_it(change: dict[str, str], named: str) -> None:
    done = start(**STRONG | change)
    assert done.returncode == 1
    first, fault, *_ = done.stderr.splitlines()
    assert first == "Parcelwire does not start: its settings are wrong."
    assert fault.split()[0] == named
    assert "hidden" not in done.stderr
    assert "Traceback" not in done.stderr


MAIL = """
import config.settings as s
print(s.EMAIL_HOST, s.EMAIL_PORT, s.EMAIL_HOST_USER, s.EMAIL_HOST_PASSWORD, s.EMAIL_BACKEND.split(".")[-2])
print(getattr(s, "EMAIL_USE_TLS", False), getattr(s, "EMAIL_USE_SSL", False))
"""


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("smtp://mail.example", "mail.example 25 None None smtp False False"),
        ("smtp://u:p%40ss@mail.example:2525", "mail.example 2525 u p@ss smtp False False"),
        ("smtp+tls://u:p@mail.example", "mail.example 587 u p smtp True False"),
        ("smtp+ssl://u:p@mail.example", "mail.example 465 u p smtp False True"),
        ("consolemail://", "None None None None console False False"),
    ],
)
def test_the_mail_server_is_named_by_a_url(url: str, said: str) -> None:
    done = start(MAIL, **STRONG, EMAIL_URL=url, EMAIL_FROM="Parcelwire <parcelwire@shop.example>")
    assert done.stdout.split() == said.split()


SCHEME = "import config.settings as s; print(s.HTTPS_ONLY, getattr(s, 'SECURE_PROXY_SSL_HEADER', None))"


def test_production_takes_https_only_and_believes_the_configured_header_alone() -> None:
    assert start(SCHEME, **STRONG).stdout == "True None\n"
    behind = start(SCHEME, **STRONG, PROXY_SCHEME_HEADER="X-Forwarded-Proto")
    assert behind.stdout == "True ('HTTP_X_FORWARDED_PROTO', 'https')\n"


PREFLIGHT = """
import json, os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.test import Client
client = Client(headers={"origin": "https://shop.example", "host": "parcelwire.example"})
asked = client.options("/v1/trackers", headers={"access-control-request-method": "POST"}, secure=True)
got = client.get("/v1/trackers", secure=True)
elsewhere = client.get("/healthz", secure=True)
plain = client.options("/v1/trackers", headers={"access-control-request-method": "POST"})
print(json.dumps([[one.status_code, dict(one.headers)] for one in (asked, got, elsewhere, plain)]))
"""


def cross_origin(**environment: str) -> list[tuple[int, dict[str, str]]]:
    done = start(PREFLIGHT, **STRONG, **environment)
    assert done.returncode == 0, done.stderr
    return [
        (status, {name.lower(): value for name, value in headers.items()})
        for status, headers in json.loads(done.stdout)
    ]


def test_no_page_may_call_the_api_by_default() -> None:
    (status, preflight), (_, got), *_ = cross_origin()
    assert status == 400  # a preflight is a call without a key
    assert "access-control-allow-origin" not in preflight | got
    assert got["vary"] == "Authorization"


def test_a_page_of_a_named_origin_may_call_and_read_the_headers() -> None:
    asked, got, elsewhere, plain = cross_origin(CORS_ALLOWED_ORIGINS="https://shop.example")
    assert asked[0] == 200
    assert {"authorization", "idempotency-key", "if-none-match"} <= set(
        asked[1]["access-control-allow-headers"].split(", ")
    )
    assert got[1]["access-control-allow-origin"] == "https://shop.example"
    exposed = set(got[1]["access-control-expose-headers"].split(", "))
    assert {
        "RateLimit-Remaining",
        "X-RateLimit-Reset",
        "Link",
        "X-Total-Count",
        "ETag",
        "x-request-id",
        "Content-Disposition",
    } <= exposed
    assert "access-control-allow-credentials" not in got[1]
    assert "access-control-allow-origin" not in elsewhere[1]
    assert plain[0] == 403


def test_a_page_of_another_origin_may_not() -> None:
    answers = cross_origin(CORS_ALLOWED_ORIGINS="https://other.example")
    assert not any("access-control-allow-origin" in headers for _, headers in answers)
