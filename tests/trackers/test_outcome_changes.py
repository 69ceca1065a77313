"""How polls turn out is kept when that changes, whichever statement writes it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, order
from trackers import forgetting, tasks
from trackers.models import OutcomeChange, Tracker, Watch

pytestmark = pytest.mark.django_db

Follow = Callable[..., Tracker]
Poll = Callable[[], int]


def told() -> list[tuple[str | None, str | None]]:
    return list(OutcomeChange.objects.order_by("id").values_list("before", "outcome"))


def poll_again(poll_all: Poll) -> None:
    Watch.objects.update(next_poll_at=Now() - timedelta(seconds=1))
    poll_all()


def test_answers_with_and_without_news_are_one_outcome(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> None:
    follow(alice, "PARCEL-1")
    carrier.replies["PARCEL-1"] = order("PARCEL-1", "ORI")
    for _ in range(3):
        poll_again(poll_all)
    assert Watch.objects.get().last_outcome == "unchanged"
    assert told() == [(None, "ok")]


def test_a_failure_and_its_end_are_told_with_the_account_and_the_error(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> None:
    follow(alice, "PARCEL-1")
    carrier.replies["PARCEL-1"] = order("PARCEL-1", "ORI")
    poll_again(poll_all)
    carrier.replies["PARCEL-1"] = 200, b"no JSON"
    poll_again(poll_all)
    poll_again(poll_all)
    carrier.replies["PARCEL-1"] = order("PARCEL-1", "ORI")
    poll_again(poll_all)
    assert told() == [(None, "ok"), ("ok", "bad_response"), ("bad_response", "ok")]
    failed = OutcomeChange.objects.get(outcome="bad_response")
    assert failed.account_id == account.id
    assert failed.error


def test_a_watch_that_loses_its_account_says_so_whoever_writes_it(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> None:
    follow(alice, "PARCEL-1")
    carrier.replies["PARCEL-1"] = order("PARCEL-1", "ORI")
    poll_again(poll_all)
    Watch.objects.update(last_outcome="no_carrier_account")
    Watch.objects.update(last_outcome=None)
    poll_again(poll_all)
    assert told() == [(None, "ok"), ("ok", "no_carrier_account"), (None, "ok")]


def test_making_a_tracker_notes_nothing(alice: Merchant, account: CarrierAccount, follow: Follow) -> None:
    follow(alice, "PARCEL-1")
    assert told() == []


def test_they_go_with_their_tracker(alice: Merchant, as_alice: APIClient, follow: Follow) -> None:
    tracker = follow(alice, "PARCEL-1")
    Watch.objects.update(last_outcome="unreachable")
    assert as_alice.delete(f"/v1/trackers/{tracker.id}").status_code in {200, 204}
    assert told() == []


def test_they_are_kept_as_long_as_answers_are(alice: Merchant, follow: Follow) -> None:
    watch = Watch.objects.get(tracker=follow(alice, "PARCEL-1"))
    OutcomeChange.objects.all().delete()
    for days in (91, 90.001, 89.999):
        OutcomeChange.objects.create(
            watch=watch, outcome="ok", error=f"{days}", changed_at=Now() - timedelta(days=days)
        )
    tasks.forget()
    assert list(OutcomeChange.objects.values_list("error", flat=True)) == ["89.999"]
    assert forgetting.forget_outcomes() == 0
