"""The data folder, and the secrets made once for development in it, so that every command reads the same."""

import json
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet

_NAMES = {"SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}


class DataError(Exception):
    """The data folder, or a file in it, cannot be used; the message says which one, and why."""


def make_folder(data: Path) -> None:
    """Make the data folder where it is missing. Raises DataError where it cannot be made or written to."""
    try:
        data.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise DataError(f"the data folder {data} is a file") from error
    except OSError as error:
        raise DataError(f"the data folder {data} cannot be made: {error.strerror}") from error
    if not os.access(data, os.W_OK | os.X_OK):
        raise DataError(f"the data folder {data} cannot be written to")


def development_secrets(data: Path) -> dict[str, str]:
    """The secrets of `data`/secrets.json (mode 0600), made first where the file is missing.

    Keys: SECRET_KEY, FIELD_ENCRYPTION_KEYS, POSTGRES_PASSWORD, REDIS_PASSWORD. Raises DataError.
    Two processes that start at once agree: the file appears whole, and the first to link it wins.
    """
    path = data / "secrets.json"
    make_folder(data)
    try:
        if not path.exists():
            _write_once(path)
        found = json.loads(path.read_text())
    except OSError as error:
        raise DataError(f"{path} cannot be read or made: {error.strerror}") from error
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in _NAMES):
        raise DataError(
            f"{path} is damaged: bring it back from a copy, for the data beside it needs these secrets"
        )
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
