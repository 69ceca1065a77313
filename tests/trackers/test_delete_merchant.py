"""`manage.py delete_merchant`: a merchant leaves, and nothing of it but the log's skeleton stays."""

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from rest_framework.test import APIClient

from accounts import branding
from accounts.errors import ApiError
from accounts.models import ApiKey, Merchant
from carriers.models import CarrierAccount
from events.models import Event
from tests.carrier_server import DATA, CarrierServer
from tests.factories import CarrierAccountFactory
from tests.trackers.page.pictures import png
from trackers import leaving
from trackers.carrier_accounts import owning
from trackers.models import RawAnswer, Tracker
from trackers.rebuilding import check
from webhooks.models import (
    Attempt,
    Delivery,
    Endpoint,
    ExtraTry,
    Lane,
    Message,
    Notice,
    Recovery,
    Tally,
    Trigger,
)
from webhooks.registering import register

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
Poll = Callable[[], int]
#: What is the merchant's own, and nobody's business once it left.
PERSONAL = ("Alice", "alice@merchant.example", "Named Recipient", "named@recipient.example", "The Met Condo")
SECRETS = ("alice-hook", "carrier-key")
#: What stays: the log, and the row that its events point to.
KEPT = {"events_event", "accounts_merchant"}


def run(merchant: Merchant, *options: str) -> str:
    out = io.StringIO()
    call_command("delete_merchant", str(merchant.id), *options, stdout=out)
    return out.getvalue()


def select(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def tables(column: str = "") -> list[str]:
    """Every table of the database; those with this column where one is named."""
    having = f"AND column_name = '{column}'" if column else ""
    found = select(
        f"SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public' {having}"
    )
    return [row[0] for row in found if row[0] != "django_migrations"]


def everything() -> str:
    """Every row of every table, as text."""
    rows = [row[0] for table in tables() for row in select(f"SELECT row_to_json(t)::text FROM {table} AS t")]
    rows += [bytes(message.body).decode() for message in Message.objects.all()]
    return "\n".join(rows)


def rows_of(merchant: Merchant) -> dict[str, int]:
    found = {
        table: select(f"SELECT count(*) FROM {table} WHERE merchant_id = '{merchant.id}'")[0][0]
        for table in tables("merchant_id")
    }
    return {table: count for table, count in found.items() if count}


@pytest.fixture
def settled(
    alice: Merchant,
    as_alice: APIClient,
    account: CarrierAccount,
    carrier: CarrierServer,
    follow: Follow,
    poll_all: Poll,
) -> Merchant:
    """Alice with all that a merchant can have."""
    Merchant.objects.filter(id=alice.id).update(contact_email="alice@merchant.example", page_name="Alices")
    branding.set_logo(alice.id, png())
    hook = {"url": "https://93.184.215.14/alice-hook", "types": ["*"], "headers": {"X-Own": "mine"}}
    assert as_alice.post("/v1/webhooks", hook, format="json").status_code == 201
    key = {"HTTP_IDEMPOTENCY_KEY": "once"}
    body = {"trackingNumber": "HSKEEP00", "courierCode": "all24"}
    assert as_alice.post("/v1/trackers", body, format="json", **key).status_code == 201
    carrier.replies["HSBY37H7"] = (200, (DATA / "all24" / "delivered.json").read_bytes())
    follow(alice, "HSBY37H7", recipient={"name": "Named Recipient", "email": "named@recipient.example"})
    poll_all()
    attempt = {"delivery": Delivery.objects.first(), "number": 1, "started_at": "2026-03-01T00:00:00Z"}
    Attempt.objects.create(**attempt, response_body="Named Recipient")
    _fill(Endpoint.objects.get())
    staff = User.objects.create_superuser("staff")
    for one in (alice, account):
        LogEntry.objects.create(
            user=staff,
            object_id=str(one.id),
            object_repr=str(one),
            action_flag=CHANGE,
            change_message="Alice",
        )
    text = everything()
    assert all(word in text for word in PERSONAL)
    return alice


def _fill(endpoint: Endpoint) -> None:
    """One row at least of all that an endpoint can have."""
    delivery, now = endpoint.deliveries.latest("id"), "2026-03-01T00:00:00Z"
    ExtraTry.objects.create(delivery=delivery, endpoint=endpoint, trigger=Trigger.MANUAL)
    Recovery.objects.create(endpoint=endpoint, since=now, until=now, states=["exhausted"])
    Tally.objects.create(endpoint=endpoint, since=now, error="", tries=1, duration_ms=1, slowest_ms=1)
    Notice.objects.create(endpoint=endpoint, reason="gone")
    Lane.objects.get_or_create(endpoint=endpoint)


def test_no_row_of_an_endpoint_is_left_in_any_table(settled: Merchant) -> None:
    of_all = {"webhooks_hourtally"}
    theirs = [table for table in tables() if table.startswith("webhooks_") and table not in of_all]
    assert len(theirs) >= 9
    assert [table for table in theirs if not select(f"SELECT FROM {table} LIMIT 1")] == []
    run(settled, "--yes")
    assert [table for table in theirs if select(f"SELECT FROM {table} LIMIT 1")] == []


def test_nothing_personal_stands_in_any_table_afterwards(settled: Merchant) -> None:
    told = run(settled, "--yes")
    text = everything()
    assert [word for word in PERSONAL + SECRETS if word in text] == []
    assert set(rows_of(settled)) <= KEPT
    merchant = Merchant.objects.get(id=settled.id)
    assert (merchant.name, merchant.contact_email, merchant.page_name) == ("deleted merchant", "", "")
    assert merchant.deleted_at is not None
    assert "2 trackers" in told


def test_the_log_keeps_every_event(settled: Merchant) -> None:
    before = list(Event.objects.order_by("position").values_list("id", flat=True))
    run(settled, "--yes")
    assert list(Event.objects.order_by("position").values_list("id", flat=True)) == before
    assert list(check()) == []


def test_another_merchant_is_untouched(
    settled: Merchant, bob: Merchant, as_bob: APIClient, follow: Follow
) -> None:
    CarrierAccountFactory(merchant=bob, courier="all24")
    hook = {"url": "https://93.184.215.14/bob-hook", "types": ["*"]}
    assert as_bob.post("/v1/webhooks", hook, format="json").status_code == 201
    follow(bob, "HSBY37H7", recipient={"name": "Named Guest"})
    before = rows_of(bob)
    assert len(before) > 4
    run(settled, "--yes")
    assert rows_of(bob) == before
    assert as_bob.get("/v1/trackers").status_code == 200
    assert Message.objects.count() == Delivery.objects.count() == 1


def test_it_asks_to_be_sure(settled: Merchant) -> None:
    with pytest.raises(CommandError, match="--yes"):
        run(settled)
    assert Tracker.objects.count() == 2


def test_a_merchant_that_is_none(db: None) -> None:
    with pytest.raises(CommandError, match="no such merchant"):
        call_command("delete_merchant", "00000000-0000-0000-0000-000000000000", "--yes")


@pytest.mark.parametrize("steps", range(6))
def test_cut_off_anywhere_it_is_shut_and_can_be_run_again(
    settled: Merchant, as_alice: APIClient, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "BATCH", 1)
    cut_off = leaving.leave(settled.id)
    for _ in range(steps + 1):
        next(cut_off)
    cut_off.close()
    assert as_alice.get("/v1/trackers").status_code == 401
    assert not Endpoint.objects.filter(deleted_at=None).exists()
    run(settled, "--yes")
    assert set(rows_of(settled)) <= KEPT
    assert "nothing was left" in run(settled, "--yes")


def test_what_no_key_opens_any_more_goes_too(settled: Merchant) -> None:
    token = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE carriers_carrieraccount SET key = %s", [token])
        cursor.execute("UPDATE webhooks_endpoint SET secret = %s, headers = %s", [token, token])
    run(settled, "--yes")
    assert set(rows_of(settled)) <= KEPT


def test_a_create_under_way_is_waited_for_and_a_later_one_refused(
    alice: Merchant, as_alice: APIClient, follow: Follow
) -> None:
    """The request was let in before its key was revoked: its tracker goes too, or is never made."""
    inserted, over = threading.Event(), threading.Event()

    def creates() -> None:
        try:
            with transaction.atomic():
                follow(alice, "HSAAAA00")
                inserted.set()
                over.wait(1)
        finally:
            connection.close()

    thread = threading.Thread(target=creates)
    thread.start()
    assert inserted.wait(60)
    threading.Timer(0.2, over.set).start()
    run(alice, "--yes")
    thread.join()
    assert not Tracker.objects.exists()
    with pytest.raises(Exception, match="unknown or revoked"):
        follow(alice, "HSAAAA01")
    assert set(rows_of(alice)) <= KEPT


def test_what_a_request_under_way_would_add_is_refused(settled: Merchant) -> None:
    """It was let in before the key was revoked, and comes to its insert when all is deleted."""
    run(settled, "--yes")
    hook = {
        "url": "https://93.184.215.14/late",
        "types": ["*"],
        "couriers": [],
        "headers": {},
        "signature": "v1",
    }
    for late in (
        lambda: owning.add(settled.id, {"courier": "all24", "key": "late-key"}),
        lambda: register(settled.id, hook),
    ):
        with pytest.raises(ApiError, match="unknown or revoked"):
            late()
    assert set(rows_of(settled)) <= KEPT


def test_raw_answers_and_keys_are_gone(settled: Merchant) -> None:
    assert RawAnswer.objects.exists()
    run(settled, "--yes")
    assert not RawAnswer.objects.exists()
    assert not ApiKey.objects.filter(merchant=settled).exists()
