"""How the project talks with PostgreSQL: for how long it waits, and for what."""

from typing import Any

import environ

from config import programs

#: A server that vanishes without a word would be waited for as long as the system does: minutes, or for ever.
_VANISHED = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def postgresql(url: str, *, migrating: bool) -> dict[str, Any]:
    """What Django is told of the database at this URL. Raises ValueError where it is no PostgreSQL.

    A migration may take longer than a request; it must still not queue behind locks for ever.
    """
    if not url.startswith(("postgres://", "postgresql://")):
        raise ValueError("not the URL of a PostgreSQL: postgres://user:password@host/name")
    told: dict[str, Any] = {
        **environ.Env.db_url_config(url),
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
    options = {
        "lock_timeout": 5_000,  # milliseconds, like the others
        "statement_timeout": 0 if migrating else 30_000,
        "idle_in_transaction_session_timeout": 0 if migrating else 10_000,
        "jit": "off",  # claims look dear to the planner; compiling one would cost far more than running it
    }
    named = {"application_name": f"parcelwire {programs.own_name()}"}
    own = {"options": " ".join(f"-c {name}={value}" for name, value in options.items())}
    return told | {"OPTIONS": {**_VANISHED, **named, **told.get("OPTIONS", {}), **own}}
