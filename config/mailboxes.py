"""The mail server and the sender of the project's e-mails."""

from email import policy
from email.errors import ObsoleteHeaderDefect
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

#: Schemes of EMAIL_URL with their usual ports: in clear, STARTTLS, TLS from the start; and none, for trying.
_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465, "consolemail": None}
_FORMS = "smtp://, smtp+tls:// or smtp+ssl:// and user:password@host:port, or consolemail://"


class MailError(ImproperlyConfigured):
    """A variable is not what was expected; the message does not quote the URL: a password may be in it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name
        self.problem = problem


def mail_server(url: str, sender: str) -> dict[str, Any]:
    """Django's settings for EMAIL_URL; none for "". `sender` is EMAIL_FROM, an address then.

    Raises MailError.
    """
    if not url:
        return {}
    scheme, slashes, _ = url.partition("://")
    try:
        given: dict[str, Any] = environ.Env.email_url_config(url)
    except (ImproperlyConfigured, ValueError):
        given = {}
    complete = slashes and (given.get("EMAIL_HOST") or scheme == "consolemail")
    if scheme not in _PORTS or not complete:
        raise MailError("EMAIL_URL", f"is not what was expected: {_FORMS}")
    if not _is_mailbox(sender):
        raise MailError("EMAIL_FROM", f"is {sender!r}; expected an address to send from")
    return given | {"EMAIL_PORT": given["EMAIL_PORT"] or _PORTS[scheme]}


def _is_mailbox(text: str) -> bool:
    """Whether it is one e-mail address, with a name before it or without."""
    try:
        _, header = policy.default.header_store_parse("From", text)
        (address,) = header.addresses
        validate_email(address.addr_spec)
    except (ValueError, ValidationError):
        return False
    # A name may have a dot: that is obsolete, and usual.
    return all(isinstance(defect, ObsoleteHeaderDefect) for defect in header.defects)
