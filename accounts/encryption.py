"""A text column that is encrypted at rest with Fernet keys that can be rotated."""

from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression


def cipher() -> MultiFernet:
    """FIELD_ENCRYPTION_KEYS, newest first: the first encrypts, every one decrypts."""
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])


def sealed(text: str) -> str:
    """The text as a Fernet token."""
    return cipher().encrypt(text.encode()).decode()


def opened(token: str) -> str:
    """The text of a Fernet token. Raises cryptography.fernet.InvalidToken."""
    return cipher().decrypt(token.encode()).decode()


class SealedTextField(models.TextField[str, str]):
    """Text that is a Fernet token in Python too: whoever has need of what it holds opens it.

    Beside `EncryptedTextField` the other kind of column that `manage.py rotate_keys` encrypts anew.
    """

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """In a migration it is the plain text column that it is in the database."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


class EncryptedTextField(models.TextField[str, str]):
    """Text that the database holds as a Fernet token.

    Reading a token that no key opens raises cryptography.fernet.InvalidToken: never the token itself. Equal
    texts give different tokens, so the column cannot be searched.
    """

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return None
        return sealed(str(value))

    def from_db_value(
        self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper
    ) -> str | None:
        return None if value is None else opened(value)
