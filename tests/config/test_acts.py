"""What staff do in the admin: who may, what is asked before, what is written down."""

from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant
from config import roles
from tests.factories import CarrierAccountFactory
from trackers.models import Remap, Tracker
from webhooks.models import Endpoint, Recovery

As = Callable[[str], Client]


@pytest.fixture
def signed_in(db: None) -> As:
    """A browser of somebody who has this role."""
    roles.grant(apps)

    def make(role: str) -> Client:
        user = User.objects.create_user(role, password="a good long password", is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def tracker(as_alice: APIClient) -> Tracker:
    as_alice.post("/v1/trackers", {"trackingNumber": "SHIP24_SAMPLE_DELIVERED_000"}, format="json")
    return Tracker.objects.get()


@pytest.fixture
def endpoint(as_alice: APIClient, settings) -> Endpoint:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    as_alice.post("/v1/webhooks", {"url": "http://127.0.0.1:9/hook"}, format="json")
    return Endpoint.objects.get()


def of(row: object, act: str) -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_act", args=[row.pk, act])


def told(row: object) -> list[str]:
    entries = LogEntry.objects.filter(object_id=str(row.pk)).order_by("id")
    return [f"{entry.user.username}: {entry.change_message}" for entry in entries]


YES = {"confirmed": "yes"}


def test_an_operator_polls_a_tracker_and_the_log_of_staff_says_so(signed_in: As, tracker: Tracker) -> None:
    before = tracker.watches.get().poll_requested_at
    answer = signed_in("operator").post(of(tracker, "poll"), YES, follow=True)
    assert "a worker asks its carriers now" in answer.content.decode()
    assert tracker.watches.get().poll_requested_at != before
    assert told(tracker) == ["operator: Poll now: a worker asks its carriers now"]


def test_a_viewer_may_do_nothing_and_is_shown_no_button(signed_in: As, tracker: Tracker) -> None:
    viewer = signed_in("viewer")
    page = viewer.get(f"/admin/trackers/tracker/{tracker.pk}/change/")
    assert page.status_code == 200
    assert "/act/" not in page.content.decode()
    assert viewer.post(of(tracker, "stop"), YES).status_code == 403
    assert not LogEntry.objects.exists()


def test_what_harms_is_asked_first(signed_in: As, tracker: Tracker) -> None:
    operator = signed_in("operator")
    for asked in (operator.get(of(tracker, "stop")), operator.post(of(tracker, "stop"))):
        assert "Its carriers are not asked any more" in asked.content.decode()
    assert Tracker.objects.get().is_subscribed
    operator.post(of(tracker, "stop"), YES)
    assert not Tracker.objects.get().is_subscribed


def test_nothing_is_done_by_following_a_link(signed_in: As, tracker: Tracker) -> None:
    signed_in("operator").get(of(tracker, "poll"), YES)
    assert not LogEntry.objects.exists()


def test_who_stopped_a_tracker_may_have_it_followed_again(signed_in: As, tracker: Tracker) -> None:
    operator = signed_in("operator")
    operator.post(of(tracker, "stop"), YES)
    operator.post(of(tracker, "retrack"), YES)
    assert Tracker.objects.get().is_subscribed


def test_what_is_refused_is_said_and_written_down(signed_in: As, tracker: Tracker) -> None:
    answer = signed_in("operator").post(of(tracker, "resend"), YES, follow=True)
    assert "refused" in answer.content.decode()
    assert "refused" in told(tracker)[0]


def test_only_an_administrator_erases(signed_in: As, tracker: Tracker) -> None:
    assert signed_in("operator").post(of(tracker, "erase"), YES).status_code == 403
    signed_in("administrator").post(of(tracker, "erase"), YES)
    assert Tracker.objects.get().erased_at


def test_rows_ticked_in_a_list_are_asked_about_together(
    signed_in: As, as_alice: APIClient, tracker: Tracker
) -> None:
    as_alice.post("/v1/trackers", {"trackingNumber": "SHIP24_SAMPLE_DELIVERED_001"}, format="json")
    ticked = {"action": "stop", "_selected_action": [str(one.pk) for one in Tracker.objects.all()]}
    operator = signed_in("operator")
    asked = operator.post("/admin/trackers/tracker/", ticked)
    assert all(one.tracking_number in asked.content.decode() for one in Tracker.objects.all())
    operator.post("/admin/trackers/tracker/", ticked | YES)
    assert not Tracker.objects.filter(is_subscribed=True).exists()
    assert LogEntry.objects.count() == 2


def test_more_rows_than_can_be_looked_at_are_refused(signed_in: As, monkeypatch, tracker: Tracker) -> None:
    monkeypatch.setattr("accounts.acting.MOST", 0)
    ticked = {"action": "poll", "_selected_action": [str(tracker.pk)]}
    answer = signed_in("operator").post("/admin/trackers/tracker/", ticked, follow=True)
    assert "nothing was done" in answer.content.decode()


def test_an_endpoint_is_paused_and_its_test_decides_whether_it_is_enabled(
    signed_in: As, endpoint: Endpoint
) -> None:
    operator = signed_in("operator")
    operator.post(of(endpoint, "pause"), YES)
    assert Endpoint.objects.get().state == "paused"
    answer = operator.post(of(endpoint, "enable"), YES, follow=True)
    assert "is on its way" in answer.content.decode()
    assert Endpoint.objects.get().enabling_by is not None


def test_a_recovery_asks_since_when(signed_in: As, endpoint: Endpoint) -> None:
    operator = signed_in("operator")
    assert (
        "Enter a valid date"
        in operator.post(
            of(endpoint, "recover"), YES | {"since": "yesterday", "states": ["exhausted"]}
        ).content.decode()
    )
    since = {"since": "2026-01-01T00:00", "states": ["exhausted"]}
    operator.post(of(endpoint, "recover"), YES | since)
    assert Recovery.objects.get().states == ["exhausted"]


def test_a_suspended_account_is_resumed(signed_in: As, alice: Merchant) -> None:
    account = CarrierAccountFactory(merchant=alice, state="suspended")
    signed_in("operator").post(of(account, "resume"), YES)
    account.refresh_from_db(fields=["state"])
    assert account.state == "active"


def test_a_key_is_revoked_by_an_administrator_alone(signed_in: As, alice: Merchant) -> None:
    key, _ = ApiKey.issue(alice)
    assert signed_in("operator").post(of(key, "revoke"), YES).status_code == 403
    signed_in("administrator").post(of(key, "revoke"), YES)
    key.refresh_from_db()
    assert key.revoked_at


def test_a_remap_is_asked_for_once_at_a_time(signed_in: As) -> None:
    operator = signed_in("operator")
    operator.post("/admin/trackers/remap/add/", {"courier": "all24"})
    assert Remap.objects.get().finished_at is None
    again = operator.post("/admin/trackers/remap/add/", {"courier": "all24"})
    assert "A remap of this courier is under way." in again.content.decode()
    assert [entry.action_flag for entry in LogEntry.objects.all()] == [1]


def test_each_role_may_see_the_models_of_every_app_and_a_viewer_nothing_personal(signed_in: As) -> None:
    for model in (one for one in apps.get_models() if one._meta.app_label in roles.APPS):
        codename = f"view_{model._meta.model_name}"
        may = set(
            Permission.objects.get(
                codename=codename, content_type__app_label=model._meta.app_label
            ).group_set.values_list("name", flat=True)
        )
        personal = model._meta.model_name in {"personaldata", "rawanswer"}
        assert may == {"operator", "administrator"} | (set() if personal else {"viewer"})


def test_after_five_wrong_passwords_the_right_one_is_refused_too(db: None) -> None:
    User.objects.create_superuser("chief", password="a good long password")
    browser = Client()
    form = {"username": "chief", "password": "wrong"}
    for _ in range(5):
        browser.post("/admin/login/", form)
    answer = browser.post("/admin/login/", form | {"password": "a good long password"})
    assert answer.status_code == 429
    assert "too many wrong passwords" in answer.content.decode()
