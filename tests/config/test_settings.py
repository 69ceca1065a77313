"""Production refuses to start weak."""

import json
import re
import shlex
import subprocess
import sys

import pytest

from config.variables.keys import MAKE_FERNET_KEY, MAKE_SECRET_KEY
from config.variables.servers import MAKE_PASSWORD
from tests.config.starting import STRONG, faults, manage, run, start
from tests.docs.documents import EVERY, blocks, page

SIGNED = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from django.core import signing
{}
"""
HSTS = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.test import Client
for secure in (True, False):
    answer = Client().get("/healthz", headers={"host": "parcelwire.example"}, secure=secure)
    print(answer.headers.get("Strict-Transport-Security"), end=" " if secure else "\\n")
"""


def test_production_starts_with_everything_set() -> None:
    done = start(**STRONG)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY"),
        ({"SECRET_KEY_FALLBACKS": "short"}, "SECRET_KEY_FALLBACKS"),
        ({"FIELD_ENCRYPTION_KEYS": ""}, "FIELD_ENCRYPTION_KEYS"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "https://parcelwire.example"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "parcelwire.example:8000"}, "ALLOWED_HOSTS"),
        ({"DEBUG": "true"}, "DEBUG"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"PARCELWIRE_ENV": "staging"}, "PARCELWIRE_ENV"),
        ({"FIELD_ENCRYPTION_KEYS": "short"}, "FIELD_ENCRYPTION_KEYS"),
        ({"FIELD_ENCRYPTION_KEYS": " , "}, "FIELD_ENCRYPTION_KEYS"),
        ({"FIELD_ENCRYPTION_KEYS": "A" * 43 + "="}, "FIELD_ENCRYPTION_KEYS"),
        ({"CARRIER_ALLOWED_NETWORKS": "10.0.0.1/8"}, "CARRIER_ALLOWED_NETWORKS"),
        ({"WEBHOOK_ALLOWED_NETWORKS": "office"}, "WEBHOOK_ALLOWED_NETWORKS"),
        ({"POLL_LEASE": "0"}, "POLL_LEASE"),
        ({"POLL_IN_FLIGHT_PER_ACCOUNT": "0"}, "POLL_IN_FLIGHT_PER_ACCOUNT"),
        ({"CARRIER_DEADLINE": "-1"}, "CARRIER_DEADLINE"),
        ({"SWEEP_INTERVAL": "-1"}, "SWEEP_INTERVAL"),
        ({"POLL_LEASE": "soon"}, "POLL_LEASE"),
        ({"POLL_LEASE": "inf"}, "POLL_LEASE"),
        ({"WEB_THREADS": "2.5"}, "WEB_THREADS"),
        ({"TRACK_WAIT": "61"}, "TRACK_WAIT"),
        ({"DEBUG": "maybe"}, "DEBUG"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
        ({"DATABASE_URL": "mysql://u:hidden@db/parcelwire"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://u:hidden@db:port/parcelwire"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://parcelwire:parcelwire@db/parcelwire"}, "DATABASE_URL"),
        ({"MIGRATION_DATABASE_URL": "u:hidden@db"}, "MIGRATION_DATABASE_URL"),
        (
            {
                "PARCELWIRE_ENV": "development",
                "DATABASE_URL": "",
                "MIGRATION_DATABASE_URL": "postgres://o@db/p",
            },
            "MIGRATION_DATABASE_URL",
        ),
        ({"REDIS_URL": "http://:hidden@cache/0"}, "REDIS_URL"),
        ({"REDIS_URL": "redis://:hidden@cache/first"}, "REDIS_URL"),
        ({"REDIS_URL": "redis://:changeme@cache/0"}, "REDIS_URL"),
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
    assert [fault.split()[0] for fault in faults(done)] == [named]
    assert "hidden" not in done.stderr


def test_all_faults_are_told_in_one_message_with_what_to_do() -> None:
    bad = {"SECRET_KEY": "short", "FIELD_ENCRYPTION_KEYS": "", "POLL_LEASE": "soon", "REDIS_URL": ""}
    done = start(**STRONG | bad, DEBUG="1")
    assert [fault.split()[0] for fault in faults(done)] == [
        *("DEBUG", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "REDIS_URL", "POLL_LEASE")
    ]  # as the page has them
    assert len(done.stderr.splitlines()) < 15
    assert done.stderr.endswith("docs/settings.md explains every variable.\n")


def test_the_remedies_that_are_told_make_secrets_that_are_taken() -> None:
    told = [line.strip() for line in start(PARCELWIRE_ENV="production").stderr.splitlines()]
    assert {MAKE_SECRET_KEY, MAKE_FERNET_KEY} < {*told}
    made = [
        subprocess.run(shlex.split(line), capture_output=True, text=True, check=True).stdout.strip()
        for line in (MAKE_SECRET_KEY, MAKE_FERNET_KEY)
    ]
    done = start(**STRONG | {"SECRET_KEY": made[0], "FIELD_ENCRYPTION_KEYS": made[1]})
    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_has_the_message_as_it_is_told() -> None:
    said = faults(start(**STRONG | {"SECRET_KEY": "short", "ALLOWED_HOSTS": "", "POLL_LEASE": "soon"}))
    shown = [line.strip() for block in blocks(page("settings"), "text") for line in block.splitlines()]
    assert {*said} < {*shown}
    (made,) = [block for block in blocks(page("settings"), "sh") if "secrets" in block]
    assert made.splitlines() == [MAKE_SECRET_KEY, MAKE_FERNET_KEY, MAKE_PASSWORD]


def test_no_key_that_stands_in_a_document_starts_production() -> None:
    """Whoever copies one has a key that everybody knows."""
    for document in EVERY:
        for key in re.findall(r"(?<![\w/+-])[\w-]{43}=(?![\w=])", document.read_text()):
            assert faults(start(**STRONG | {"FIELD_ENCRYPTION_KEYS": key})), (document.name, "Fernet key")
        for key in re.findall(r"SECRET_KEY=([\w-]+)", document.read_text()):
            assert faults(start(**STRONG | {"SECRET_KEY": key})), (document.name, "SECRET_KEY")


_PROGRAMS = {
    "a command of Django's": "manage.py migrate",
    "a command of ours": "manage.py create_merchant Alice",
    "the web": "manage.py web --port 0",
    "a worker": "manage.py worker deliveries",
    "beat": "manage.py beat",
    "the metrics": "manage.py metrics",
    "the probe of a worker's tasks": "-m celery -A config inspect ping",
    "a worker of plain Celery": "-m celery -A config worker -Q parcelwire",
    "beat of plain Celery": "-m celery -A config beat",
    "the web of plain granian": "-m granian --interface wsgi --port 0 --no-ws config.wsgi:application",
}


@pytest.mark.parametrize("words", _PROGRAMS.values(), ids=[*_PROGRAMS])
def test_every_program_ends_with_the_message_and_without_a_traceback(words: str) -> None:
    done = run([sys.executable, *words.split()], STRONG | {"SECRET_KEY": "django-insecure-hidden" * 4})
    assert faults(done) == ["SECRET_KEY is an example; give it a key of its own; this makes one:"]
    assert "hidden" not in done.stdout + done.stderr


def test_production_passes_every_check_for_deployment_without_a_warning() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **STRONG)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "max-age=86400"),
        ({"HSTS_SECONDS": "60", "HSTS_SUBDOMAINS": "yes"}, "max-age=60; includeSubDomains"),
        (
            {"HSTS_SECONDS": "31536000", "HSTS_SUBDOMAINS": "on", "HSTS_PRELOAD": "on"},
            "max-age=31536000; includeSubDomains; preload",
        ),
        ({"HSTS_SECONDS": "0"}, "None"),
    ],
)
def test_a_browser_is_told_of_https(given: dict[str, str], said: str) -> None:
    done = start(HSTS, **STRONG, **given)
    assert done.stdout == f"{said} None\n"


def test_a_variable_that_is_set_to_nothing_is_unset() -> None:
    done = start(
        "import config.settings as s; print(s.POLL_LEASE, s.LOG_LEVEL)",
        **STRONG,
        POLL_LEASE="",
        LOG_LEVEL=" ",
    )
    assert done.stdout == "60 INFO\n"


def test_sessions_signed_by_an_earlier_key_stay_good() -> None:
    old = STRONG["SECRET_KEY"]
    new = {"SECRET_KEY": old[::-1], "SECRET_KEY_FALLBACKS": old}
    signed = start(SIGNED.format("print(signing.dumps('alice'))"), **STRONG).stdout.strip()
    read = SIGNED.format(f"print(signing.loads('{signed}'))")
    assert start(read, **STRONG | new).stdout == "alice\n"
    assert "BadSignature" in start(read, **STRONG | new | {"SECRET_KEY_FALLBACKS": ""}).stderr


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
