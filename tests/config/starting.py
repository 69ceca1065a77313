"""Processes that read the settings, in an environment of their own."""

import os
import subprocess
import sys
from collections.abc import Mapping

from tests.processes import ROOT

#: What production needs, and nothing more.
STRONG = {
    "PARCELWIRE_ENV": "production",
    "SECRET_KEY": "tD2v8Zq_N5xWcK1yRbF7mLhG9sPjA3eUoXiV6nTzQwE4rYkB0C",
    "FIELD_ENCRYPTION_KEYS": "9Vt0Hq3rPz8mX1cYbKfWJ5sLdEaN7uGiRoTvZx2Qk4M=",
    "ALLOWED_HOSTS": "parcelwire.example",
    "DATABASE_URL": "postgres://parcelwire:Wm4pT9xQ@db/parcelwire",
    "REDIS_URL": "redis://:Zr8kV2nB@cache/0",
}


def start(program: str = "import config.settings", /, **environment: str) -> subprocess.CompletedProcess[str]:
    """Import the settings, or do more, in a process of its own."""
    return run([sys.executable, "-c", program], environment)


def manage(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of manage.py."""
    return run([sys.executable, "manage.py", *words], environment)


def run(words: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return subprocess.run(
        words,
        cwd=ROOT,
        env=kept | {"PARCELWIRE_DATA": "/nonexistent"} | dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def faults(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that name what is wrong, of a program that ended for it and said nothing else."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr[done.stderr.index("Parcelwire does not start") :].splitlines()
    return [line.strip() for line in lines if line.startswith("  ") and not line.startswith("   ")]
