"""Redis or Valkey: whether it answers, and throws nothing away that was put into it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from config import heartbeat
from config.doctor.findings import Finding, bad, ok, warn

#: The oldest Redis that is supported; of Valkey every one is younger.
OLDEST = (6, 2)
#: The share of its memory above which somebody should look.
FULL = 0.9


def server() -> Iterator[Finding]:
    """It answers, is new enough, and can be written to."""
    said = _info()
    name = "Valkey" if "valkey_version" in said else "Redis"
    version = str(said.get("valkey_version") or said.get("redis_version") or "?")
    at = urlsplit(settings.REDIS_URL)
    found = f"{name} {version} at {at.hostname or 'a local socket'}{f':{at.port}' if at.port else ''}"
    numbers = tuple(int(one) for one in re.findall(r"\d+", version)[:2])
    if name == "Redis" and numbers and numbers < OLDEST:
        yield bad(
            found, f"Parcelwire needs Redis {'.'.join(map(str, OLDEST))} or newer, or Valkey: upgrade it"
        )
    elif said.get("role") == "slave":
        yield bad(f"{found}, is a replica: nothing can be written", "point REDIS_URL at the primary")
    else:
        yield ok(found)


def eviction() -> Iterator[Finding]:
    """What is queued stays queued, however full it gets."""
    said = _info()
    policy = str(said.get("maxmemory_policy", ""))
    todo = "set maxmemory-policy to noeviction"
    if policy.startswith("allkeys"):
        yield bad(f"maxmemory-policy is {policy}: tasks and counted calls can be thrown away", todo)
    elif policy != "noeviction":
        told = policy or "not told"
        yield warn(f"maxmemory-policy is {told}: counted calls and nudges can be thrown away", todo)
    else:
        yield ok("maxmemory-policy is noeviction")


def memory() -> Iterator[Finding]:
    """There is room: once it is full, nothing more is taken."""
    said = _info()
    used, most = int(said.get("used_memory", 0)), int(said.get("maxmemory", 0))
    found = (
        f"{used / 2**20:.0f} MiB used, of {most / 2**20:.0f} MiB" if most else f"{used / 2**20:.0f} MiB used"
    )
    if most and used > FULL * most:
        yield warn(found, "raise maxmemory, or look at the length of the queues")
    else:
        yield ok(found if most else f"{found}, no limit of its own")


def persistence() -> Iterator[Finding]:
    """What it keeps survives its restart, and it takes writes."""
    said = _info()
    failing = [
        name for name in ("aof_last_write_status", "rdb_last_bgsave_status") if said.get(name, "ok") != "ok"
    ]
    if failing:
        yield bad(
            f"{' and '.join(failing)} not ok: it may refuse every write",
            "look at its log, and its disk's room",
        )
    elif not int(said.get("aof_enabled", 0)):
        yield warn(
            "no append-only file: its restart forgets counted calls, and tasks that sweeps then find",
            "set appendonly to yes",
        )
    else:
        yield ok("it keeps an append-only file")


def _info() -> Mapping[str, Any]:
    with heartbeat.connected(settings.REDIS_URL) as client:
        return dict(client.info())
