"""What ended calls leave in the rows of accounts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.db.models import F
from django.db.models.functions import Now

from carriers import accounts
from carriers.exceptions import BadResponse, CarrierError, KeyExhausted, KeyRejected, Throttled, Unreachable
from carriers.health import Call
from carriers.heeding import Ended, heed
from carriers.models import CarrierAccount, Health
from tests.factories import CarrierAccountFactory

pytestmark = pytest.mark.django_db
LATER = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
def account() -> CarrierAccount:
    return CarrierAccountFactory()


def ended(account: CarrierAccount, error: CarrierError | None = None, tracker: UUID | None = None) -> Ended:
    return Ended(account.id, Call(tracker or uuid4(), LATER, error))


def health(account: CarrierAccount) -> Health:
    return Health.objects.get(account=account)


def fail(account: CarrierAccount, times: int = 3) -> None:
    heed([ended(account, Unreachable("no route")) for _ in range(times)])


def test_a_new_account_has_a_row_of_its_own(account: CarrierAccount) -> None:
    found = health(account)
    assert (found.circuit, found.pace, found.failing) == ("closed", None, None)


def test_three_failures_open_the_circuit_and_warn_once(
    account: CarrierAccount,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        fail(account, 2)
        assert health(account).circuit == "closed"
        fail(account, 2)
        Health.objects.update(circuit="half_open")
        fail(account, 1)
    found = health(account)
    assert (found.circuit, found.openings, found.last_failure) == ("open", 2, "no route")
    (record,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert str(account.id) in record.getMessage()


def test_failures_of_one_account_are_not_anothers(account: CarrierAccount) -> None:
    other = CarrierAccountFactory()
    heed([ended(account, Unreachable()), ended(account, Unreachable()), ended(other, Unreachable())])
    assert {one.circuit for one in Health.objects.all()} == {"closed"}


def test_one_tracker_that_fails_for_ever_opens_nothing(account: CarrierAccount) -> None:
    tracker = uuid4()
    for _ in range(5):
        heed([ended(account, Unreachable(), tracker)])
    assert health(account).circuit == "closed"


@pytest.mark.parametrize("answer", [None, BadResponse(), KeyRejected()])
def test_an_answer_closes_the_circuit(account: CarrierAccount, answer: CarrierError | None) -> None:
    fail(account)
    heed([ended(account, answer)])
    found = health(account)
    assert (found.circuit, found.openings, found.failing, found.open_until) == ("closed", 0, None, None)


def test_nothing_is_written_while_all_is_well(
    account: CarrierAccount, count_statements: Callable[[Callable[[], object]], int]
) -> None:
    heed([ended(account)])
    noted = health(account).last_answer_at
    others = [CarrierAccountFactory() for _ in range(5)]
    heed([ended(one) for one in others])
    assert count_statements(lambda: heed([ended(one) for one in [account, *others] * 10])) == 1
    assert health(account).last_answer_at == noted


def test_an_answer_is_noted_again_after_ten_seconds(account: CarrierAccount) -> None:
    heed([ended(account)])
    noted = health(account).last_answer_at
    Health.objects.update(last_answer_at=Now() - timedelta(seconds=11))
    heed([ended(account)])
    assert Health.objects.filter(last_answer_at__gt=noted).exists()


def test_however_many_accounts_fail_the_statements_are_as_many(
    count_statements: Callable[[Callable[[], object]], int],
) -> None:
    few, many = [CarrierAccountFactory()], [CarrierAccountFactory() for _ in range(9)]
    costs = [
        count_statements(partial(heed, [ended(one, Unreachable()) for one in failing]))
        for failing in (few, many)
    ]
    assert costs[0] == costs[1]


def test_a_complaint_is_a_slower_pace(account: CarrierAccount) -> None:
    Health.objects.update(counted=100_000, counted_from=Now() - timedelta(seconds=10_000))
    heed([ended(account, Throttled(retry_after=700))])
    found = health(account)
    assert found.pace == pytest.approx(5, rel=0.2)
    assert Health.objects.filter(paced_until__gt=Now() + timedelta(seconds=500)).exists()


def test_an_accounts_own_pace_comes_before_its_carriers(account: CarrierAccount) -> None:
    CarrierAccount.objects.update(pace_limit=0.02)
    heed([ended(account, Throttled())])
    assert health(account).pace == 0.02


def test_a_key_that_is_refused_suspends_and_one_that_is_used_up_rests(account: CarrierAccount) -> None:
    tired = CarrierAccountFactory()
    suspended = heed(
        [ended(account, KeyRejected("401")), ended(tired, KeyExhausted("used up", resting_until=LATER))]
    )
    assert suspended == {account.id}
    assert CarrierAccount.objects.get(id=account.id).suspended_reason == "401"
    assert CarrierAccount.objects.get(id=tired.id).resting_until == LATER
    assert not heed([ended(account, KeyRejected("401"))])


def test_a_key_that_was_changed_since_is_not_to_blame(account: CarrierAccount) -> None:
    before = account.changed_at - timedelta(seconds=1)
    assert not heed([Ended(account.id, Call(uuid4(), LATER, KeyRejected()), key_from=before)])


def test_an_account_that_was_deleted_leaves_nothing(account: CarrierAccount) -> None:
    account_id = account.id
    account.delete()
    heed([Ended(account_id, Call(uuid4(), LATER, Unreachable()))])
    assert not Health.objects.exists()


def test_a_new_key_starts_with_a_clean_bill_of_health(account: CarrierAccount) -> None:
    fail(account)
    Health.objects.update(pace=0.1, counted=F("counted") + 5)
    accounts.replace_key(account, "another")
    found = health(account)
    assert (found.circuit, found.pace, found.failing, found.counted) == ("closed", None, None, 0)
