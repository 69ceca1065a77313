"""The address of a tracker's page, for whoever reads the tracker by REST."""

import logging
from dataclasses import dataclass
from functools import cache
from typing import Protocol
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.urls import reverse
from rest_framework.request import Request

from accounts.authentication import caller_of
from accounts.encryption import opened
from trackers.page.tokens import token_of

logger = logging.getLogger(__name__)


class _Tracker(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def erased_at(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the links of one merchant; without a secret it has none. `base` is what stands before a token."""

    base: str
    secret: str | None

    def to(self, tracker: _Tracker) -> str | None:
        """The page's URL; None where there is no page to see."""
        if self.secret is None or tracker.erased_at is not None:
            return None
        return self.base + token_of(tracker.id, self.secret)


def links_for(request: Request) -> Links:
    """The links of the caller's trackers. Asks nothing: the secret came with the caller's key."""
    caller = caller_of(request)
    host = settings.PUBLIC_URL or request.build_absolute_uri("/")[:-1]
    return Links(host + _before_tokens(), secret_of(caller.merchant_id, caller.page_secret))


@cache
def _before_tokens() -> str:
    return reverse("tracking-page", args=["-"]).removesuffix("-")


def secret_of(merchant_id: UUID, sealed: str | None) -> str | None:
    """The secret, opened. One that no key opens any more must not keep merchants from their trackers."""
    try:
        return None if sealed is None else opened(sealed)
    except InvalidToken:
        logger.error(  # noqa: TRY400 (the trace tells nothing)
            "no key of FIELD_ENCRYPTION_KEYS opens the page secret of merchant %s: its links are off until"
            " they are renewed",
            merchant_id,
            extra={"merchant_id": merchant_id},
        )
    return None
