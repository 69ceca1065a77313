"""Production refuses to start weak."""

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


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """Import the settings in a process of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", "import config.settings"],
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
    ],
)
def test_production_refuses_a_weakness_and_names_it(change: dict[str, str], named: str) -> None:
    done = start(**STRONG | change)
    assert done.returncode == 1
    assert named in done.stderr.splitlines()[-1]
