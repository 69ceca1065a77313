"""The tables of the pages say what the code does."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management import BaseCommand, load_command_class
from rest_framework.views import APIView

import carriers.facts
from accounts import errors
from carriers import budget, days, moments, reserving, unmapped
from carriers import health as account_health
from carriers.conditions import Status
from carriers.exceptions import CarrierError, KeyExhausted
from carriers.moments import Clock
from carriers.outcome import Outcome
from carriers.registry import adapters
from carriers.snapshot import Certainty
from carriers.words import all24, express247
from config import urls
from events import catalog
from events.statuses import Milestone
from tests.docs.documents import duration, page, prose, sections, table
from tests.processes import ROOT
from trackers import milestones, places, quarantine, remapping, schedule, turns
from trackers.schedule import Situation
from webhooks import (
    answers,
    backoff,
    claims,
    exchanges,
    facts,
    filters,
    heads,
    health,
    overdue,
    paces,
    recoveries,
    recovering,
    rotating,
    stats,
)
from webhooks.fields import MAX_HEADERS
from webhooks.listening import verifying
from webhooks.models import MAX_URL
from webhooks.serializers import WebhookSerializer

_ROOMS = ("accounts", "events", "carriers", "webhooks", "trackers", "config")
#: As the product has it: the tests make it longer.
LONG = places.LONG


def _sources() -> list[str]:
    return [path.read_text() for room in _ROOMS for path in (ROOT / room).rglob("*.py")]


_CADENCE = ("milestone", "while silent for less than", "asked every, in the morning", "by day", "at night")


def test_polling_has_the_cadence_of_the_code() -> None:
    rows = table(page("polling"), *_CADENCE)
    paces = [(milestone.value, pace) for milestone, each in schedule.CADENCE.items() for pace in each]
    paces += [("the last word", schedule.AFTER_THE_LAST_WORD), ("expected today", schedule.WHEN_EXPECTED)]
    assert [(name, *map(duration, figures)) for name, *figures in rows] == [
        (name, *pace) for name, pace in paces
    ]
    assert {name for name, _ in paces} >= set(Milestone) - {Milestone.DELIVERED}


def test_polling_has_the_other_figures_of_the_cadence() -> None:
    text = " ".join(prose(page("polling")).split())
    hours = [f"{begins // timedelta(hours=1):02}:00" for begins in schedule.PARTS_BEGIN]
    morning, day, night = hours
    assert f"morning from {morning}" in text
    assert f"day from {day}" in text
    assert f"night from {night} to {morning}" in text
    assert f"up to {schedule.SPREAD * 100:.0f} %" in text
    assert f"still watched for {schedule.LAST_WATCH.days} d" in text
    assert f"on {schedule.DAYS_EXPECTED - 1} more day after it" in text
    assert f"followed for {schedule.OLD_AFTER.days} d in all, is asked about half as often" in text
    assert schedule.OLD_FACTOR == 2
    old = text.partition("**An old parcel**")[2].partition(" and not expected")[0]
    assert set(re.findall(r"`(\w+)`", old)) == set(schedule.SLOW_WHEN_OLD)


def test_polling_has_the_urgencies_of_the_code() -> None:
    rows = table(page("polling"), "urgency", "what")
    assert [int(number) for number, _ in rows] == [urgency.value for urgency in schedule.Urgency]
    assert f"less than {schedule.OUT_FOR // timedelta(hours=1)} h" in rows[schedule.Urgency.DUE][1]
    assert f"less than {schedule.MOVED_FOR // timedelta(hours=1)} h" in rows[schedule.Urgency.MOVED][1]


def test_polling_has_the_silences_that_are_told() -> None:
    rows = table(page("polling"), "milestone", "has stalled after a silence of")
    assert {name: duration(silence) for name, silence in rows} == schedule.STALLED_AFTER


def test_polling_has_the_backoff_of_the_code() -> None:
    rows = table(page("polling"), "outcome", "what happened", "first wait", "longest wait")
    assert {outcome: (duration(first), duration(last)) for outcome, _, first, last in rows} == {
        outcome.value: waits for outcome, waits in schedule.BACKOFF.items()
    }


def test_polling_stops_when_the_code_does() -> None:
    rows = dict(table(page("polling"), "stop reason", "when"))
    after = {reason: duration(" ".join(when.split()[-2:])) for reason, when in rows.items()}
    last = schedule.LAST_WATCH
    limits = {"no_news": schedule.SILENCE_LIMIT, "expired": schedule.AGE_LIMIT}
    assert after == {"delivered": last, "exception": last} | limits
    for reason, wait in after.items():
        milestone = Milestone.IN_TRANSIT if reason in limits else Milestone(reason)
        now = Situation(Outcome.UNCHANGED, milestone, final=reason == "exception")
        name = "age" if reason == "expired" else "silence"
        assert schedule.decide(replace(now, **{name: wait})).stop_reason == reason
        assert schedule.decide(replace(now, **{name: wait - timedelta(seconds=1)})).stop_reason is None


def test_milestones_has_the_figures_of_the_code() -> None:
    waits = [
        waited for _, waited in table(page("milestones"), "what comes after the end", "begins a new leg from")
    ]
    figures = (milestones.NEW_LEG_AFTER, milestones.A_DAY, milestones.ZONES_APART)
    assert tuple(duration(one.removesuffix(" more")) for one in waits) == figures
    days = quarantine.TOLERANCE.days
    assert f"more than {days} d before it is another" in prose(page("milestones"))
    assert f"scans more than {days} days older" in prose(page("api"))


def test_webhooks_has_the_retries_of_the_code() -> None:
    rows = table(page("webhooks"), "after try", "next try in")
    assert [duration(wait) for _, wait in rows] == [
        timedelta(seconds=wait) for wait in backoff.DEFAULT_SCHEDULE
    ]
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    text = prose(page("webhooks"))
    hours = round(sum(backoff.DEFAULT_SCHEDULE) / 3600)
    assert f"{len(rows) + 1} tries in about {hours} hours" in text
    assert f"up to {backoff.JITTER * 100:.0f} %" in text
    assert f"for {health.ILL_AFTER.days} days, in at least {health.ILL_TRIES} tries" in text
    assert f"first {answers.BODY_KEPT // 1024} KiB" in text


def test_webhooks_has_the_figures_of_the_code() -> None:
    text = " ".join(prose(page("webhooks")).split())
    deadlines = (
        settings.DELIVERY_DEADLINE,
        settings.DELIVERY_DNS_DEADLINE,
        settings.DELIVERY_CONNECT_DEADLINE,
    )
    whole, names, connecting = (f"{seconds:g} s" for seconds in deadlines)
    assert (
        f"within {whole} of the start of the try ({names} to resolve the name, {connecting} to connect)"
        in text
    )
    assert f"up to {backoff.HINT_LIMIT / 3600:g} h," in text
    assert f"{claims.FORGIVEN} times" in text.replace("three", "3")
    assert f"Up to {rotating.MOST_OLD} old ones sign" in text
    assert f"an overlap of {rotating.DEFAULT_OVERLAP // 3600} hours" in text
    assert "at most five minutes off" in text
    assert verifying.TOLERANCE == 5 * 60
    assert f"for {health.KEPT_HELD.days} days since the later of two" in text
    assert f"{recoveries.AT_ONCE} of one endpoint may be under way" in text.replace("Ten", "10")


def test_webhooks_has_what_goes_first() -> None:
    text = " ".join(sections(page("webhooks"))["What goes first"].split())
    found = re.search(r"retries after (\d+ s) and (\d+ min); .* the retries from (\d+ min) on", text)
    assert found
    seconds = tuple(duration(each).total_seconds() for each in found.groups())
    assert seconds == backoff.DEFAULT_SCHEDULE[: paces.LATE_FROM + 1]
    assert f"due for more than {overdue.BEHIND:g} s" in text
    assert f"time out {paces.TIMEOUTS_SLOW} times in a row" in text
    assert f"{heads.SLOW_IN_FLIGHT} at a time" in text.replace("two", "2")


def test_webhooks_has_how_long_things_are_kept() -> None:
    rows = dict(table(page("webhooks"), "what", "is kept"))
    days = f"for {settings.DELIVERIES_KEPT_DAYS:g} days"
    assert {what for what, kept in rows.items() if kept.startswith(days)} == {
        "a delivery that has ended, with its tries and their answers",
        "a recovery that has ended; that an e-mail was sent",
        "a deleted endpoint itself",
    }
    assert rows["the counts of an endpoint's tries"] == f"for {stats.KEPT.days} days"


def test_the_api_has_the_figures_of_webhooks_in_the_code() -> None:
    text = " ".join(prose(page("api")).split())
    assert f"while {recovering.AHEAD:,} deliveries of it are due already" in text
    assert f"Up to {recoveries.AT_ONCE} recoveries" in text.replace("ten", "10")
    assert f"are counted to {stats.COUNTED:,}" in text
    assert " or ".join(f"`{name}`" for name in stats.WINDOWS).replace(" or ", ", ", 1) in text
    assert f"older than what is kept, {settings.DELIVERIES_KEPT_DAYS:g} days unless" in text
    assert f"(0 to {rotating.OVERLAP[1]:,}, default {rotating.DEFAULT_OVERLAP:,};" in text
    assert f"At most {rotating.MOST_OLD} old ones count at once" in text.replace("five", "5")


def test_webhooks_has_the_limits_of_the_code() -> None:
    fields = WebhookSerializer().fields
    schedule = fields["retrySchedule"]
    known = {
        "characters of the URL": (1, MAX_URL, ""),
        "types": (1, fields["types"].max_length, "tracking.*"),
        "couriers": (0, fields["couriers"].max_length, "none: all"),
        "characters of the description": (0, fields["description"].max_length, "none"),
        "headers": (0, MAX_HEADERS, "none"),
        "waits in a schedule": (schedule.min_length, schedule.max_length, len(backoff.DEFAULT_SCHEDULE)),
        "seconds of a wait": (schedule.child.min_value, schedule.child.max_value, ""),
        "maxInFlight": (fields["maxInFlight"].min_value, fields["maxInFlight"].max_value, 10),
        "rateLimit": (fields["rateLimit"].min_value, fields["rateLimit"].max_value, "none"),
        "overlapSeconds": (*rotating.OVERLAP, rotating.DEFAULT_OVERLAP),
    }
    rows = table(page("webhooks"), "what", "least", "most", "unless you say")
    assert {what: tuple(given) for what, *given in rows} == {
        what: tuple(f"{one:,}" if isinstance(one, int) else one for one in each)
        for what, each in known.items()
    }
    assert fields["maxInFlight"].default == 10
    assert fields["types"].default() == list(filters.DEFAULT_TYPES)


def test_webhooks_has_every_option_of_listen() -> None:
    parser = load_command_class("webhooks", "listen").create_parser("manage.py", "listen")
    common = BaseCommand().create_parser("manage.py", "listen")._option_string_actions
    listed = {option.split()[0] for option, _ in table(page("webhooks"), "option", "what it does")}
    assert listed == set(parser._option_string_actions) - set(common)


def test_webhooks_explains_every_word_for_a_failure() -> None:
    rows = table(page("webhooks"), "error", "meaning")
    assert [word for word, _ in rows] == [failure.value for failure in exchanges.Failure]


def test_webhooks_lists_the_types_that_an_endpoint_can_ask_for() -> None:
    rows = table(page("webhooks"), "type", "when it is sent", "body")
    listed = {kind for kind, _, _ in rows} - {"tracking.<milestone>"}
    listed |= {f"tracking.{milestone}" for milestone in Milestone}
    assert listed == set(filters.MESSAGE_TYPES)


def test_carriers_lists_the_couriers_that_there_are() -> None:
    rows = table(page("carriers"), "courierCode", "carrier", "needs an account")
    assert [tuple(row) for row in rows] == [
        (code, one.name, "yes" if one.needs_account else "no") for code, one in adapters().items()
    ]


def test_carriers_has_all24s_map() -> None:
    rows = table(page("carriers"), "event code", "status code", "milestone")
    assert [tuple(row) for row in rows] == [
        (code, meaning.status or "none", meaning.milestone) for code, meaning in all24.CODES.items()
    ]


def test_carriers_has_247expresss_words() -> None:
    rows = table(page("carriers"), "status", "status code", "milestone")
    assert [tuple(row) for row in rows] == [
        (word, meaning.status or "none", meaning.milestone) for word, meaning in express247.STATUSES.items()
    ]


def test_carriers_has_247expresss_reasons() -> None:
    rows = table(page("carriers"), "delay code", "reason", "party", "status code", "milestone")
    expected = []
    for code in express247._REASONS:
        reason, meaning = express247.delay(code)
        expected.append((code, reason.text, reason.party, meaning.status, meaning.milestone))
    assert [tuple(row) for row in rows] == expected


def test_carriers_has_247expresss_errors() -> None:
    kinds: dict[str, type[CarrierError]] = {**express247.ERRORS, express247.KEY_LIMIT: KeyExhausted}
    rows = table(page("carriers"), "error code", "outcome")
    assert dict(rows) == {code: kind.outcome.value for code, kind in kinds.items()}


def test_carriers_reads_times_as_the_code_does() -> None:
    rows = table(page("carriers"), "as it was sent", "read in", "instant", "certainty")
    assert {certainty for *_, certainty in rows} == set(Certainty)
    for text, there, instant, certainty in rows:
        offset = moments.offset_named(there)
        clock = Clock(UTC, offset) if offset else Clock(ZoneInfo(there))
        moment = clock.read(None if text == "nothing" else text)
        expected = None if instant == "none" else datetime.fromisoformat(instant)
        assert (moment.instant, moment.certainty) == (expected, certainty)


def test_carriers_has_the_figures_of_remapping_and_of_examples() -> None:
    text = " ".join(prose(page("carriers")).split())
    assert f"It takes {remapping.BATCH} trackers at a time" in text
    assert f"the newest {unmapped.SAMPLES} examples" in text


def test_the_api_lists_the_routes_that_are_answered() -> None:
    listed = [route for route, _ in table(page("api"), "method and route", "what it does")]
    served = set()
    for pattern in urls.api:
        view: type[APIView] = pattern.callback.view_class
        path = re.sub(r"<\w+:(\w+)>", lambda name: f"{{{_camel(name[1])}}}", str(pattern.pattern))
        served |= {
            f"{method.upper()} /v1/{path}"
            for method in ("get", "post", "patch", "put", "delete")
            if hasattr(view, method)
        }
    dialects = {"GET /v1/tracking/orders", "GET /api/Order/v1/Tracking"}
    assert dialects <= {f"GET /{pattern.pattern}" for pattern in urls.urlpatterns}
    assert set(listed) == served | dialects | {"GET /healthz", "GET /readyz"}
    assert {f"`{route}`" for route in listed} == {name for name in sections(page("api")) if name[0] == "`"}


def test_the_api_lists_the_error_codes_that_are_answered() -> None:
    listed = [re.findall(r"\w+", codes) for codes, *_ in table(page("api"), "code", "status", "when")]
    used = set(errors._CODES.values()) | {"validation_error", "processing_error"} | errors.FIELD_CODES
    used.add("https_required")  # a middleware answers it, without an exception
    for source in _sources():
        used |= set(re.findall(r"""(?:ApiError\(\s*\d+,|not_found\()\s*"(\w+)",""", source))
    assert sorted(chain(*listed)) == sorted(used)


def test_the_api_lists_the_events_and_outcomes_that_there_are() -> None:
    facts_ = [value for module in (catalog, facts, carriers.facts) for value in vars(module).values()]
    types = {
        one.type for one in facts_ if isinstance(one, type) and isinstance(getattr(one, "type", None), str)
    }
    assert {kind for kind, _ in table(page("api"), "type", "what happened")} == types
    assert all(f"`{outcome.value}`" in prose(page("api")) for outcome in Outcome)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.title() for word in tail)


def test_polling_has_the_figures_of_an_accounts_health() -> None:
    text = " ".join(prose(page("polling")).partition("## How an account is")[2].split())
    assert f"about {account_health.OPENED_BY} different numbers" in text
    assert f"nothing, for {account_health.FIRST_OPEN.seconds} s" in text
    assert f"up to {account_health.LAST_OPEN.seconds // 60} min" in text
    assert account_health.SLOWED == 0.5
    assert f"never less than {account_health.FLOOR} a second" in text
    assert f"for {account_health.LONGEST_WAIT.seconds // 3600} h at most" in text
    assert f"each {account_health.STEP.seconds // 60} min" in text
    assert f"grows by {account_health.GROWTH * 100 - 100:.0f} %" in text
    assert f"forgotten at {account_health.NO_PACE:.0f} calls" in text
    assert account_health.SLACK.total_seconds() == 0.1


def test_polling_has_the_places_of_a_process() -> None:
    text = " ".join(prose(page("polling")).partition("## How many at once")[2].split())
    assert f"at most {places.PLACES} in one worker process" in text
    assert f"under way for {LONG:.0f} s gives" in text
    assert f"at most {places.MOST_UNDER_WAY} are under way" in text
    assert f"share {places.FOR_SLOW}, and" in text
    assert f"they have at most {places.FOR_DOUBTFUL} calls under way" in text
    assert f"for {places.KNOWN_FOR / 60:.0f} min" in text
    assert f"asked {places.TRIAL} calls at a time" in text


def test_polling_and_the_api_have_the_words_of_health() -> None:
    circuits = [name for name, _ in table(page("polling"), "circuit", "what is asked")]
    assert circuits == list(account_health.Circuit)
    statuses = [name for name, _ in table(page("api"), "status", "what it means")]
    assert statuses == list(Status)


def test_polling_has_the_figures_of_the_budget() -> None:
    rows = {row[0]: row[1] for row in table(page("polling"), "quota", "calls in a day")}
    of_key, of_all = adapters()["247express"].daily_quota, adapters()["247express"].service_quota
    assert rows["247express, each key"] == f"{of_key:,}"
    assert rows["247express, all accounts of this installation together"] == f"{of_all:,}"
    counting = {code for code, one in adapters().items() if one.daily_quota or one.service_quota}
    assert counting == {"247express"}
    said = sections(page("polling"))["The budget"]
    several = {code: one.most_calls for code, one in adapters().items() if one.most_calls > 1}
    assert several == {"ship24": 5}
    assert "at Ship24 may make up to 5 calls" in said
    assert f"within {days.MARGIN.total_seconds():g} s of midnight" in said
    assert f"{budget.BURST * 100:g} % more" in said
    assert f"kept for {reserving.KEPT_DAYS} d" in said


def test_polling_has_the_turns_of_urgencies() -> None:
    rows = table(page("polling"), "urgency", "turns of ten")
    told = {int(urgency.split(":")[0]): int(turns_) for urgency, turns_ in rows}
    assert told == {urgency: turns.TURNS.count(urgency) for urgency in turns.URGENCIES}
    assert set(told) == set(schedule.Urgency)
