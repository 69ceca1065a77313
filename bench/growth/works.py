"""What is timed at every size: what the product does all day, once for each of these names."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Max, Min
from django.test import Client

from accounts import idempotency
from accounts.models import ApiKey, Merchant
from bench.polling import parcels
from carriers import reserving
from carriers import tallying as polls
from events.log import read_streams
from events.models import Event
from trackers import claims as polling
from trackers import forgetting, recording
from trackers import tallying as tallies
from trackers.fold import Projection, fold
from trackers.models import Tracker
from webhooks import claims as delivering
from webhooks import retention, stats, summing

#: Polls, deliveries, answers and trackers of one statement or request; new scans of an answer.
EACH, NEW = 100, 5
#: Rows drawn beforehand that reads take in turn: so many that none is read twice in a run.
_DRAWN = 2_000
#: Of what is there, one in so many is due when it is claimed.
_DUE = 10
#: Calls with an account at once, as in service; what is recorded is claimed of one account, all at once.
_PLACES = 10
_MAKE_POLLS_DUE = """
UPDATE trackers_watch SET next_poll_at = now() - random() * interval '1 hour'
WHERE id IN (SELECT id FROM trackers_watch WHERE next_poll_at IS NOT NULL ORDER BY random() LIMIT %s)
"""
_MAKE_DELIVERIES_DUE = """
INSERT INTO webhooks_delivery (id, message_id, endpoint_id, state, next_attempt_at, late, step, attempt_count)
SELECT uuidv7(), m.id, e.id, 'pending', now() - random() * interval '10 minutes', false, 0, 0
FROM (SELECT id, merchant_id FROM webhooks_message ORDER BY random() LIMIT %s) AS m
JOIN webhooks_endpoint e ON e.merchant_id = m.merchant_id
    AND NOT EXISTS (SELECT FROM webhooks_delivery d WHERE d.message_id = m.id AND d.endpoint_id = e.id)
"""
_LANES = "INSERT INTO webhooks_lane (endpoint_id) SELECT id FROM webhooks_endpoint ON CONFLICT DO NOTHING"
_GIVE_BACK = "UPDATE trackers_watch SET claim_id = NULL, claimed_until = NULL WHERE id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Work:
    """What is timed is `run`, which gets what `before` made; `after` gets what it gave."""

    run: Callable[[Any], Any]
    before: Callable[[], Any] = lambda: None
    after: Callable[[Any], object] = lambda _: None


class Works:
    """All of them, over a database that `bench_load` has filled."""

    def __init__(self) -> None:
        merchant = Merchant.objects.filter(name="Loaded 0").get()
        _, key = ApiKey.issue(merchant)
        self._merchant = merchant
        self._caller = Client(headers={"authorization": f"Bearer {key}"})
        self._staff = Client()
        self._staff.force_login(User.objects.create_superuser("growth"))
        self._writer = parcels.merchant(own_account=False)
        self._drawn = self._draw()
        for count in (tallies.count, polls.count, summing.count):
            count()

    def named(self) -> Mapping[str, Work]:
        """By name, in the order in which they are measured: before `make_due`, and after it."""
        return self._writing() | self._reading() | self._keeping() | self._claiming()

    def make_due(self) -> None:
        """A tenth of the polls, and as many deliveries. Before, nothing is; nothing is recorded from now on.

        A claim takes ten of an account at most: where a tenth is few, so many are due that each has ten.
        """
        settings.POLL_IN_FLIGHT_PER_ACCOUNT = _PLACES
        many = max(Tracker.objects.count() // _DUE, 4 * EACH)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute(_MAKE_POLLS_DUE, [many])
            cursor.execute(_MAKE_DELIVERIES_DUE, [many])
            cursor.execute(_LANES)
        settle()

    def _writing(self) -> dict[str, Work]:
        return {
            "create 100": Work(lambda _: parcels.follow(self._writer.id, EACH), after=_ask_no_more),
            "record 100 answers": Work(self._record, self._answers),
        }

    def _reading(self) -> dict[str, Work]:
        first = Event.objects.filter(merchant=self._merchant).aggregate(a=Min("position"), b=Max("position"))
        middle = (first["a"] + first["b"]) // 2
        return {
            "results": Work(partial(self._get, "/v1/trackers/{id}/results"), self._next),
            "list": Work(partial(self._get, "/v1/trackers?limit=100")),
            "results by number": Work(partial(self._get, "/v1/trackers/search/{number}/results"), self._next),
            "search of staff": Work(self._search, self._next),
            "feed, first page": Work(partial(self._get, "/v1/events?limit=100&after=0")),
            "feed, middle": Work(partial(self._get, f"/v1/events?limit=100&after={middle}")),
            "feed, end": Work(partial(self._get, f"/v1/events?limit=100&after={first['b']}")),
            "dashboard": Work(lambda _: _ok(self._staff.get("/admin/"))),
        }

    def _keeping(self) -> dict[str, Work]:
        return {
            "rebuild one": Work(self._rebuild, self._next),
            "sweep with nothing to delete": Work(lambda _: _sweep()),
        }

    def _claiming(self) -> dict[str, Work]:
        return {
            "claim 100 polls": Work(lambda _: _all(polling.claim(EACH)), after=_give_polls_back),
            "claim 100 deliveries": Work(lambda _: _all(delivering.take(EACH)), after=delivering.give_back),
        }

    def _draw(self) -> list[tuple[UUID, str]]:
        mine = Tracker.objects.filter(merchant=self._merchant).values_list("id", "tracking_number")
        drawn = random.Random(1)  # noqa: S311 (a sample)
        found = list(mine)
        drawn.shuffle(found)
        return found[:_DRAWN]

    def _next(self) -> tuple[UUID, str]:
        """One after the other, and then from the beginning."""
        one = self._drawn.pop(0)
        self._drawn.append(one)
        return one

    def _get(self, path: str, row: tuple[UUID, str] | None) -> None:
        _ok(self._caller.get(path.format(id=row[0], number=row[1]) if row else path))

    def _search(self, row: tuple[UUID, str]) -> None:
        _ok(self._staff.get("/admin/search/", {"s": row[1]}))

    def _answers(self) -> list[Any]:
        """Of parcels that are known and were never polled, parsed."""
        claims = parcels.claimed(parcels.follow(self._writer.id, EACH))
        return [parcels.learned(one, parcels.answer(one.number, NEW), own_account=False) for one in claims]

    def _record(self, answers: list[Any]) -> None:
        if not recording.record(self._writer.id, answers):
            raise RuntimeError("nothing was recorded")

    def _rebuild(self, row: tuple[UUID, str]) -> None:
        if fold(Projection(), list(read_streams([row[0]]))) == Projection():
            raise RuntimeError(f"{row[0]} has no events")


def settle() -> None:
    """As autovacuum and the checkpointer leave a database: no dead rows, fresh statistics, written pages."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
        cursor.execute("RESET statement_timeout")


def _sweep() -> None:
    """Everything that deletes what is too old; nothing is."""
    for sweep in (
        idempotency.forget_expired,
        reserving.forget,
        polls.forget,
        forgetting.forget,
        forgetting.forget_outcomes,
        tallies.forget,
        stats.forget,
        summing.forget,
    ):
        sweep()
    retention.forget(0.0)


def _ask_no_more(trackers: list[UUID]) -> None:
    """What is due is for those who claim it."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trackers_watch SET next_poll_at = NULL WHERE tracker_id = ANY(%s)", [trackers])


def _give_polls_back(taken: list[polling.Claim]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, [[one.watch for one in taken]])


def _all(taken: list[Any]) -> list[Any]:
    if len(taken) != EACH:
        raise RuntimeError(f"{len(taken)} claimed instead of {EACH}")
    return taken


def _ok(answer: Any) -> None:
    if answer.status_code != 200:
        raise RuntimeError(f"{answer.request['PATH_INFO']} answered {answer.status_code}: {answer.content!r}")
