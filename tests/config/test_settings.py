"""Production refuses to start weak."""

import re
import shlex
import subprocess
import sys

import pytest

from config.mailboxes import MailError, mail_server
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


#: Values that production refuses, one by one.
WEAK = {
    "DEBUG": ["true", "maybe"],
    "WEB_THREADS": ["2.5", "0"],
    "SWEEP_INTERVAL": ["-1"],
    "WORKER_TASKS": ["0", "many"],
    "SECRET_KEY": ["", "short", "ab" * 40],
    "SECRET_KEY_FALLBACKS": ["short"],
    "FIELD_ENCRYPTION_KEYS": ["", "short", " , ", "A" * 43 + "="],
    "ALLOWED_HOSTS": ["", "*", "https://u:hidden@parcelwire.example", "parcelwire.example:8000"],
    "PROXY_SCHEME_HEADER": ["X-Forwarded-Proto: https"],
    "HSTS_SECONDS": ["-1", "a year"],
    "HSTS_PRELOAD": ["on"],
    "PROXY_ADDRESS_HEADER": ["X Forwarded For"],
    "PUBLIC_URL": [
        *("parcels.shop.example", "https://u:hidden@parcels.shop.example", "http://parcelwire.example"),
    ],
    "CORS_ALLOWED_ORIGINS": ["*", "https://shop.example/"],
    "DATABASE_URL": [
        *("", "mysql://u:hidden@db/parcelwire", "postgres://u:hidden@db:port/parcelwire"),
        "postgres://parcelwire:parcelwire@db/parcelwire",
    ],
    "MIGRATION_DATABASE_URL": ["u:hidden@db"],
    "REDIS_URL": [
        *("", "http://:hidden@cache/0", "redis://:hidden@cache/first", "redis://cache/0?password=changeme"),
    ],
    "API_RATE_LIMIT": ["fast"],
    "TRACKING_PAGE_RATE_LIMIT": ["-1"],
    "TRACK_WAIT": ["61"],
    "POLL_LEASE": ["0", "soon", "inf", "nan"],
    "POLL_IN_FLIGHT_PER_ACCOUNT": ["0"],
    "CARRIER_DEADLINE": ["-1"],
    "CARRIER_ALLOWED_NETWORKS": ["10.0.0.1/8"],
    "WEBHOOK_ALLOWED_NETWORKS": ["office"],
    "EMAIL_URL": ["smtp://u:hidden@mail.example:port"],
    "LOG_LEVEL": ["LOUD"],
}


@pytest.mark.parametrize("nth", range(4))
def test_production_refuses_each_weakness_and_names_it(nth: int) -> None:
    """The nth weak value of every variable that has so many, at once."""
    weak = {name: values[nth] for name, values in WEAK.items() if nth < len(values)}
    done = start(**STRONG | weak)
    assert {fault.split()[0] for fault in faults(done)} == {*weak}
    assert "hidden" not in done.stderr


def test_there_are_two_ways_to_run() -> None:
    assert faults(start(**STRONG | {"PARCELWIRE_ENV": "staging"})) == [
        "PARCELWIRE_ENV is 'staging'; expected development or production"
    ]


def test_migrations_have_no_database_of_their_own() -> None:
    given = {"PARCELWIRE_ENV": "development", "MIGRATION_DATABASE_URL": "postgres://o@db/p"}
    assert faults(start(**STRONG | given | {"DATABASE_URL": ""})) == [
        "MIGRATION_DATABASE_URL is set, and DATABASE_URL is not; set both, or none"
    ]


@pytest.mark.parametrize(
    ("url", "sender", "named"),
    [
        ("smtp://", "a@shop.example", "EMAIL_URL"),
        ("smtp://u:hidden@mail.example:port", "a@shop.example", "EMAIL_URL"),
        ("https://u:hidden@mail.example", "a@shop.example", "EMAIL_URL"),
        ("consolemail", "a@shop.example", "EMAIL_URL"),
        ("smtp://u:hidden@mail.example", "", "EMAIL_FROM"),
        ("smtp://mail.example", "a@shop.example, b@shop.example", "EMAIL_FROM"),
        ("smtp://mail.example", "Shop <a@shop.example", "EMAIL_FROM"),
        ("smtp://mail.example", "Shop\nBcc: b@c.example <a@b.example>", "EMAIL_FROM"),
        ("smtp://u:hidden@mail.example", "Parcelwire", "EMAIL_FROM"),
    ],
)
def test_what_is_no_mail_server_or_sender_is_named(url: str, sender: str, named: str) -> None:
    with pytest.raises(MailError) as caught:
        mail_server(url, sender)
    assert caught.value.name == named
    assert "hidden" not in str(caught.value)


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
    said = faults(start(**STRONG | {"REDIS_URL": "", "ALLOWED_HOSTS": "", "POLL_LEASE": "soon"}))
    shown = [line.strip() for block in blocks(page("settings"), "text") for line in block.splitlines()]
    assert said == shown[1:-1]
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
    "a worker of plain Celery": "-m celery -A config worker -Q parcelwire",
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
        (
            {"HSTS_SECONDS": "31536000", "HSTS_SUBDOMAINS": "on", "HSTS_PRELOAD": "on"},
            "max-age=31536000; includeSubDomains; preload",
        ),
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
