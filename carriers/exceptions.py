"""What can go wrong with a carrier. Each error carries its policy; the docstring is the message."""
# ruff: noqa: N818 (the names say what happened, as the words of the API do)

from datetime import datetime
from typing import ClassVar, Self

from carriers import concealing
from carriers.outcome import Outcome


class CarrierError(Exception):
    """The carrier's answer is of no use."""

    #: What the tracker shows as `lastPollOutcome`.
    outcome: ClassVar[Outcome] = Outcome.BAD_RESPONSE

    def __init__(self, detail: str = "", *, retry_after: float | None = None, excerpt: bytes = b"") -> None:
        """`detail`: what is wrong, in our words; merchants read it; of the answer it repeats codes alone.

        `retry_after`: seconds the carrier asked us to wait. `excerpt`: what it answered, until `conceal` cuts
        it; it may hold anything, and is for those alone whose account asked.
        """
        self.detail = detail or (self.__doc__ or "").strip()
        self.retry_after = retry_after
        self.excerpt = excerpt
        super().__init__(self.detail)

    def conceal(self, secret: str) -> Self:
        """Take the key out of what the carrier said, then keep the first bytes of that. Returns self."""
        self.detail = concealing.concealed(self.detail, secret)
        self.excerpt = concealing.excerpt(self.excerpt, secret)
        self.args = (self.detail,)
        return self


class BadResponse(CarrierError):
    """The carrier answered something that is not its own format."""


class NotFoundYet(CarrierError):
    """The carrier does not know this number yet."""

    outcome = Outcome.NOT_FOUND


class Refused(CarrierError):
    """The carrier refuses this request; asking again will not help."""

    outcome = Outcome.REFUSED


class NotYourParcel(Refused):
    """The number belongs to another account at this carrier."""


class Throttled(CarrierError):
    """The carrier asks us to slow down."""

    outcome = Outcome.THROTTLED


class Unreachable(CarrierError):
    """The carrier could not be reached, or failed on its own side."""

    outcome = Outcome.UNREACHABLE


class TooLate(CarrierError):
    """The call could not start on the day that it is counted for; it was not made."""

    outcome = Outcome.THROTTLED


class KeyRejected(CarrierError):
    """The carrier does not accept this account's key; the account is suspended until it is changed."""

    outcome = Outcome.ACCOUNT_SUSPENDED


class KeyExhausted(CarrierError):
    """This account's daily look-ups are used up; it rests until `resting_until`."""

    outcome = Outcome.THROTTLED

    def __init__(self, detail: str, *, resting_until: datetime) -> None:
        super().__init__(detail)
        self.resting_until = resting_until
