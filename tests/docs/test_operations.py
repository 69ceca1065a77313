"""The tables of docs/operations.md say what the admin does."""

import re
from collections.abc import Iterable

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group

import accounts.acts
import carriers.acts
import trackers.acts
import webhooks.acts
from accounts import rollups, signing_in
from accounts.acting import MOST, Act
from accounts.alerts import Kind
from accounts.lists import MOST as LEAFED
from config import dashboard, roles
from config.celery import app
from tests.docs.documents import page, prose, sections, table
from tests.processes import ROOT
from trackers.timeline.pages import PAGE
from webhooks.staff import endpoint

OPERATIONS = page("operations")
ROLES = (roles.VIEWER, roles.OPERATOR, roles.ADMINISTRATOR)
ACTS: dict[str, Iterable[Act]] = {
    "tracker": trackers.acts.ACTS,
    "endpoint": webhooks.acts.OF_ENDPOINTS,
    "delivery": webhooks.acts.OF_DELIVERIES,
    "carrier account": carriers.acts.ACTS,
    "API key": accounts.acts.OF_KEYS,
}
#: The permissions that each row of the table of roles stands for.
RIGHTS = {
    "read every list and page but what is below": ("trackers.view_tracker", "webhooks.view_delivery"),
    "read personal data, and what carriers said whole": (
        "trackers.view_personaldata",
        "trackers.view_rawanswer",
    ),
    "edit an endpoint's description": ("webhooks.change_endpoint",),
    "edit merchants, their pages for shoppers and carrier accounts; make API keys": (
        "accounts.change_merchant",
        "carriers.change_carrieraccount",
        "accounts.add_apikey",
    ),
    "look after users and roles; read sign-ins and what staff did; let in who is shut out": (
        "auth.change_user",
        "auth.change_group",
        "axes.view_accesslog",
        "admin.view_logentry",
        "axes.delete_accessattempt",
    ),
}


@pytest.fixture
def given(db: None) -> dict[str, set[str]]:
    """By role, its permissions as `app.codename`."""
    roles.grant(apps)
    return {
        role: {
            f"{one.content_type.app_label}.{one.codename}"
            for one in Group.objects.get(name=role).permissions.select_related("content_type")
        }
        for role in ROLES
    }


def test_it_says_what_each_role_may_do(given: dict[str, set[str]]) -> None:
    rows = table(OPERATIONS, "may", *ROLES)
    assert [what for what, *_ in rows] == list(RIGHTS)
    for what, *said in rows:
        for role, word in zip(ROLES, said, strict=True):
            has = {permission in given[role] for permission in RIGHTS[what]}
            assert has == {word == "yes"}, f"{role}: {what}"


def test_it_lists_the_acts_that_there_are(given: dict[str, set[str]]) -> None:
    rows = table(OPERATIONS, "act", "on", "asks", "what it does", "who may")
    assert [tuple(row) for row in rows] == [
        (act.label, on, "yes" if act.asks else "no", act.does, _from(act, given))
        for on, acts in ACTS.items()
        for act in acts
    ]


def _from(act: Act, given: dict[str, set[str]]) -> str:
    """The first role that may, and those above it."""
    first = next(role for role in ROLES if act.permission in given[role])
    return f"{first}s" if first == ROLES[-1] else f"{first}s, administrators"


def test_it_explains_every_alert() -> None:
    rows = table(OPERATIONS, "alert", "when", "what to do")
    assert [alert for alert, *_ in rows] == [kind.label for kind in Kind]


def test_it_explains_every_section_of_the_dashboard() -> None:
    rows = table(OPERATIONS, "section", "what it shows")
    page_ = (ROOT / "config" / "templates" / "admin" / "index.html").read_text()
    titles = re.findall(r'card.html" with title="([^",]+)', page_)
    assert [section for section, _ in rows] == titles


def test_it_says_where_the_figures_are_kept_and_who_counts_them() -> None:
    rows = table(OPERATIONS, "figures", "where they are kept", "counted by", "kept for")
    counting = {
        entry["task"] for entry in app.conf.beat_schedule.values() if entry["task"].endswith(".count")
    }
    assert {task for _, _, task, _ in rows} == counting
    assert {days for *_, days in rows} == {f"{rollups.KEPT.days} days"}
    for _, kept, _, _ in rows:
        assert all(apps.get_model(model) for model in re.findall(r"\w+\.\w+", kept))


def test_it_has_the_figures_of_the_pages() -> None:
    text = " ".join(prose(OPERATIONS).split())
    assert f"shows the last {rollups.HOURS} hours" in text
    assert rollups.EVERY.total_seconds() == 60
    assert f"no worker has counted for {rollups.STALE.seconds // 60} minutes" in text.replace("five", "5")
    assert f"the first {dashboard.ALERTS} alerts" in text.replace("ten", "10")
    assert f"the {dashboard.ACCOUNTS} that fare worst" in text
    assert f"{MOST} at a time at most" in text.replace("a hundred", "100")
    assert f"{PAGE} entries at a time" in text.replace("a hundred", "100")
    assert f"tries by the hour for {endpoint.HOURS} hours" in text
    assert f"leafed through for {LEAFED:,} rows" in text


def test_it_has_the_figures_of_signing_in() -> None:
    text = " ".join(sections(OPERATIONS)["Signing in"].split())
    assert f"{settings.SESSION_COOKIE_AGE // 3600} hours unless you say" in text.replace("eight", "8")
    assert f"{settings.AXES_FAILURE_LIMIT}, signing in is shut" in text.replace("five", "5")
    assert settings.AXES_COOLOFF_TIME.total_seconds() / 60 == 15
    assert "a quarter of an hour" in text
    assert f"forgotten after {signing_in.KEPT.days} days" in text
