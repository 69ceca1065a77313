"""The services of docker-compose.yml at work: in production, as another user, in the tree of the image."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from standardwebhooks import Webhook

from config import loopback
from tests.deploy.calling import call
from tests.deploy.engine import Engine
from tests.deploy.proxy import Proxy
from tests.subscribers import Subscriber, subscriber
from tests.waiting import eventually

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("deploy")]


@pytest.fixture(scope="module")
def key(stage: Engine) -> str:
    """A merchant's key, made as docs/production.md makes it."""
    done = stage.execute("web", "python", "manage.py", "create_merchant", "My shop", "--json")
    assert not done.returncode, done.stderr
    return str(json.loads(done.stdout)["apiKey"])


@pytest.fixture
def hook() -> Iterator[Subscriber]:
    with subscriber() as server:
        yield server


def test_a_parcel_is_followed_to_a_verified_webhook(
    stage: Engine, proxy: Proxy, key: str, hook: Subscriber
) -> None:
    made = call(proxy, "POST", "/v1/webhooks", {"url": hook.url()}, key=key).data["data"]["webhook"]
    parcel = {"trackingNumber": "SANDBOX_LIFE_2S_001"}
    tracker = call(proxy, "POST", "/v1/trackers", parcel, key=key).data["data"]["tracker"]["trackerId"]
    heard = hook.wait_for(1)
    for one in heard:
        Webhook(made["secret"]).verify(one.body, dict(one.headers.items()))
    events = call(proxy, "GET", "/v1/events?after=0", key=key).data["data"]["events"]
    assert {event["trackerId"] for event in events} == {tracker}


def test_the_doctor_finds_nothing_that_is_bad(stage: Engine) -> None:
    eventually(lambda: not stage.execute("web", "python", "manage.py", "doctor").returncode, 120)


def test_the_application_cannot_change_the_log(stage: Engine) -> None:
    given = stage.variables_of("postgres") | {
        "PGPASSWORD": Path(stage.spec["secrets"]["database_password"]["file"]).read_text()
    }
    for line in (
        "update events_event set stream = stream",
        "delete from events_event",
        "truncate events_event",
    ):
        words = ["psql", "--host", "127.0.0.1", "--username", "parcelwire", "parcelwire", "-c", line]
        done = subprocess.run(words, env=given, check=False, capture_output=True, text=True, timeout=60)
        assert "permission denied" in done.stderr


def test_nothing_is_evicted_and_everything_is_kept(stage: Engine) -> None:
    password = Path(stage.spec["secrets"]["redis_password"]["file"]).read_text()
    server = redis.Redis(port=stage.ports["valkey"], password=password)
    assert server.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert server.config_get("appendonly") == {"appendonly": "yes"}
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=stage.ports["valkey"]).ping()


def test_the_image_cannot_be_written_to(stage: Engine) -> None:
    for path in ("manage.py", "config/new.py"):
        done = stage.execute("web", "sh", "-c", f"echo x >> {path}")
        assert "Permission denied" in done.stderr or "cannot create" in done.stderr
    assert stage.execute("web", "id", "-u").stdout.strip() != "0"


def test_no_secret_is_seen_among_processes_or_in_a_log(stage: Engine) -> None:
    secrets = [Path(one["file"]).read_text() for one in stage.spec["secrets"].values()]
    for name, (process, _) in stage.running.items():
        seen = stage.log_of(name)
        for file in ("cmdline", "environ"):
            path = Path(f"/proc/{process.pid}/{file}")
            seen += path.read_text(errors="replace") if path.exists() else ""
        assert not [secret for secret in secrets if secret in seen], name


def test_the_figures_are_there_for_prometheus(stage: Engine) -> None:
    done = stage.execute(
        "metrics",
        "python",
        "-c",
        "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9100/metrics').read().decode())",
    )
    assert re.search(r"^parcelwire_up(\{.*\})? 1", done.stdout, re.MULTILINE)


def test_each_web_and_worker_has_figures_of_its_own(stage: Engine) -> None:
    for name in ("web", "web-second", "worker", "worker-deliveries", "worker-late"):
        url = f"http://127.0.0.1:{stage.figures_of(name)}/metrics"
        eventually(lambda url=url: loopback.http_status(url) == 200, 120)
