"""docs/scaling.md says what was measured, docs/security.md what the code does."""

import re

import pytest
from django.apps import apps
from django.conf import settings

from accounts.encryption import EncryptedTextField, SealedTextField
from accounts.models import ApiKey, Merchant
from bench.processes import needs
from config import grants
from tests.docs.documents import page, prose, sections, table
from tests.processes import ROOT
from webhooks.answers import BODY_KEPT

SECURITY = page("security")
#: Answers of HTTP, which nobody measured.
_CODES = {"304", "429"}
#: What follows is reckoned, and says so.
ON_PAPER = "## Past one machine"


def _figures(text: str) -> set[str]:
    return {found.replace(",", "") for found in re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])", text)}


def test_every_figure_of_scaling_was_measured() -> None:
    measured = _figures((ROOT / "bench" / "RESULTS.md").read_text())
    assert _figures(prose(page("scaling")).partition(ON_PAPER)[0]) - _CODES <= measured


def test_what_a_month_needs_is_reckoned_of_what_was_measured() -> None:
    text = page("scaling").read_text()
    assert ON_PAPER in text
    assert needs.written(text, needs.read()) == text, "run python -m bench.processes.needs"


def test_every_encrypted_column_is_listed() -> None:
    fields = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedTextField | SealedTextField)
    ]
    listed = [column for column, _ in table(SECURITY, "encrypted column", "what it is")]
    assert sorted(listed) == sorted(fields)


@pytest.mark.django_db
def test_a_key_has_as_many_bits_as_is_said(alice: Merchant) -> None:
    made, key = ApiKey.issue(alice)
    assert len(bytes.fromhex(key.removeprefix("apik_"))) * 8 == 256
    assert "256 random bits" in prose(SECURITY)
    assert len(made.digest) * 4 == 256


def test_it_has_the_limits_of_the_code() -> None:
    text = " ".join(prose(SECURITY).split())
    kept, taken = BODY_KEPT // 1024, settings.CARRIER_BODY_LIMIT // 1024**2
    assert f"{settings.DELIVERY_DEADLINE:g} s and {kept} KiB of a subscriber's answer" in text
    assert f"{settings.CARRIER_DEADLINE:g} s and {taken} MiB of a carrier's" in text
    assert settings.AXES_FAILURE_LIMIT == 5
    assert settings.AXES_COOLOFF_TIME.total_seconds() == 15 * 60
    assert settings.SESSION_COOKIE_AGE == 8 * 3600
    assert "after five wrong passwords for one name from one address, for a quarter of an hour" in text
    assert "after eight hours and with the browser" in text


def test_the_applications_role_can_add_to_the_log_and_no_more() -> None:
    assert "add to the log, and cannot change or remove" in " ".join(
        sections(SECURITY)["The log cannot be rewritten"].split()
    )
    assert grants.LESS["events_event"] == {"SELECT", "INSERT"}
