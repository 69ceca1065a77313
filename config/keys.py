"""Secrets made once for development and kept in the data folder, so that every command reads the same."""

import json
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet


def development_secrets(data: Path) -> dict[str, str]:
    """The secrets of `data`/secrets.json (mode 0600), made first where the file is missing.

    Keys: SECRET_KEY, FIELD_ENCRYPTION_KEYS, POSTGRES_PASSWORD, REDIS_PASSWORD.
    Two processes that start at once agree: the file appears whole, and the first to link it wins.
    """
    path = data / "secrets.json"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        _write_once(path)
    found: dict[str, str] = json.loads(path.read_text())
    return found


def _write_once(path: Path) -> None:
    made = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "REDIS_PASSWORD": secrets.token_hex(24),
    }
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(made, file)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was first; its file is the one to read
    finally:
        draft.unlink()
