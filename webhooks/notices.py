"""The e-mails that merchants are owed when an endpoint was disabled: rows with due times, as deliveries."""

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, Min, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from webhooks import mailing
from webhooks.backoff import DEFAULT_SCHEDULE, next_delay
from webhooks.mailing import Letter
from webhooks.models import Endpoint, Notice

logger = logging.getLogger(__name__)

#: For how long an e-mail belongs to who sends it: longer than a mail server may keep it waiting.
LEASE = timedelta(minutes=5)
#: How long a mail server is left alone after a failure.
QUIET = timedelta(minutes=1)
#: Tries of one e-mail; one that the sender's own death cut off counts too.
TRIES = len(DEFAULT_SCHEDULE) + 1
#: The advisory lock's two keys: no other code of this database may use the first.
_LOCK = (0x1069, 0)


@dataclass(frozen=True, slots=True)
class _Taken:
    """An e-mail that is ours to send, for the `tries`-th time. None: nobody is to be told any more."""

    id: UUID
    claim_id: UUID
    tries: int
    letter: Letter | None


def owe(merchant_id: UUID, disabled: Sequence[tuple[UUID, str]]) -> None:
    """Owe the merchant an e-mail for each of these endpoints and reasons, in the caller's transaction.

    None where no mail server is set, and to a merchant without an address.
    """
    if not (disabled and settings.EMAIL_URL):
        return
    mine = Endpoint.objects.filter(merchant_id=merchant_id, id__in=[id_ for id_, _ in disabled])
    told = set(mine.exclude(merchant__contact_email="").values_list("id", flat=True))
    Notice.objects.bulk_create(
        Notice(endpoint_id=id_, reason=reason) for id_, reason in disabled if id_ in told
    )


def are_due() -> bool:
    """Whether an e-mail waits to be sent."""
    return bool(settings.EMAIL_URL) and _due().exists()


def oldest_due() -> datetime | None:
    """Since when the first e-mail waits that could be sent now; None: none does."""
    since: datetime | None = (
        _due().aggregate(since=Min("next_try_at"))["since"] if settings.EMAIL_URL else None
    )
    return since


def send(budget: float) -> None:
    """Send what is due, for as many seconds; a mail server that does not answer takes longer.

    One e-mail is under way at a time, so that such a server holds up one task at most. One that fails is
    tried again by the schedule of deliveries, and given up after eleven tries. Where it is the server that
    fails, the run ends, and the others wait a minute; one that is refused for itself holds up no other. What
    was sent and not recorded is sent again, with the same Message-ID.
    """
    until = time.monotonic() + budget
    while time.monotonic() < until:
        taken = _take()
        if taken is None or not _handle(taken):
            return


def _due() -> QuerySet[Notice]:
    waiting = Notice.objects.filter(next_try_at__lte=Now())
    return waiting.exclude(Exists(waiting.filter(claimed_until__gte=Now())))


def _take() -> _Taken | None:
    """Claim the e-mail that has been due for longest; None: there is none, or another is being claimed."""
    claim_id = uuid7()
    with transaction.atomic():
        if not _is_our_turn():
            return None
        rows = _due().select_for_update(skip_locked=True, no_key=True).order_by("next_try_at")
        id_ = rows.values_list("id", flat=True).first()
        if id_ is None:
            return None
        claimed = Notice.objects.filter(id=id_)
        claimed.update(claim_id=claim_id, claimed_until=Now() + LEASE, tries=F("tries") + 1)
        tries, letter = claimed.values_list("tries", flat=True).get(), _letter(claimed)
    return _Taken(id_, claim_id, tries, letter)


def _is_our_turn() -> bool:
    """Until the transaction ends. A statement of its own: the next one then sees what was claimed before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", _LOCK)
        return bool(cursor.fetchone()[0])


def _letter(notice: QuerySet[Notice]) -> Letter | None:
    """None: the endpoint is not disabled any more, or its merchant has no address."""
    still = notice.filter(endpoint__state=Endpoint.State.DISABLED, endpoint__deleted_at=None)
    row = (
        still.exclude(endpoint__merchant__contact_email="")
        .values_list(
            "id", "endpoint__merchant__contact_email", "endpoint_id", "endpoint__url", "reason", "created_at"
        )
        .first()
    )
    return Letter(*row) if row else None


def _handle(taken: _Taken) -> bool:
    """Whether the next one is worth trying."""
    if taken.letter is None:
        _settle(taken)
    elif taken.tries > TRIES:
        _give_up(taken, "its sender died too often")
    else:
        return _send(taken, taken.letter)
    return True


def _send(taken: _Taken, letter: Letter) -> bool:
    try:
        mailing.send(letter)
    except mailing.REFUSALS as error:
        _fail(taken, error)
        return True
    except OSError as error:
        _fail(taken, error)
        Notice.objects.filter(next_try_at__lte=Now()).update(next_try_at=Now() + QUIET)
        return False
    _settle(taken, sent_at=Now())
    return True


def _fail(taken: _Taken, error: Exception) -> None:
    # Its text may hold the merchant's address.
    why = f"{type(error).__name__} {getattr(error, 'smtp_code', '')}".rstrip()
    chance = random.random()  # noqa: S311 - it spreads load and guards nothing
    delay = next_delay(DEFAULT_SCHEDULE, taken.tries - 1, None, chance)
    if delay is None:
        _give_up(taken, why)
        return
    logger.warning(
        "the e-mail of notice %s was not sent, try %d: %s",
        taken.id,
        taken.tries,
        why,
        extra={"notice_id": taken.id},
    )
    _settle(taken, next_try_at=Now() + timedelta(seconds=delay))


def _give_up(taken: _Taken, why: str) -> None:
    logger.error(
        "the e-mail of notice %s is given up after try %d: %s",
        taken.id,
        taken.tries,
        why,
        extra={"notice_id": taken.id},
    )
    _settle(taken)


def _settle(taken: _Taken, **outcome: Combinable | None) -> None:
    """Record what came of it, if it is still ours; without a time of its next try it has ended."""
    ours = Notice.objects.filter(id=taken.id, claim_id=taken.claim_id)
    ours.update(**{"next_try_at": None, **outcome}, claim_id=None, claimed_until=None)
