"""A data folder with a migrated PostgreSQL, made once; each run gets a copy, which takes no second."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config import keys, servers
from config.embedded import SERVERS_OF_OTHERS
from tests.faults.harness.plan import MERCHANTS
from tests.processes import ROOT

#: The role that a run's programs connect as, which may not change the log, and its password.
ROLE, PASSWORD = "app", "of-a-run-that-is-over-soon"
#: The file with what the API needs of merchants: their ids and keys.
MERCHANTS_FILE = "merchants.json"


def make(data: Path, merchants: int = MERCHANTS) -> None:
    """Fill this folder: tables, the role of the application, merchants with a key each."""
    postgres = servers.Postgres(data)
    running = servers.start(postgres, data)
    try:
        owner = postgres.url(running.port)
        environment = project(data, app_url(owner), "redis://127.0.0.1:1/0") | {
            "MIGRATION_DATABASE_URL": owner
        }
        _manage(environment, "migrate", "--verbosity", "0")
        _manage(environment, "grant_app_role", "--create")
        made = [
            _manage(environment, "create_merchant", f"Merchant {nth}", "--json") for nth in range(merchants)
        ]
        (data / MERCHANTS_FILE).write_text(json.dumps([json.loads(each) for each in made]))
    finally:
        servers.stop([running], data, time.monotonic() + 30)


def copy(template: Path, data: Path) -> list[dict[str, Any]]:
    """Put a copy at `data`. Its merchants: `merchantId` and `apiKey` of each."""
    shutil.copytree(template, data, symlinks=True, ignore=shutil.ignore_patterns("log", "run"))
    (data / "postgres" / "cluster").chmod(0o700)
    made: list[dict[str, Any]] = json.loads((data / MERCHANTS_FILE).read_text())
    return made


def app_url(owner: str) -> str:
    """The same database as the application sees it."""
    address = urlsplit(owner)
    return address._replace(netloc=f"{ROLE}:{PASSWORD}@{address.hostname}:{address.port}").geturl()


def project(data: Path, database: str, redis: str) -> dict[str, str]:
    """The environment of a program of the project, on these servers, and of none that others named."""
    unset = {*SERVERS_OF_OTHERS, "PARCELWIRE_ENV", "DJANGO_SETTINGS_MODULE"}
    secrets = keys.development_secrets(data)
    return {name: value for name, value in os.environ.items() if name not in unset} | {
        "PARCELWIRE_DATA": str(data),
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "SECRET_KEY": secrets["SECRET_KEY"],
        "FIELD_ENCRYPTION_KEYS": secrets["FIELD_ENCRYPTION_KEYS"],
    }


def _manage(environment: Mapping[str, str], *words: str) -> str:
    """What a command writes. Raises CalledProcessError, with what it wrote about that."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(words)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout
