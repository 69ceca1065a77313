"""What staff may do to a carrier account besides editing it."""

from accounts.acting import Act
from carriers import accounts
from carriers.models import CarrierAccount


def _resume(account: CarrierAccount) -> str:
    return "taken up again" if accounts.resume([account.id]) else "it was not suspended"


def _suspend(account: CarrierAccount) -> str:
    return "nothing more is sent with it" if accounts.suspend_by_hand([account.id]) else "it was not active"


ACTS = (
    Act(
        name="resume",
        label="Resume",
        does="It is asked with again, with the key that it has.",
        permission="carriers.change_health",
        run=_resume,
        fits=lambda account: account.state == CarrierAccount.State.SUSPENDED,
    ),
    Act(
        name="suspend",
        label="Suspend",
        does="Nothing more is sent with it until it is resumed or gets a new key; its merchant is told.",
        permission="carriers.change_health",
        run=_suspend,
        harms=True,
        fits=lambda account: account.state == CarrierAccount.State.ACTIVE,
    ),
)
