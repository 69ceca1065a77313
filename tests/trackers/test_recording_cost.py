"""What recording asks of the database: as many statements for a hundred changed trackers as for two."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.adapter import Answer, Credentials, Query
from carriers.digest import digest
from carriers.models import CarrierAccount
from carriers.outcome import Outcome
from carriers.registry import adapter
from events.models import Event
from tests.carrier_server import order
from tests.factories import CarrierAccountFactory
from trackers.claims import Claim, Settled, claim
from trackers.learned import Polled, polled
from trackers.models import Tracker, Watch
from trackers.rebuilding import check
from trackers.recording import record
from trackers.schedule import Situation
from webhooks.models import Delivery, Message

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
#: BEGIN, the trackers, the watches; the log's lock and its events; endpoints, projections, messages and their
#: deliveries; the answers that are kept; the watches; COMMIT.
STATEMENTS = 12
CODES = ("050000", "100000", "200000", "300000", "500000")


@pytest.fixture
def account(alice: Merchant) -> CarrierAccount:
    return CarrierAccountFactory(merchant=alice, courier="all24")


@pytest.fixture
def subscribed(as_alice: APIClient, settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.POLL_IN_FLIGHT_PER_ACCOUNT = 200
    body = {"url": "http://127.0.0.1:9/hook", "types": ["tracking.*"]}
    assert as_alice.post("/v1/webhooks", body, format="json").status_code == 201


def answered(count: int, *codes: str) -> list[Polled]:
    """An answer with these scans for each of so many watches that are due."""
    Watch.objects.update(next_poll_at=timezone.now() - timedelta(hours=1))
    claims = claim(count)
    assert len(claims) == count
    return [_learned(one, *codes) for one in claims]


def _learned(one: Claim, *codes: str) -> Polled:
    credentials = Credentials(one.account, "https://carrier.example", "key", "Asia/Bangkok")
    query = Query(one.number, credentials, one.claimed_at, one.since, one.tracker)
    status, body = order(one.number, *codes)
    snapshot = adapter("all24").parse(Answer(status, {}, body), query)
    settled = Settled(one, "ok", 60.0, digest=digest(snapshot, 1, own_account=True))
    return polled(settled, Situation(outcome=Outcome.OK), own_account=True, snapshot=snapshot)


def statements(alice: Merchant, learned: list[Polled]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        record(alice.id, learned)
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.usefixtures("account", "subscribed")
def test_a_hundred_changed_trackers_take_as_many_statements_as_two(alice: Merchant, follow: Follow) -> None:
    for nth in range(102):
        follow(alice, f"HSAA{nth:04}")
    asked = statements(alice, answered(2, *CODES))
    assert len(asked) == STATEMENTS, "\n".join(asked)
    Watch.objects.filter(last_polled_at__isnull=False).update(carrier_account=None)
    assert len(statements(alice, answered(100, *CODES))) == STATEMENTS
    assert Event.objects.filter(type="tracking.scanned").count() == 510
    assert Message.objects.count() == Delivery.objects.count() == 102
    assert list(check()) == []


@pytest.mark.usefixtures("account", "subscribed")
def test_what_tells_nothing_new_appends_and_tells_nothing(alice: Merchant, follow: Follow) -> None:
    follow(alice, "HSAA0000")
    record(alice.id, answered(1, *CODES))
    before = Event.objects.count(), Message.objects.count()
    asked = statements(alice, answered(1, *CODES))
    assert (Event.objects.count(), Message.objects.count()) == before
    assert not any("COPY" in sql or "advisory" in sql for sql in asked)


@pytest.mark.usefixtures("account", "subscribed")
def test_new_scans_beside_known_ones_are_compared_without_a_fact_for_each(
    alice: Merchant, follow: Follow
) -> None:
    follow(alice, "HSAA0000")
    record(alice.id, answered(1, *CODES[:2]))
    record(alice.id, answered(1, *CODES))
    recorded = Event.objects.filter(type__startswith="tracking.scan").order_by("version")
    assert list(recorded.values_list("data__carrierEventCode", flat=True)) == list(CODES)
    assert list(check()) == []


@pytest.mark.usefixtures("account", "subscribed")
def test_an_answer_to_a_lost_claim_does_not_push_out_the_one_to_the_claim_that_is_held(
    alice: Merchant, follow: Follow
) -> None:
    follow(alice, "HSAA0000")
    lost = answered(1, *CODES[:2])
    Watch.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    held = answered(1, *CODES)
    record(alice.id, [*held, *lost])
    assert Event.objects.filter(type="tracking.scanned").count() == len(CODES)
    assert not Watch.objects.exclude(claim_id=None).exists()
