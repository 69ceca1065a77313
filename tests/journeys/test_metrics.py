"""Prometheus reads an installation while parcels move: a web, a worker and the exporter, as processes."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings as django_settings
from django.utils import timezone

from accounts.models import ApiKey, Merchant
from carriers.models import Health
from carriers.tallies import PollTally
from config import children, heartbeat, loopback
from config.living import is_there
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.journeys.conftest import LOOPBACK, ROOT, database_url
from tests.metrics.catalog import documented
from tests.metrics.scraping import Scrape, awaited, scrape
from tests.subscribers import Subscriber, status
from tests.waiting import eventually
from webhooks.models import HourTally

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@contextlib.contextmanager
def program(*words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of manage.py on the test's servers, while it runs."""
    own = {"DATABASE_URL": database_url(), "REDIS_URL": django_settings.REDIS_URL, "DRAIN_SECONDS": "0"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=os.environ | own | environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        children.signal_group(process, signal.SIGKILL)
        process.wait()


def counted_long_ago() -> None:
    """Have whoever counts count again, and not wait for the minute to be over."""
    long_ago = timezone.now() - timedelta(minutes=5)
    PollTally.objects.update(counted_at=long_ago)
    HourTally.objects.update(counted_at=long_ago)


def figures(*scrapes: Scrape) -> dict[str, set[str]]:
    """The names of labels by the names of figures, as a query has them."""
    found: dict[str, set[str]] = {}
    for each in scrapes:
        for name, labels in each.labels.items():
            found.setdefault(name, set()).update(labels)
    return found


def test_what_is_served_is_what_the_page_says_and_follows_what_happens(
    alice: Merchant,
    carrier: CarrierServer,
    hook: Subscriber,
    start_worker: Callable[..., Any],
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url, daily_quota=500)
    slowed = CarrierAccountFactory(merchant=None, courier="all24", base_url=carrier.url, daily_quota=500)
    Health.objects.filter(account=slowed).update(pace=2.0)
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000")
    hook.answer("/hook", status(503), status(200))
    exporter_port, web_port, worker_port, port = (loopback.free_port() for _ in range(4))
    _, key = ApiKey.issue(alice)
    heartbeat.note(django_settings.REDIS_URL)
    allowed = {"CARRIER_ALLOWED_NETWORKS": LOOPBACK, "WEBHOOK_ALLOWED_NETWORKS": LOOPBACK}

    def call(method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(
            method,
            f"http://127.0.0.1:{port}{path}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
            **more,
        )

    with (
        program("metrics", METRICS_PORT=str(exporter_port)),
        program("web", "--port", str(port), METRICS_PORT=str(web_port), WEB_PROCESSES="2", **allowed),
    ):
        worker = start_worker(METRICS_PORT=str(worker_port))
        assert awaited(exporter_port).of("polls_total", outcome="ok") == 0
        awaited(web_port)
        eventually(lambda: scrape(web_port)["processes"] == 2)
        eventually(lambda: loopback.http_status(f"http://127.0.0.1:{port}/healthz") == 200)
        call("POST", "/v1/webhooks", json={"url": hook.url(), "retrySchedule": [1, 1]})
        call("POST", "/v1/trackers", json={"trackingNumber": "HSAAAA00", "courierCode": "all24"})
        call("GET", "/v1/trackers/nobody")
        call("GET", "/readyz")
        hook.wait_for(2)

        def of_worker(name: str, **labels: str) -> float:
            try:
                return scrape(worker_port).of(name, **labels)
            except KeyError:
                return 0

        eventually(
            lambda: of_worker("delivery_try_duration_seconds_count", pace="first", outcome="success") == 1
        )
        assert of_worker("delivery_try_duration_seconds_count", pace="first", outcome="http_status") == 1
        assert of_worker("first_try_wait_seconds_count") == 1
        assert of_worker("poll_duration_seconds_count", courier="all24", outcome="ok") == 1

        unknown = {"method": "GET", "route": "v1/trackers/<str:tracker_id>", "status": "404"}
        web = scrape(web_port)
        assert unknown["route"] in {one.labels.get("route") for m in web.metrics for one in m.samples}
        assert web.of("request_duration_seconds_count", **unknown) == 1

        counted_long_ago()
        eventually(lambda: scrape(exporter_port).of("polls_total", outcome="ok") == 1)
        counted_long_ago()
        eventually(lambda: scrape(exporter_port).of("delivery_tries_total", outcome="success") == 1)

        assert figures(scrape(exporter_port), web, scrape(worker_port)) == documented()

        # A process of the pool dies: what it counted stays, and its files go.
        before = of_worker("processes_started_total")
        for child in pool_of(worker.process.pid):
            os.kill(child, signal.SIGKILL)
        eventually(lambda: of_worker("processes_started_total") == before + 2)
        eventually(lambda: of_worker("processes") == 2)
        assert of_worker("poll_duration_seconds_count", courier="all24", outcome="ok") == 1


def pool_of(process: int) -> list[int]:
    """The processes that a worker has started."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in text.split() if is_there(int(number))]
