"""What staff may do to endpoints and deliveries, with the same code that the merchant's calls reach."""

from collections.abc import Sequence
from datetime import datetime

from django import forms
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from accounts.acting import Act
from webhooks import recoveries, testing
from webhooks.models import Delivery, Endpoint
from webhooks.pausing import pause
from webhooks.recoveries import Wanted
from webhooks.recovering import DEFAULT_STATES, RECOVERABLE
from webhooks.resending_one import resend_one


class Since(forms.Form):
    """Which deliveries are recovered."""

    since = forms.DateTimeField(
        label="Since (UTC)",
        help_text="Deliveries made at this moment or later.",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local", "step": "1"}),
    )
    states = forms.MultipleChoiceField(
        label="In these states",
        choices=[(state, state) for state in RECOVERABLE],
        initial=list(DEFAULT_STATES),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


def _pause(endpoint: Endpoint) -> str:
    pause(endpoint.merchant_id, endpoint.id)
    return "nothing is sent to it now"


def _enable(endpoint: Endpoint) -> str:
    enabling = testing.enable(endpoint.merchant_id, endpoint.id)
    if enabling.delivery is None:
        return "it was active already"
    return f"test {enabling.delivery.id} is on its way: it is active once that has arrived"


def _test(endpoint: Endpoint) -> str:
    return f"test {testing.send(endpoint.merchant_id, endpoint.id).id} is on its way"


def _recover(endpoint: Endpoint, since: datetime, states: Sequence[str]) -> str:
    begun = recoveries.begin(endpoint.merchant_id, endpoint.id, Wanted(since, None, states))
    return f"recovery {begun.id} is under way"


def _resend(delivery: Delivery) -> str:
    resend_one(delivery.endpoint.merchant_id, delivery.id)
    return "it is tried once more now"


OF_ENDPOINTS = (
    Act(
        name="enable",
        label="Enable",
        does="A signed test is sent; once it has arrived the endpoint is active, and gets what was held.",
        permission="webhooks.change_endpoint",
        run=_enable,
        fits=lambda endpoint: endpoint.deleted_at is None and endpoint.state != Endpoint.State.ACTIVE,
    ),
    Act(
        name="pause",
        label="Pause",
        does="Nothing is sent to it until it is enabled again; what it is owed is held.",
        permission="webhooks.change_endpoint",
        run=_pause,
        harms=True,
        fits=lambda endpoint: endpoint.deleted_at is None and endpoint.state == Endpoint.State.ACTIVE,
    ),
    Act(
        name="test",
        label="Send a test",
        does="A signed test is sent.",
        permission="webhooks.change_endpoint",
        run=_test,
        fits=lambda endpoint: endpoint.deleted_at is None,
    ),
    Act(
        name="recover",
        label="Recover since",
        does="Its deliveries since a moment are sent again, oldest first.",
        permission="webhooks.add_recovery",
        run=_recover,
        form=Since,
        harms=True,
        fits=lambda endpoint: endpoint.deleted_at is None,
    ),
)
OF_DELIVERIES = (
    Act(
        name="resend",
        label="Resend",
        does="It is tried once more, whatever its state and its endpoint's.",
        permission="webhooks.change_delivery",
        run=_resend,
    ),
)
