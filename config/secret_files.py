"""A secret comes from its variable X, or from the file X_FILE names. Imports the standard library only."""

import os
from pathlib import Path


class SecretError(Exception):
    """The secret cannot be had; the message goes on from the variable's name and does not quote it."""


def is_given(name: str) -> bool:
    """Whether the variable, or a file for it, is named."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def secret(name: str) -> str:
    """The value of X, or of the file X_FILE without the line break at its end; "" where neither is set.

    Raises SecretError where both are set, and where the file is missing, unreadable or empty.
    """
    value, path = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if not path:
        return value
    if value:
        raise SecretError(f"is set, and so is {name}_FILE; set one of them")
    try:
        if Path(path).is_fifo():  # reading it may wait for ever, and the next process finds it empty
            raise SecretError(f"cannot be read: {name}_FILE names {path!r}, which is a pipe")
        text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SecretError(f"cannot be read: {name}_FILE names {path!r}: {error.strerror}") from error
    except ValueError as error:
        raise SecretError(f"cannot be read: {name}_FILE names {path!r}, which is not text") from error
    if not text:
        raise SecretError(f"cannot be read: {name}_FILE names {path!r}, which is empty")
    if "\0" in text:  # no server takes it
        raise SecretError(f"cannot be read: {name}_FILE names {path!r}, which holds a NUL")
    return text
