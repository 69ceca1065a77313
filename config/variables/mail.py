"""E-mail to merchants whose endpoint was disabled; without EMAIL_URL none is sent."""

from config import faults, sections
from config.mailboxes import MailError, mail_server

EMAIL_URL = sections.mail.secret(
    "EMAIL_URL",
    means="mail server through which merchants are told that an endpoint of theirs "
    "[was disabled](webhooks.md#an-endpoints-life): `smtp://user:password@host:25`, `smtp+tls://…:587` "
    "(STARTTLS), `smtp+ssl://…:465`, or `consolemail://` for trying; what is special in user and password is "
    "percent-encoded. Empty: no e-mail is sent",
)
EMAIL_FROM = sections.mail.text(
    "EMAIL_FROM",
    means="whom these e-mails are from, such as `Parcelwire <parcelwire@shop.example>`; required where "
    "`EMAIL_URL` is set",
)
#: Django's settings for the two.
MAIL_SERVER: dict[str, object] = {}
try:
    MAIL_SERVER = mail_server(EMAIL_URL, EMAIL_FROM)
except MailError as _error:
    faults.add(_error.name, _error.problem)
