"""The project's own secrets. Outside production a missing one is made once, in the data folder."""

from config import faults, sections, weakness
from config.environment import listed
from config.keys import DataError, development_secrets
from config.variables.running import PARCELWIRE_DATA, PRODUCTION

#: Command lines that make a right value.
MAKE_SECRET_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"  # noqa: S105
MAKE_FERNET_KEY = "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"


def _made(name: str) -> str:
    """The secret made for development; in production its lack is a fault."""
    if faults.is_told(name):
        return ""
    if PRODUCTION:
        remedy = MAKE_SECRET_KEY if name == "SECRET_KEY" else MAKE_FERNET_KEY
        faults.add(name, f"is not set; set it, or {name}_FILE, to what this prints:", remedy)
        return ""
    try:
        return development_secrets(PARCELWIRE_DATA)[name]
    except DataError as error:
        faults.add("PARCELWIRE_DATA", f"cannot be used: {error}")
        return ""


SECRET_KEY = sections.keys.secret(
    "SECRET_KEY",
    shown="made once, in development",
    means="Django's key, which signs sessions of staff and forms of the admin; in production at least "
    f"{weakness.LEAST_LENGTH} characters drawn at random",
) or _made("SECRET_KEY")
SECRET_KEY_FALLBACKS = listed(
    sections.keys.secret(
        "SECRET_KEY_FALLBACKS",
        means="earlier values of `SECRET_KEY`, separated by commas: what they signed stays good. To change "
        "the key, put the old one here, start every process anew, and take it out when `STAFF_SESSION_AGE` "
        "is over",
    )
)
#: Newest first: the first encrypts, all decrypt.
FIELD_ENCRYPTION_KEYS = listed(
    sections.keys.secret(
        "FIELD_ENCRYPTION_KEYS",
        shown="made once, in development",
        means="Fernet keys that encrypt carrier keys, webhook secrets, webhook headers, kept answers and the "
        "secret by which calls are [counted by key](decisions/0092-calls-are-counted-by-key.md), newest "
        "first, separated by commas: the first encrypts, every one decrypts",
    )
    or _made("FIELD_ENCRYPTION_KEYS")
)

if PRODUCTION:
    for _name, _keys in (("SECRET_KEY", [SECRET_KEY]), ("SECRET_KEY_FALLBACKS", SECRET_KEY_FALLBACKS)):
        for _weak in filter(None, (weakness.of_secret_key(key) for key in _keys if key)):
            faults.add(_name, f"{_weak}; this makes one:", MAKE_SECRET_KEY)
if SECRET_KEY in SECRET_KEY_FALLBACKS:
    faults.doubt("SECRET_KEY_FALLBACKS", "holds SECRET_KEY itself; it is for the earlier ones")
if not FIELD_ENCRYPTION_KEYS and not any(map(faults.is_told, ("FIELD_ENCRYPTION_KEYS", "PARCELWIRE_DATA"))):
    faults.add("FIELD_ENCRYPTION_KEYS", "holds no key; this makes one:", MAKE_FERNET_KEY)
for _key in FIELD_ENCRYPTION_KEYS:
    _weak = weakness.of_fernet_key(_key)
    if _weak and (PRODUCTION or _weak == weakness.NO_FERNET_KEY):
        faults.add("FIELD_ENCRYPTION_KEYS", f"{_weak}; this makes one:", MAKE_FERNET_KEY)
