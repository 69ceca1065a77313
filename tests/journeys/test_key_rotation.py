"""FIELD_ENCRYPTION_KEYS are rotated while parcels are followed: nothing is missed and nothing is lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from accounts.models import Merchant
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.journeys.conftest import ROOT, database_url
from tests.subscribers import Subscriber
from webhooks.models import Endpoint

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


def rotate_keys(keys: str, *arguments: str) -> tuple[int, str]:
    """`manage.py rotate_keys` to its end: its exit status and what it wrote."""
    ended = subprocess.run(
        [sys.executable, "manage.py", "rotate_keys", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url(), "FIELD_ENCRYPTION_KEYS": keys},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout


def test_a_key_is_replaced_under_way(
    alice: Merchant,
    as_alice: APIClient,
    carrier: CarrierServer,
    hook: Subscriber,
    start_worker: Callable[..., Any],
    settings: Settings,
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    Merchant.objects.filter(id=alice.id).update(page_secret=Merchant().page_secret)
    account = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url, key="its own key")
    body = {"url": hook.url(), "headers": {"X-Ours": "yes"}}
    kept = as_alice.post("/v1/webhooks", body, format="json", headers={"Idempotency-Key": "once"}).json()
    secret = kept["data"]["webhook"]["secret"]

    def follow(number: str) -> str:
        """The link to the page of a parcel that was polled, and of which a signed message has arrived."""
        before = len(hook.heard())
        carrier.replies[number] = order(number, "050000")
        asked = {"trackingNumber": number, "courierCode": "all24"}
        answer = as_alice.post("/v1/trackers", asked, format="json").json()
        heard = hook.wait_for(before + 1)[-1]
        Webhook(secret).verify(heard.body, dict(heard.headers))
        assert heard.headers["x-ours"] == "yes"
        return str(answer["data"]["tracker"]["trackingPageUrl"])

    old = start_worker(FIELD_ENCRYPTION_KEYS=OLD)
    link = follow("HSAAAA00")

    # The new key comes first, everywhere; who starts meets what the old one encrypted.
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    both = start_worker(FIELD_ENCRYPTION_KEYS=f"{NEW},{OLD}")
    old.process.send_signal(signal.SIGTERM)
    assert old.process.wait(120) == 0
    follow("HSAAAA01")
    status, told = rotate_keys(f"{NEW},{OLD}", "--check")
    assert (status, "need an older key" in told) == (1, True)
    assert rotate_keys(f"{NEW},{OLD}")[0] == 0
    assert rotate_keys(f"{NEW},{OLD}", "--check")[0] == 0

    # Without the old one everything is as it was.
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    start_worker(FIELD_ENCRYPTION_KEYS=NEW)
    both.process.send_signal(signal.SIGTERM)
    assert both.process.wait(120) == 0
    assert rotate_keys(NEW, "--check")[0] == 0
    follow("HSAAAA02")
    again = as_alice.post("/v1/webhooks", body, format="json", headers={"Idempotency-Key": "once"}).json()
    assert again == kept
    assert as_alice.get(link).status_code == 200
    assert CarrierAccount.objects.get(id=account.id).key == "its own key"
    assert CarrierAccount.objects.get(id=account.id).state == "active"
    assert Endpoint.objects.get().state == "active"
