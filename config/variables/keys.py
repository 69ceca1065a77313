"""The project's own secrets. Outside production a missing one is made once, in the data folder."""

from cryptography.fernet import Fernet

from config import faults, sections
from config.environment import listed
from config.keys import DataError, development_secrets
from config.variables.running import PARCELWIRE_DATA, PRODUCTION

#: Command lines that make a right value.
MAKE_SECRET_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"  # noqa: S105
MAKE_FERNET_KEY = "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"


def _made(name: str, remedy: str) -> str:
    if PRODUCTION:
        faults.add(name, "is not set", remedy)
        return ""
    try:
        return development_secrets(PARCELWIRE_DATA)[name]
    except DataError as error:
        faults.add("PARCELWIRE_DATA", f"cannot be used: {error}")
        return ""


SECRET_KEY = sections.keys.secret(
    "SECRET_KEY",
    shown="made once, in development",
    means="Django's secret key; at least 50 characters in production",
) or _made("SECRET_KEY", MAKE_SECRET_KEY)
if PRODUCTION and SECRET_KEY and len(SECRET_KEY) < 50:
    faults.add("SECRET_KEY", "is shorter than 50 characters", MAKE_SECRET_KEY)

#: Fernet keys, newest first: the first encrypts, all decrypt.
FIELD_ENCRYPTION_KEYS = listed(
    sections.keys.secret(
        "FIELD_ENCRYPTION_KEYS",
        shown="made once, in development",
        means="Fernet keys that encrypt carrier keys, webhook secrets, webhook headers, kept answers and the "
        "secret by which calls are [counted by key](decisions/0092-calls-are-counted-by-key.md), newest "
        "first, separated by commas: the first encrypts, every one decrypts",
    )
    or _made("FIELD_ENCRYPTION_KEYS", MAKE_FERNET_KEY)
)
for _key in FIELD_ENCRYPTION_KEYS:
    try:
        Fernet(_key)
    except ValueError:
        faults.add("FIELD_ENCRYPTION_KEYS", "holds what is not a Fernet key", MAKE_FERNET_KEY)
