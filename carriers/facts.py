"""What the log says of carrier accounts."""

from dataclasses import dataclass
from typing import ClassVar

from events.catalog import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierAccountSuspended(Fact):
    """Nothing more is sent with a merchant's account, for this reason, until it is taken up again."""

    type: ClassVar[str] = "carrier_account.suspended"
    carrier_account_id: str
    courier_code: str
    reason: str
    happened_at: str
    _news: int

    @property
    def key(self) -> str:
        return f"suspended:{self._news}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierAccountResumed(Fact):
    """A merchant's account that was suspended is asked with again."""

    type: ClassVar[str] = "carrier_account.resumed"
    carrier_account_id: str
    courier_code: str
    happened_at: str
    _news: int

    @property
    def key(self) -> str:
        return f"resumed:{self._news}"
