"""Many questions at once, to real servers."""

import json
import socket
import threading
from dataclasses import replace
from time import monotonic
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings

from carriers.adapter import Query, Request
from carriers.adapters.all24 import All24
from carriers.exceptions import BadResponse, KeyExhausted, KeyRejected, TooLate, Unreachable
from carriers.fetching import Fetched, Fetcher
from carriers.http import HttpClient
from carriers.starting import Calls
from tests.carriers.payloads import Payload, query
from tests.carriers.servers import Behaviour, answer, serving

SAMPLE = answer(Payload("all24", "delivered").body)
WITHIN = 60.0


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Settings) -> None:
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def question(url: str, courier: str = "all24", account: UUID | None = None) -> Query:
    asked = query(courier, "HSBY37H7", base_url=url)
    return replace(asked, credentials=replace(asked.credentials, account_id=account or uuid4()))


def fetch(*questions: tuple[str, Query]) -> dict[int, Fetched[int]]:
    fetcher: Fetcher[int] = Fetcher()
    for nth, (courier, asked) in enumerate(questions):
        fetcher.submit(nth, courier, asked)
    assert len(fetcher.in_flight) == len(questions)
    found = fetcher.collect(WITHIN)
    assert len(found) == len(questions)
    assert not fetcher.in_flight
    return {one.context: one for one in found}


def test_one_bad_answer_leaves_its_neighbours_alone() -> None:
    with serving(SAMPLE) as good, serving(answer(b"<html>")) as bad:
        found = fetch(*[("all24", question(url)) for url in (good.url, bad.url, good.url)])
    assert [found[nth].snapshot is not None for nth in range(3)] == [True, False, True]
    assert isinstance(found[1].error, BadResponse)
    assert all(one.asked for one in found.values())


def test_calls_that_were_begun_are_counted_whatever_came_of_them() -> None:
    with serving(SAMPLE) as good, serving(answer(b"<html>")) as bad:
        found = fetch(("all24", question(good.url)), ("all24", question(bad.url)))
    assert [found[nth].made for nth in range(2)] == [1, 1]


def test_what_could_not_start_in_time_is_not_asked() -> None:
    """It is counted for a day that is over at the carrier's home."""
    with serving(SAMPLE) as server:
        fetcher: Fetcher[int] = Fetcher()
        fetcher.submit(0, "all24", question(server.url), start_by=monotonic())
        fetcher.submit(1, "all24", question(server.url), start_by=monotonic() + 60)
        found = {one.context: one for one in fetcher.collect(WITHIN)}
    assert (found[0].asked, found[0].made, found[0].error) == (False, 0, None)
    assert (found[1].asked, found[1].made) == (True, 1)


def test_the_second_call_of_a_poll_must_start_in_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 2.0])
    monkeypatch.setattr("carriers.starting.monotonic", lambda: next(clock))
    calls = Calls(HttpClient(), start_by=1.0, most=5)
    with serving(SAMPLE) as server:
        assert calls.send(Request(server.url)).status == 200
        with pytest.raises(TooLate):
            calls.send(Request(server.url))
    assert calls.made == 1


def test_more_calls_than_an_adapter_says_that_it_makes_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would not be counted."""
    monkeypatch.setattr(
        All24,
        "ask",
        lambda _self, asked, client: [client.send(Request(asked.credentials.base_url)) for _ in range(2)],
    )
    with serving(SAMPLE) as server:
        (one,) = fetch(("all24", question(server.url))).values()
    assert (one.made, type(one.error)) == (1, BadResponse)


def test_a_fault_of_an_adapter_is_that_one_questions_bad_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(*_args: object) -> None:
        raise ZeroDivisionError("our own mistake")

    monkeypatch.setattr(All24, "parse", faulty)
    with serving(SAMPLE) as server:
        (one,) = fetch(("all24", question(server.url))).values()
    assert isinstance(one.error, BadResponse)
    assert one.error.excerpt == Payload("all24", "delivered").body[:500]
    assert "our own mistake" in caplog.text


def test_slow_carriers_are_waited_for_at_the_same_time() -> None:
    together = threading.Barrier(8)

    def behave(peer: socket.socket) -> None:
        together.wait(WITHIN)
        SAMPLE(peer)

    with serving(behave) as server:
        found = fetch(*[("all24", question(server.url))] * 8)
    assert all(one.snapshot for one in found.values())


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (answer(b'{"errorCode": "APIKEY_NOT_FOUND"}'), KeyRejected),
        (answer(b'{"errorCode": "APIKEY_LIMIT"}'), KeyExhausted),
    ],
)
def test_after_a_key_was_refused_nothing_more_is_sent_with_it(refusal: Behaviour, kind: type) -> None:
    fetcher: Fetcher[str] = Fetcher()
    account = uuid4()
    with serving(refusal) as server:
        fetcher.submit("first", "247express", question(server.url, "247express", account))
        (first,) = fetcher.collect(WITHIN)
        fetcher.submit("second", "247express", question(server.url, "247express", account))
        fetcher.submit("another's", "247express", question(server.url, "247express"))
        rest = {one.context: one for one in fetcher.collect(WITHIN)}
        assert len(server.requests) == 2
    assert isinstance(first.error, kind)
    assert (rest["second"].asked, rest["second"].snapshot) == (False, None)
    assert rest["another's"].asked


def test_a_carrier_that_repeats_the_request_does_not_give_the_key_away() -> None:
    body = b"Cannot GET /api/Order/v1/Tracking?ordercode=HSBY37H7&apikey=s3cret"
    with serving(answer(body, "200 OK")) as server:
        (one,) = fetch(("247express", question(server.url, "247express"))).values()
    assert one.error is not None
    assert b"apikey=[key]" in one.error.excerpt
    assert "s3cret" not in f"{one.error!r}{one.error.detail}{one.error.excerpt!r}"


def test_the_first_bytes_of_a_useless_answer_are_kept() -> None:
    body = b'{"HSBY37H7": {"hist": []}, "response_code": 200}'
    with serving(answer(body)) as server:
        (one,) = fetch(("all24", question(server.url))).values()
    assert isinstance(one.error, BadResponse)
    assert one.error.excerpt == body


def test_no_error_tells_merchants_what_the_body_says() -> None:
    for body in (b'{"receiverName": "Bob Brown"', b'["Bob Brown"]', b"<html>Bob Brown: s3cret"):
        with serving(answer(body)) as server:
            (one,) = fetch(("247express", question(server.url, "247express"))).values()
        assert one.error is not None
        assert "Bob" not in f"{one.error!r}{one.error.detail}"
        assert b"Bob Brown" in one.error.excerpt


def test_a_key_that_the_cut_goes_through_is_concealed() -> None:
    with serving(answer(b"." * 497 + b"s3cret", "503 Busy")) as server:
        (one,) = fetch(("all24", question(server.url))).values()
    assert isinstance(one.error, Unreachable)
    assert one.error.excerpt == b"." * 497 + b"[ke"


def test_a_carrier_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        (one,) = fetch(("all24", question(f"http://127.0.0.1:{taken.getsockname()[1]}"))).values()
    assert isinstance(one.error, Unreachable)


def test_the_sandbox_answers_without_a_network() -> None:
    asked = replace(question(""), number="SHIP24_SAMPLE_DELIVERED_000")
    (one,) = fetch(("sandbox", asked)).values()
    assert one.snapshot is not None
    assert json.dumps(one.snapshot.part)


def test_collecting_does_not_wait_longer_than_it_is_told() -> None:
    gate = threading.Event()

    def behave(peer: socket.socket) -> None:
        gate.wait(WITHIN)
        SAMPLE(peer)

    fetcher: Fetcher[int] = Fetcher()
    with serving(behave) as slow, serving(SAMPLE) as quick:
        fetcher.submit(0, "all24", question(slow.url))
        fetcher.submit(1, "all24", question(quick.url))
        found: list[Fetched[int]] = []
        while not found:
            found = fetcher.collect(0.02)
        assert [one.context for one in found] == [1]
        gate.set()
        assert [one.context for one in fetcher.collect(WITHIN)] == [0]
