"""A Redis over TLS must prove who it is, to Celery as to the project's own connections."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from config import passwords
from tests.config.starting import STRONG, start
from tests.webhooks.tls import certificate

PING = """
import config.settings as s
from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis, RedisError
try:
    print(Redis.from_url(s.REDIS_URL).ping())
except RedisError as error:
    print("not verified" if "CERTIFICATE_VERIFY_FAILED" in str(error) else error)
app = Celery()
app.config_from_object(s, namespace="CELERY")
with app.connection_for_write() as broker:
    try:
        broker.ensure_connection(max_retries=0)
        print(broker.connected)
    except OperationalError as error:
        print("not verified" if "CERTIFICATE_VERIFY_FAILED" in str(error) else error)
"""


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with closing(writer):
        while chunk := await reader.read(65536):
            writer.write(chunk)


async def _front(tls: ssl.SSLContext, port: list[int], listens: threading.Event, over: asyncio.Event) -> None:
    """Take off the TLS, for the Redis of the tests."""
    behind = urlsplit(settings.REDIS_URL)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection(behind.hostname, behind.port)
        await asyncio.gather(_copy(reader, their_writer), _copy(their_reader, writer))

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=tls)
    port.append(server.sockets[0].getsockname()[1])
    listens.set()
    await over.wait()
    server.close()


@pytest.fixture
def over_tls(tmp_path: Path) -> Iterator[str]:
    """The URL of the Redis of the tests behind a certificate that nobody vouches for."""
    loop, port, listens = asyncio.new_event_loop(), list[int](), threading.Event()
    over = asyncio.Event()
    front = _front(certificate(tmp_path), port, listens, over)
    thread = threading.Thread(target=loop.run_until_complete, args=[front])
    thread.start()
    listens.wait()
    parts = urlsplit(settings.REDIS_URL)
    yield parts._replace(scheme="rediss", netloc=f":{parts.password}@127.0.0.1:{port[0]}").geturl()
    loop.call_soon_threadsafe(over.set)
    thread.join()
    loop.run_until_complete(loop.shutdown_asyncgens())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_a_certificate_that_nobody_vouches_for_is_refused_by_both(over_tls: str) -> None:
    done = start(PING, **STRONG | {"REDIS_URL": over_tls})
    assert done.stdout.splitlines() == ["not verified", "not verified"], done.stderr


def test_both_take_it_from_whom_the_url_trusts(over_tls: str, tmp_path: Path) -> None:
    done = start(PING, **STRONG | {"REDIS_URL": f"{over_tls}?ssl_ca_certs={tmp_path / 'server.pem'}"})
    assert done.stdout.splitlines() == ["True", "True"], done.stderr


@pytest.mark.parametrize("url", ["redis://cache/0", "rediss://cache/0?ssl_cert_reqs=optional"])
def test_what_is_said_of_certificates_stays(url: str) -> None:
    assert passwords.verified(url) == url
