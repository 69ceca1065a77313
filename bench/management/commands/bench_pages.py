"""`manage.py bench_pages ROUNDS`: open the admin's pages and print, as JSON, what the database did for each.

By page: for each round the milliseconds that its statements took, and how many there were. What pages only
read is counted first, as workers do it. A page is opened once before, so that plans are made and what a
process keeps is there.
"""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Merchant
from carriers import tallying as polls
from carriers.models import CarrierAccount
from events.models import Event
from trackers import tallying as parcels
from trackers.models import Tracker, Watch
from webhooks import summing
from webhooks.models import Attempt, Delivery, Endpoint, Message


class Command(BaseCommand):
    help = "Open the admin's pages and say how long the database was asked for each."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("rounds", type=int)

    def handle(self, *args: object, rounds: int, **options: object) -> None:
        browser = Client()
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")  # the first count is of everything
        for count in (parcels.count, polls.count, summing.count):
            count()
        browser.force_login(User.objects.create_superuser("bench"))
        found = {}
        for name, path in _pages():
            _open(browser, path)
            found[name] = [_open(browser, path) for _ in range(rounds)]
        self.stdout.write(json.dumps(found))


def _pages() -> Iterator[tuple[str, str]]:
    yield "dashboard", "/admin/"
    yield "alerts", "/admin/alerts/"
    yield from _searches()
    yield from _lists()
    yield from _rows()


def _searches() -> Iterator[tuple[str, str]]:
    """The box of every page, and that of the list of trackers."""
    tracker = Tracker.objects.filter(tracking_number__startswith="LOAD").order_by("-id")[0]
    endpoint = _told()
    words = {
        "a number": tracker.tracking_number,
        "a merchant's own id": tracker.client_tracker_id,
        "an id": str(tracker.id),
        "a merchant": "Loaded",
        "an endpoint's host": endpoint.url.split("/")[2],
        "nothing there is": "NOSUCHNUMBER",
    }
    for name, word in words.items():
        yield f"search: {name}", f"/admin/search/?{urlencode({'s': word})}"
        yield f"trackers: {name}", f"{_list(Tracker)}?{urlencode({'q': word})}"


def _lists() -> Iterator[tuple[str, str]]:
    """Each list that grows, with what it is asked for."""
    tracker = Tracker.objects.filter(tracking_number__startswith="LOAD").order_by("-id")[0]
    endpoint = _told()
    for model in (Tracker, Watch, Event, Message, Delivery, Attempt, Endpoint, CarrierAccount, Merchant):
        yield f"list: {model._meta.verbose_name_plural}", _list(model)  # noqa: SLF001 (Django's name)
    yield "list: trackers of a milestone", f"{_list(Tracker)}?milestone=delivered"
    yield "list: trackers that are silent", f"{_list(Tracker)}?trouble=stalled"
    yield "list: a tracker's log", f"{_list(Event)}?q={tracker.id}"
    yield "list: an endpoint's deliveries", f"{_list(Delivery)}?q={endpoint.id}"
    yield "list: endpoints of a host", f"{_list(Endpoint)}?q={endpoint.url.split('/')[2]}"


def _rows() -> Iterator[tuple[str, str]]:
    """The page of a row of each kind that staff open."""
    tracker = Tracker.objects.filter(tracking_number__startswith="LOAD").order_by("-id")[0]
    yield "a tracker", f"{_list(Tracker)}{tracker.id}/change/"
    yield "an endpoint", f"{_list(Endpoint)}{_told().id}/change/"
    for model in (CarrierAccount, Merchant, Delivery, Message):
        row = model._default_manager.order_by("-pk")[0]  # noqa: SLF001 (Django's name)
        yield f"one of {model._meta.verbose_name_plural}", f"{_list(model)}{row.pk}/change/"  # noqa: SLF001


def _told() -> Endpoint:
    """An endpoint that something was delivered to."""
    return Delivery.objects.select_related("endpoint").order_by("-id")[0].endpoint


def _list(model: type[Model]) -> str:
    names = model._meta  # noqa: SLF001 (Django's name)
    return reverse(f"admin:{names.app_label}_{names.model_name}_changelist")


def _open(browser: Client, path: str) -> tuple[float, int]:
    """Milliseconds of the database, and statements."""
    with CaptureQueriesContext(connection) as captured:
        page = browser.get(path)
    if page.status_code != 200:
        raise RuntimeError(f"{path} answered {page.status_code}")
    return sum(float(each["time"]) for each in captured) * 1000, len(captured)
