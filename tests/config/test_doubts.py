"""What is probably a mistake is told, and the start goes on."""

import pytest

from config import contradictions, misspelling
from tests.config.starting import STRONG, manage, start

KNOWN = {"DELIVERY_DEADLINE", "REDIS_URL", "REDIS_URL_FILE", "LOG_LEVEL", "PARCELWIRE_DATA", "SECRET_KEY"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("DELIVERY_DEADLNE", "is set, and nothing reads it; is DELIVERY_DEADLINE meant?"),
        ("REDIS_URI", "is set, and nothing reads it; is REDIS_URL meant?"),
        ("REDIS_URL_FIEL", "is set, and nothing reads it; is REDIS_URL_FILE meant?"),
        ("PARCELWIRE_DATE", "is set, and nothing reads it; is PARCELWIRE_DATA meant?"),
        ("PARCELWIRE_COLOUR", "is set, and nothing reads it"),
        ("LOG_LEVEL_FILE", "is set, but LOG_LEVEL is read from no file"),
    ],
)
def test_a_name_like_one_of_ours_is_told(name: str, said: str) -> None:
    assert [*misspelling.strangers([name, "PATH"], KNOWN)] == [(name, said)]


def test_names_of_others_are_left_alone() -> None:
    theirs = ["PATH", "LANG", "PORT", "POSTGRES_PASSWORD", "HTTP_PROXY", "PGHOST", "PARCELWIRE_SUPERVISED"]
    assert [*misspelling.strangers([*theirs, *KNOWN], KNOWN)] == []


#: What fits together, as the settings have it.
FITTING = {
    "PRODUCTION": True,
    "ALLOWED_HOSTS": [".shop.example"],
    "PUBLIC_URL": "https://parcels.shop.example",
    "HSTS_SECONDS": 86400,
    "HSTS_SUBDOMAINS": False,
    "HSTS_PRELOAD": False,
    "EMAIL_URL": "",
    "EMAIL_FROM": "",
    "DELIVERY_DEADLINE": 15,
    "DELIVERY_CONNECT_DEADLINE": 5,
    "DELIVERY_DNS_DEADLINE": 3,
    "CARRIER_DEADLINE": 20,
    "TRACK_WAIT": 20,
    "DRAIN_SECONDS": 5,
    "POLL_LEASE": 60,
    "DELIVERY_LEASE": 30,
}


def test_what_fits_is_not_spoken_of() -> None:
    for looked in (contradictions.refused, contradictions.doubted, contradictions.slow):
        assert [*looked(FITTING)] == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"PUBLIC_URL": "http://parcels.shop.example"}, "PUBLIC_URL"),
        ({"HSTS_PRELOAD": True, "HSTS_SUBDOMAINS": True}, "HSTS_PRELOAD"),
        ({"HSTS_PRELOAD": True, "HSTS_SECONDS": 31_536_000}, "HSTS_PRELOAD"),
    ],
)
def test_what_cannot_work_is_refused(change: dict[str, object], named: str) -> None:
    assert [name for name, _ in contradictions.refused(FITTING | change)] == [named]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"PUBLIC_URL": "https://parcels.other.example"}, "PUBLIC_URL"),
        ({"EMAIL_FROM": "a@shop.example"}, "EMAIL_FROM"),
        ({"DELIVERY_CONNECT_DEADLINE": 16}, "DELIVERY_CONNECT_DEADLINE"),
        ({"DELIVERY_DNS_DEADLINE": 16}, "DELIVERY_DNS_DEADLINE"),
        ({"CARRIER_DEADLINE": 26}, "CARRIER_DEADLINE"),
        ({"DELIVERY_DEADLINE": 26}, "DELIVERY_DEADLINE"),
        ({"TRACK_WAIT": 26, "DRAIN_SECONDS": 0}, "TRACK_WAIT"),
        ({"DRAIN_SECONDS": 10}, "DRAIN_SECONDS"),
        ({"POLL_LEASE": 4}, "POLL_LEASE"),
        ({"DELIVERY_LEASE": 4}, "DELIVERY_LEASE"),
    ],
)
def test_what_hardly_works_is_doubted(change: dict[str, object], named: str) -> None:
    values = FITTING | change
    assert [name for name, _ in (*contradictions.doubted(values), *contradictions.slow(values))] == [named]


def test_short_and_long_times_are_for_trying_outside_production() -> None:
    assert [*contradictions.slow(FITTING | {"PRODUCTION": False, "TRACK_WAIT": 60, "POLL_LEASE": 1})] == []


def test_a_doubt_is_a_warning_of_every_command_and_stops_none() -> None:
    done = manage("check", **STRONG, DELIVERY_DEADLNE="5")
    assert done.returncode == 0
    assert "(config.W001) DELIVERY_DEADLNE is set, and nothing reads it" in done.stderr


def test_a_server_elsewhere_without_a_password_is_doubted() -> None:
    done = manage("check", **STRONG | {"REDIS_URL": "redis://cache/0"})
    assert "REDIS_URL has no password" in done.stderr


def test_migrations_of_another_database_are_doubted() -> None:
    done = manage("check", **STRONG, MIGRATION_DATABASE_URL="postgres://owner:Vn7sQ2xL@db/parcels")
    assert (
        "MIGRATION_DATABASE_URL is of the database 'parcels', and DATABASE_URL of 'parcelwire'" in done.stderr
    )


@pytest.mark.parametrize("program", ["import config.wsgi", "from config.celery import app; app.log.setup()"])
def test_the_web_and_the_workers_write_doubts_into_their_log(program: str) -> None:
    done = start(program, **STRONG, CARRIER_DEADLINE="40")
    assert "CARRIER_DEADLINE is 40" in done.stderr
