"""`manage.py bench_pages ROUNDS`: open the admin's pages and print, as JSON, what the database did for each.

By page: for each round the milliseconds that its statements took, and how many there were. A page is opened
once before, so that plans are made and what a process keeps is there.
"""

import json
from argparse import ArgumentParser
from collections.abc import Iterator

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from carriers.models import CarrierAccount
from trackers.models import Tracker
from webhooks.models import Endpoint


class Command(BaseCommand):
    help = "Open the admin's pages and say how long the database was asked for each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("rounds", type=int)

    def handle(self, *args: object, rounds: int, **options: object) -> None:
        browser = Client()
        browser.force_login(User.objects.create_superuser("bench"))
        found = {}
        for name, path in _pages():
            _open(browser, path)
            found[name] = [_open(browser, path) for _ in range(rounds)]
        self.stdout.write(json.dumps(found))


def _pages() -> Iterator[tuple[str, str]]:
    tracker = Tracker.objects.filter(tracking_number__startswith="LOAD").order_by("-id")[0]
    endpoint = Endpoint.objects.order_by("-id")[0]
    account = CarrierAccount.objects.order_by("-id")[0]
    lists = "/admin/trackers/tracker/"
    yield "dashboard", "/admin/"
    yield "alerts", "/admin/alerts/"
    yield "trackers", lists
    yield "trackers of a milestone", f"{lists}?milestone__exact=delivered"
    yield "a number looked for", f"{lists}?q={tracker.tracking_number}"
    yield "a merchant's own id looked for", f"{lists}?q={tracker.client_tracker_id}"
    yield "an id looked for", f"{lists}?q={tracker.id}"
    yield "nothing found", f"{lists}?q=NOSUCHNUMBER"
    yield "a tracker", f"{lists}{tracker.id}/change/"
    yield "watches", "/admin/trackers/watch/"
    yield "the log", "/admin/events/event/"
    yield "a tracker's log", f"/admin/events/event/?q={tracker.id}"
    yield "messages", "/admin/webhooks/message/"
    yield "deliveries", "/admin/webhooks/delivery/"
    yield "deliveries that are exhausted", "/admin/webhooks/delivery/?state__exact=exhausted"
    yield "tries", "/admin/webhooks/attempt/"
    yield "endpoints", "/admin/webhooks/endpoint/"
    yield "an endpoint's host looked for", f"/admin/webhooks/endpoint/?q={endpoint.url.split('/')[2]}"
    yield "an endpoint", f"/admin/webhooks/endpoint/{endpoint.id}/change/"
    yield "carrier accounts", "/admin/carriers/carrieraccount/"
    yield "a carrier account", f"/admin/carriers/carrieraccount/{account.id}/change/"
    yield "merchants", "/admin/accounts/merchant/"


def _open(browser: Client, path: str) -> tuple[float, int]:
    """Milliseconds of the database, and statements."""
    with CaptureQueriesContext(connection) as captured:
        page = browser.get(path)
    if page.status_code != 200:
        raise RuntimeError(f"{path} answered {page.status_code}")
    return sum(float(each["time"]) for each in captured) * 1000, len(captured)
