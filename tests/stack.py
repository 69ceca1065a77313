"""Plugin of pytest (`-p tests.stack`): real PostgreSQL and Valkey for the run, before the settings are read.

What DATABASE_URL and REDIS_URL leave open is started in a temporary folder and ended with the run, or when
pytest is killed. Workers of xdist inherit the servers; each has a Redis database of its own.
"""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from config import embedded

_held = contextlib.ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
    os.environ.setdefault("FIELD_ENCRYPTION_KEYS", Fernet.generate_key().decode())
    _use_own_redis_database()
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        data = Path(tempfile.mkdtemp(prefix="parcelwire-tests-"))
        (data / "static").mkdir()  # WhiteNoise warns where it is missing, and a warning is an error here
        os.environ["PARCELWIRE_DATA"] = str(data)
        os.environ.update(_held.enter_context(embedded.using(data, "pytest", durable=False, discard=True)))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.import_plugin("tests.flushing")  # imports Django's, which is set up by now


def pytest_unconfigure() -> None:
    _held.close()


def _use_own_redis_database() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and os.environ.get("REDIS_URL", "").endswith("/0"):
        os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'][:-1]}{int(worker.removeprefix('gw')) + 1}"
