"""The e-mail that tells a merchant that its endpoint was disabled. Django's settings name the mail server."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from smtplib import SMTPDataError, SMTPRecipientsRefused
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from events.writing import written
from webhooks.health import KEPT_HELD, Reason

#: What is wrong with one e-mail alone: the mail server may take the others.
REFUSALS = (SMTPRecipientsRefused, SMTPDataError, ValidationError, ValueError)
_REASONS = {
    Reason.GONE: "it answered 410 Gone, which asks that nothing more be sent.",
    Reason.FAILING: "every try has failed for five days.",
    Reason.SECRET_UNREADABLE: "its secret or its headers cannot be read any more, so nothing can be sent.",
}
#: What to do before enabling it.
_FIRST = {
    Reason.GONE: "When it takes messages again",
    Reason.FAILING: "When it takes messages again",
    Reason.SECRET_UNREADABLE: (
        "Give it a new secret (POST /v1/webhooks/{id}/rotate-secret) and set its headers again "
        "(PATCH /v1/webhooks/{id}). Then"
    ),
}
_TEXT = """\
Parcelwire stopped sending webhooks to your endpoint at {host}: {reason}

webhookId: {id}
Disabled at: {at}

What it is owed is kept for {days} days. {first}, call

    POST /v1/webhooks/{id}/enable

A signed test is sent then. When it arrives, so does what was kept, the oldest first.
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be said, to whom. `id` makes every sending of it recognisable as the same e-mail."""

    id: UUID
    to: str
    endpoint_id: UUID
    url: str
    reason: str
    at: datetime


def send(letter: Letter) -> None:
    """Hand it to the mail server. Of the endpoint's URL it shows the host alone: the rest may be secret.

    Raises REFUSALS where this e-mail is not taken, and OSError where the mail server is not there for any.
    """
    # What is no address is an error of any kind further on.
    validate_email(letter.to)
    host = urlsplit(letter.url).hostname or ""
    reason = Reason(letter.reason)
    words = {"id": letter.endpoint_id, "host": host, "at": written(letter.at), "days": KEPT_HELD.days}
    text = _TEXT.format(reason=_REASONS[reason], first=_FIRST[reason].format(**words), **words)
    _, domain = parseaddr(settings.EMAIL_FROM)[1].rsplit("@", 1)
    EmailMessage(
        subject=f"Webhooks to {host} are disabled",
        body=text,
        from_email=settings.EMAIL_FROM,
        to=[letter.to],
        headers={"Message-ID": f"<{letter.id}@{domain}>", "Auto-Submitted": "auto-generated"},
    ).send()
