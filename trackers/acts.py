"""What staff may do to a tracker, with the same code that its merchant's calls reach."""

from accounts.acting import Act
from accounts.errors import ApiError
from trackers.asking import poll_now
from trackers.choosing import only
from trackers.erasing import erase
from trackers.models import Tracker
from trackers.stopping import stop
from trackers.updating import update
from webhooks.exceptions import NoActiveEndpoint
from webhooks.resending import resend


def _poll(tracker: Tracker) -> str:
    poll_now(tracker)
    return "a worker asks its carriers now"


def _retrack(tracker: Tracker) -> str:
    update(tracker.merchant_id, tracker.id, {"is_subscribed": True})
    return "followed again"


def _stop(tracker: Tracker) -> str:
    return "stopped" if stop(only(tracker)).changed else "it was stopped already"


def _resend(tracker: Tracker) -> str:
    couriers = list(tracker.watches.values_list("courier", flat=True))
    try:
        return f"{resend(tracker.merchant_id, tracker.id, couriers)} deliveries are due now"
    except NoActiveEndpoint as refused:
        raise ApiError(400, "webhook_url_missing", str(refused.__doc__)) from None


def _erase(tracker: Tracker) -> str:
    erase(tracker.merchant_id, tracker.id)
    return "erased"


ACTS = (
    Act(
        name="poll",
        label="Poll now",
        does="Its carriers are asked at once.",
        permission="trackers.change_tracker",
        run=_poll,
        fits=lambda tracker: tracker.is_subscribed,
    ),
    Act(
        name="retrack",
        label="Retrack",
        does="It is followed again, from now on.",
        permission="trackers.change_tracker",
        run=_retrack,
        fits=lambda tracker: not tracker.is_tracked,
    ),
    Act(
        name="stop",
        label="Stop",
        does="Its carriers are not asked any more, and its merchant is told so.",
        permission="trackers.change_tracker",
        run=_stop,
        harms=True,
        fits=lambda tracker: tracker.is_subscribed,
    ),
    Act(
        name="resend",
        label="Resend messages",
        does="Every stored message of it is sent once more to its merchant's active endpoints.",
        permission="webhooks.change_delivery",
        run=_resend,
        harms=True,
    ),
    Act(
        name="erase",
        label="Erase personal data",
        does="Names, addresses, signatures and what carriers said of it are deleted for good, and none is "
        "kept from then on.",
        permission="trackers.delete_personaldata",
        run=_erase,
        harms=True,
    ),
)
