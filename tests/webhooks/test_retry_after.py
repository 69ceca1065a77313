"""When the next try is where a subscriber asks for a time: `Retry-After` in every form, by the whole way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from accounts.models import Merchant
from tests import subscribers
from tests.subscribers import Answer, Subscriber, raw, subscriber
from tests.webhooks.cast import EndpointFactory
from tests.webhooks.trying import try_once
from webhooks.backoff import HINT_LIMIT
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _rules(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


@pytest.fixture
def endpoint(alice: Merchant, server: Subscriber) -> Endpoint:
    return EndpointFactory(merchant=alice, url=server.url())


def http_date(delay: timedelta) -> str:
    return format_datetime(datetime.now(UTC) + delay, usegmt=True)


def asking(code: int, *values: str | timedelta) -> Answer:
    """A failure with these Retry-After lines; a time span becomes the date that far from now."""

    def answer(handler: subscribers.Handler) -> None:
        texts = [http_date(each) if isinstance(each, timedelta) else each for each in values]
        head = "".join(f"Retry-After: {text}\r\n" for text in texts)
        raw(f"HTTP/1.1 {code} Later\r\n{head}\r\n".encode())(handler)

    return answer


YEARS = timedelta(days=3_650)


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        pytest.param(["7200"], 7_200, id="seconds"),
        pytest.param(["  7200\t"], 7_200, id="seconds among blanks"),
        pytest.param(["1"], 5, id="less than the schedule"),
        pytest.param(["0"], 5, id="zero"),
        pytest.param(["86400"], HINT_LIMIT, id="a day"),
        pytest.param(["315360000"], HINT_LIMIT, id="ten years"),
        pytest.param(["999999999999999999"], HINT_LIMIT, id="ages"),
        pytest.param([timedelta(hours=2)], 7_199, id="date"),
        pytest.param([timedelta(hours=-2)], 5, id="past date"),
        pytest.param([YEARS], HINT_LIMIT, id="date in ten years"),
        pytest.param(["Fri, 31 Dec 9999 23:59:59 GMT"], HINT_LIMIT, id="last date"),
        pytest.param(["Mon, 01 Jan 0001 00:00:00 +2359"], 5, id="first date"),
        pytest.param(["-7200"], 5, id="negative"),
        pytest.param(["7200.5"], 5, id="float"),
        pytest.param(["72e2"], 5, id="exponent"),
        pytest.param(["inf"], 5, id="infinite"),
        pytest.param(["nan"], 5, id="no number"),
        pytest.param(["0x1c20"], 5, id="hexadecimal"),
        pytest.param(["7_200"], 5, id="underscore"),
        pytest.param(["+7200"], 5, id="sign"),
        pytest.param(["9" * 5_000], 5, id="thousands of digits"),
        pytest.param(["soon"], 5, id="garbage"),
        pytest.param(["\u00b2\u00b2\u00b2\u00b2"], 5, id="other digits"),
        pytest.param(["2026-13-45T99:99:99Z"], 5, id="ISO date"),
        pytest.param(["Sun, 99 Foo 99999 99:99:99 GMT"], 5, id="no date"),
        pytest.param(["7200, 7200"], 5, id="a list"),
        pytest.param([""], 5, id="empty"),
        pytest.param(["60", "7200"], 7_200, id="two, the last counts"),
        pytest.param([], 5, id="none"),
    ],
)
def test_when_the_next_try_is_after_a_retry_after(
    endpoint: Endpoint, server: Subscriber, values: list[str], seconds: float
) -> None:
    server.answer("/hook", asking(503, *values))
    tried = try_once(endpoint)
    assert tried.attempt.status_code == 503
    assert tried.waits(seconds)
    assert endpoint.failing_tries == 1


def test_a_retry_after_of_a_success_means_nothing(endpoint: Endpoint, server: Subscriber) -> None:
    server.answer("/hook", asking(200, "7200"))
    tried = try_once(endpoint)
    assert (tried.delivery.state, tried.delivery.next_attempt_at) == ("delivered", None)


@pytest.mark.parametrize("code", [301, 400, 401, 403, 404, 408, 409, 425, 429, 500, 502, 504, 599])
def test_it_counts_whatever_the_failure_is(endpoint: Endpoint, server: Subscriber, code: int) -> None:
    server.answer("/hook", asking(code, "7200"))
    assert try_once(endpoint).waits(7_200)


def test_without_whole_headers_it_was_not_said(endpoint: Endpoint, server: Subscriber) -> None:
    server.answer("/hook", raw(b"HTTP/1.1 503 Later\r\nRetry-After: 7200\r\n"))
    assert try_once(endpoint).waits(5)
