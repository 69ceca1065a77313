"""What a line of the log has, and what it leaves out."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from django.db import DataError, IntegrityError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from rest_framework.test import APIClient
from structlog.contextvars import bound_contextvars, clear_contextvars

from accounts import reporting
from accounts.models import Merchant
from accounts.reporting import Report
from config import programs
from config.logs import catching
from config.logs.errors import told, traced
from config.logs.lines import Handler, Lines
from config.urls import urlpatterns as all_urls

NAME = "Jane Doe"


def crash(request: HttpRequest, name: str) -> HttpResponse:
    recipient = {"name": name}
    raise KeyError(recipient["name"])


urlpatterns = [path("v1/crash/<str:name>", crash), *all_urls]
handler500 = "accounts.errors.server_error"


class Log:
    """A logger of its own, and what it and the project's write."""

    def __init__(self, form: str) -> None:
        self.stream = io.StringIO()
        self.handler = Handler(self.stream)
        self.handler.setFormatter(Lines(form))
        self.logger = logging.getLogger(f"config.test.{form}")
        self.logger.addHandler(self.handler)
        self.logger.setLevel("DEBUG")

    def write(self, text: str, *values: object) -> None:
        """Past pytest, which looks at what is logged and stumbles over some of it."""
        self.handler.handle(logging.makeLogRecord({"msg": text, "args": values, "levelname": "INFO"}))

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.lines
        return line


@pytest.fixture
def log() -> Iterator[Log]:
    clear_contextvars()
    log = Log("json")
    yield log
    log.logger.removeHandler(log.handler)


@pytest.fixture
def console() -> Iterator[Log]:
    clear_contextvars()
    log = Log("console")
    yield log
    log.logger.removeHandler(log.handler)


@pytest.fixture
def requests_log(log: Log) -> Iterator[Log]:
    """What the requests of a test leave in the log."""
    project = [logging.getLogger(name) for name in ("config", "django", "accounts", "trackers")]
    for each in project:
        each.addHandler(log.handler)
    logging.getLogger("config.logs.asking").setLevel("INFO")
    yield log
    for each in project:
        each.removeHandler(log.handler)
    logging.getLogger("config.logs.asking").setLevel("NOTSET")


def test_a_line_says_when_who_and_what(log: Log) -> None:
    log.logger.warning("watch %s is late", 7, extra={"tracker_id": UUID(int=1)})
    line = log.line
    assert line.pop("timestamp").endswith("Z")
    assert isinstance(line.pop("pid"), int)
    assert line == {
        "level": "warning",
        "logger": "config.test.json",
        "event": "watch 7 is late",
        "process": programs.own_name(),
        "tracker_id": str(UUID(int=1)),
    }


def test_what_is_bound_around_work_is_in_its_lines_and_in_no_later_one(log: Log) -> None:
    with bound_contextvars(merchant_id="alice's"):
        log.logger.info("one")
    log.logger.info("two")
    assert [line.get("merchant_id") for line in log.lines] == ["alice's", None]


def test_fields_that_nobody_named_are_left_out(log: Log) -> None:
    log.logger.info("hello", extra={"recipient": NAME, "request": HttpRequest()})
    assert NAME not in log.text
    assert "recipient" not in log.line


def test_a_line_for_reading_is_one_line_whatever_is_in_it(console: Log) -> None:
    console.logger.warning("Not Found: %s", "/x\n2026-01-01 error forged", extra={"tracker_id": UUID(int=1)})
    assert console.text.count("\n") == 1
    assert "[warning] Not Found: /x\\n2026" in console.text
    assert f"tracker_id={UUID(int=1)}" in console.text


@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b2J", "\r", "\x08", "\u2028", "\ud800"])
def test_a_line_for_reading_commands_no_terminal(console: Log, text: str) -> None:
    console.write("%s: %s", text, ValueError(f"no {text}!"))
    assert text not in console.text
    assert console.text.count("no \\") == 1


@pytest.mark.parametrize(
    "broken",
    [("%d parcels", "many"), ("%s %s", "many")],
)
def test_a_record_that_cannot_be_written_does_not_show_what_it_holds(
    log: Log, broken: tuple[str, ...]
) -> None:
    log.write(*broken)
    assert log.line["event"] == "a line could not be written"
    assert "many" not in log.text


@pytest.mark.parametrize("text", ["\ud800", "\u2028", "\x00", "é", '"}\n{"'])
def test_any_text_is_one_json_line(log: Log, text: str) -> None:
    log.write(text)
    assert log.text.count("\n") == 1
    assert log.line["event"] == text


@pytest.mark.parametrize(
    "text",
    ['{"apikey": "s3cr3t', 'apikey=s3cr3t\\"', "apikey\\", '{"authorization', "Bearer s3cr3t\\"],
)
def test_what_is_taken_out_leaves_json(log: Log, text: str) -> None:
    log.logger.info(text, extra={"outcome": text})
    assert log.line
    assert "s3cr3t" not in log.text


@pytest.mark.parametrize(
    "error",
    [
        KeyError(NAME),
        KeyError("O'Brien and Jane Doe"),
        ValueError(f"could not read {NAME!r}"),
        ValueError(f'could not read "{NAME}'),
        KeyError(5550123456),
        RuntimeError(f"too many retries with url: /parcels/{quote(NAME)}?to=Brien (Caused by 'x')"),
        RuntimeError(f"no answer of https://carrier.example/{quote(NAME)}"),
        DataError(f"invalid input: '{NAME}'\nLINE 1: SELECT '{NAME}'"),
        IntegrityError(f"null value in column\nDETAIL:  Failing row contains ({NAME}, 5550123456)."),
    ],
)
def test_an_exception_is_told_without_the_values_it_quotes(log: Log, error: Exception) -> None:
    log.logger.warning("it failed: %s", error)
    log.logger.error("it failed", exc_info=error)
    log.logger.error(error)
    log.logger.error(str(error), exc_info=error)
    assert len(log.lines) == 4
    for said in (NAME, quote(NAME), "Brien", "5550123456"):
        assert said not in log.text


def test_what_our_own_exceptions_say_is_told() -> None:
    assert told(ConnectionRefusedError(111, "Connection refused")) == (
        "ConnectionRefusedError: [Errno 111] Connection refused"
    )


@pytest.mark.django_db
def test_of_a_row_that_the_database_refuses_only_the_constraint_is_told(alice: Merchant) -> None:
    with pytest.raises(IntegrityError) as caught, connection.cursor() as cursor:
        cursor.execute("INSERT INTO accounts_merchant (id, name) VALUES (%s, %s)", [alice.id, NAME])
    assert NAME not in traced(caught.value)
    assert str(alice.id) not in traced(caught.value)
    assert "(23502, accounts_merchant," in told(caught.value)


def test_a_task_that_failed_is_told_without_its_arguments(log: Log) -> None:
    error = KeyError(NAME)
    told_by_celery = {"name": "trackers.sweep", "id": "1", "description": "raised", "exc": repr(error)}
    text = "Task %(name)s[%(id)s] %(description)s: %(exc)s"
    given = {"data": {"args": NAME, "exc": repr(error)}}
    log.logger.error(text, told_by_celery, exc_info=error, extra=given)
    assert log.line["event"].startswith("Task trackers.sweep[1] raised: ")
    assert NAME not in log.text


def test_causes_are_told_and_a_circle_of_them_ends() -> None:
    first, second = ValueError("one"), TypeError("two")
    first.__context__, second.__context__ = second, first
    assert "TypeError" in traced(first)
    assert "ValueError" in traced(first)


def test_the_values_of_variables_are_not_in_a_traceback(log: Log) -> None:
    def stumble(recipient: str) -> None:
        raise RuntimeError("no")

    try:
        stumble(NAME)
    except RuntimeError:
        log.logger.exception("stumbled")
    assert "in stumble" in log.line["exception"]
    assert NAME not in log.text


@pytest.mark.urls("tests.config.test_log_lines")
def test_a_crash_is_told_with_the_request_s_id_and_its_route(requests_log: Log) -> None:
    client = Client(raise_request_exception=False)
    assert client.get(f"/v1/crash/{NAME}", headers={"x-request-id": "mine-1"}).status_code == 500
    crash, asked = requests_log.lines
    assert crash["event"] == "Internal Server Error: /v1/crash/<str:name>"
    assert "KeyError" in crash["exception"]
    assert (asked["event"], asked["route"], asked["status"]) == ("request", "/v1/crash/<str:name>", 500)
    assert crash["request_id"] == asked["request_id"] == "mine-1"
    assert "Jane" not in requests_log.text


def test_a_request_s_line_names_the_merchant_and_never_the_path(
    requests_log: Log, as_alice: APIClient, alice: Merchant
) -> None:
    answer = as_alice.get(f"/v1/trackers/{uuid4()}")
    line = requests_log.line
    assert line["request_id"] == answer["x-request-id"]
    assert (line["merchant_id"], line["route"]) == (str(alice.id), "/v1/trackers/<str:tracker_id>")
    assert (line["method"], line["status"]) == ("GET", 404)
    assert line["milliseconds"] >= 0


def test_nothing_of_one_request_is_in_the_next_one_s_line(requests_log: Log, as_alice: APIClient) -> None:
    as_alice.get("/v1/couriers")
    Client().get("/no/such/route")
    first, second = requests_log.lines
    assert "merchant_id" in first
    assert "merchant_id" not in second
    assert second["route"] == "(no route)"


@pytest.mark.parametrize("route", ["/healthz", "/readyz"])
def test_probes_write_nothing(requests_log: Log, db: None, route: str) -> None:
    Client().get(route)
    assert requests_log.text == ""


def test_work_by_the_thousand_is_told_by_sums_and_a_few_examples(log: Log) -> None:
    log.logger.setLevel("INFO")
    report = Report(log.logger, "tries ended", "a try failed")
    report.note(["delivered"] * 500 + ["timeout"] * 500)
    for number in range(500):
        if report.wants_examples:
            report.tell({"delivery_id": number}, "timeout")
    report.leave()
    report.leave()
    *examples, sums = log.lines
    assert [one["delivery_id"] for one in examples] == list(range(10))
    assert sums["counts"] == {"delivered": 500, "timeout": 500}


def test_work_that_does_not_end_is_told_of_meanwhile(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "EVERY", 0.0)
    report = Report(log.logger, "tries ended", "a try failed")
    report.note(["delivered"])
    assert log.line["counts"] == {"delivered": 1}


@pytest.fixture
def hooks() -> Iterator[None]:
    before = threading.excepthook
    yield
    threading.excepthook = before


def test_what_a_thread_does_not_catch_goes_through_the_log(log: Log, hooks: None) -> None:
    def fail() -> None:
        raise KeyError(NAME)

    threading.excepthook = catching._uncaught_in_thread
    logging.getLogger("config").addHandler(log.handler)
    thread = threading.Thread(target=fail, name="sweeps")
    thread.start()
    thread.join()
    logging.getLogger("config").removeHandler(log.handler)
    assert log.line["event"] == "the thread sweeps ends"
    assert NAME not in log.text
