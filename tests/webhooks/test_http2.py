"""HTTP/2 where the subscriber offers it: one connection for a burst, and every try seen once at most."""

from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from h2.errors import ErrorCodes

from tests import h2_subscriber as answers
from tests.h2_subscriber import H2Subscriber, go_away, h2_subscriber, hang, raw, refuse, reset, status, vanish
from tests.subscribers import subscriber
from tests.webhooks.deadlines import with_time_enough
from tests.webhooks.test_transport import outgoing, send
from tests.webhooks.tls import certificate
from webhooks.exchanges import Failure, Result
from webhooks.transport import Wire, wire


@pytest.fixture(autouse=True)
def _rules(settings, tmp_path: Path, monkeypatch) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "server.pem"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[H2Subscriber]:
    with h2_subscriber(certificate(tmp_path)) as running:
        yield running


@pytest.fixture
def own() -> Iterator[Wire]:
    made = Wire(wire().allowed)
    yield made
    made.close()


def test_a_post_arrives_with_its_bytes_and_headers(server: H2Subscriber, own: Wire) -> None:
    body = b'{"weight": 136.0}' * 10_000
    (result,) = send(outgoing(server.url(), body, **{"webhook-id": "1", "X-Own": "two"}), on=own)
    assert (result.failure, result.status_code, result.address) == (None, 200, "127.0.0.1")
    (heard,) = server.heard()
    assert heard.body == body
    assert (heard.headers["webhook-id"], heard.headers["x-own"]) == ("1", "two")
    assert "expect" not in heard.headers


def test_the_answer_is_read_as_any_other(server: H2Subscriber, own: Wire) -> None:
    server.answer("/hook", status(503, {"retry-after": "7"}, b"later"))
    (result,) = send(outgoing(server.url()), on=own)
    assert (result.failure, result.status_code, result.body) == (Failure.HTTP_STATUS, 503, b"later")
    assert result.headers == {"retry-after": "7"}


def test_a_burst_to_a_new_host_is_one_connection(server: H2Subscriber, own: Wire) -> None:
    results = send(*[outgoing(server.url(f"/{number}")) for number in range(30)], on=own)
    assert {result.failure for result in results} == {None}
    assert len(server.connections) == 1


def test_one_that_hangs_does_not_hold_up_the_others_on_its_connection(
    server: H2Subscriber, own: Wire
) -> None:
    server.answer("/hang", hang)
    stuck = outgoing(server.url("/hang"))
    own.start([stuck])
    server.wait_for_while(own, 1, "/hang")
    assert {result.failure for result in send(*[outgoing(server.url()) for _ in range(9)], on=own)} == {None}
    own.cancel_all()
    assert len(server.connections) == 1


def test_a_cancelled_try_leaves_the_connection_to_the_others(server: H2Subscriber, own: Wire) -> None:
    server.answer("/hang", hang)
    stuck = outgoing(server.url("/hang"))
    own.start([stuck])
    server.wait_for_while(own, 1, "/hang")
    own.cancel([stuck.token])
    assert send(outgoing(server.url()), on=own)[0].failure is None
    assert len(server.connections) == 1


def test_where_only_http_1_is_spoken_a_burst_goes_out_too(tmp_path: Path, own: Wire) -> None:
    with subscriber(certificate(tmp_path)) as plain:
        results = send(*[outgoing(plain.url()) for _ in range(10)], on=own)
        assert {result.failure for result in results} == {None}
        assert len(plain.heard()) == 10


#: Ways not to answer, after which libcurl would like to send the request again by itself.
ENDS = {
    "refused": refuse,
    "gone away before it": go_away(0),
    "gone away after it": go_away(),
    "gone away, still open": go_away(0, close=False),
    "overloaded": go_away(0, ErrorCodes.ENHANCE_YOUR_CALM),
    "connection lost": vanish,
    "cancelled": reset(ErrorCodes.CANCEL),
    "internal error": reset(ErrorCodes.INTERNAL_ERROR),
    "wants HTTP/1.1": reset(ErrorCodes.HTTP_1_1_REQUIRED),
}


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "new"])
@pytest.mark.parametrize("size", [20, 300_000])
@pytest.mark.parametrize("end", ENDS)
def test_a_try_without_an_answer_is_one_request_and_a_reset(
    server: H2Subscriber, own: Wire, end: str, size: int, is_kept: bool
) -> None:
    if is_kept:
        send(outgoing(server.url("/before")), on=own)
    server.answer("/hook", ENDS[end], status(200))
    (result,) = send(outgoing(server.url(), b"x" * size), on=own)
    assert (result.failure, result.status_code) == (Failure.CONNECTION_RESET, None)
    assert len(server.heard()) == 1
    assert send(outgoing(server.url()), on=own)[0].failure is None
    assert len(server.heard()) == 2


@pytest.mark.parametrize("end", ["refused", "gone away before it", "connection lost"])
def test_one_that_ends_while_its_body_is_still_sent_is_not_sent_again(
    server: H2Subscriber, own: Wire, end: str
) -> None:
    server.answer("/hook", ENDS[end], status(200), early=True)
    (result,) = send(outgoing(server.url(), b"x" * 2_000_000), on=own)
    assert result.failure is Failure.CONNECTION_RESET
    assert len(server.heard()) == 1


@pytest.mark.parametrize("end", ["gone away before it", "connection lost"])
def test_each_of_several_on_a_connection_that_ends_is_one_request(
    server: H2Subscriber, own: Wire, end: str
) -> None:
    server.answer("/hook", hang, hang, ENDS[end], status(200))
    results = send(*[outgoing(server.url()) for _ in range(3)], on=own)
    assert {result.failure for result in results} == {Failure.CONNECTION_RESET}
    assert len(server.heard()) == 3


def test_a_connection_that_was_closed_while_idle_costs_no_try(server: H2Subscriber, own: Wire) -> None:
    for _ in range(3):
        assert send(outgoing(server.url()), on=own)[0].failure is None
        server.hang_up()
    assert len(server.heard()) == len(server.connections) == 3


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


DATA, HEADERS, SETTINGS, PUSH, PING, CONTINUATION = 0, 1, 4, 5, 6, 9
END_STREAM, END_HEADERS = 1, 4
#: A literal header field, `a: b`, and the indexed `:status: 200`.
FIELD, OK = b"\x00\x01a\x01b", b"\x88"
HOSTILE = {
    "HTTP/1.1 in the middle": lambda _: b"HTTP/1.1 200 OK\r\n\r\n" * 5,
    "a frame of 16 MB": lambda request: (
        b"\xff\xff\xff\x00\x00" + request.stream.to_bytes(4, "big") + b"x" * 99
    ),
    "a body without a head": lambda request: frame(DATA, END_STREAM, request.stream, b"hi"),
    "a head without a status": lambda request: frame(HEADERS, 5, request.stream, FIELD),
    "a head without an end": lambda request: (
        frame(HEADERS, 0, request.stream, OK) + frame(CONTINUATION, 0, request.stream, FIELD * 3_000) * 100
    ),
    "a pushed answer": lambda request: frame(
        PUSH, 4, request.stream, (2).to_bytes(4, "big") + b"\x82\x84\x87"
    ),
    "settings without end": lambda _: frame(SETTINGS, 0, 0, b"") * 20_000,
    "pings without end": lambda _: frame(PING, 0, 0, b"12345678") * 5_000,
    "compression that is none": lambda request: frame(HEADERS, 5, request.stream, b"\xff" * 50),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_frames_are_a_failure_of_this_try_alone(
    server: H2Subscriber, own: Wire, settings, what: str
) -> None:
    def beside_another() -> list[Result]:
        path = f"/{settings.DELIVERY_DEADLINE}"
        server.answer(path, raw(HOSTILE[what]))
        results = send(outgoing(server.url(path)), outgoing(other.url()), on=own)
        assert len(server.heard(path)) <= 1
        return results

    with subscriber() as other:
        bad, good = with_time_enough(
            beside_another,
            lambda came: (
                (came[0].failure, came[1].failure)
                in {(Failure.CONNECTION_RESET, None), (Failure.TIMEOUT, None)}
            ),
        )
    assert (bad.failure, bad.status_code) in {(Failure.CONNECTION_RESET, None), (Failure.TIMEOUT, None)}
    assert good.failure is None
    assert len(server.heard(f"/{settings.DELIVERY_DEADLINE}")) == 1


def test_a_body_that_never_comes_changes_no_2xx(server: H2Subscriber, own: Wire) -> None:
    server.answer("/hook", answers.headers_only(200))
    (result,) = with_time_enough(
        lambda: send(outgoing(server.url()), on=own), lambda came: came[0].failure is None
    )
    assert (result.failure, result.status_code) == (None, 200)


def test_an_early_answer_before_the_real_one_leaves_nothing_behind(server: H2Subscriber, own: Wire) -> None:
    server.answer("/hook", answers.early_hints_then(status(410, {"x-late": "1"})))
    (result,) = send(outgoing(server.url()), on=own)
    assert (result.status_code, result.headers) == (410, {"x-late": "1"})
