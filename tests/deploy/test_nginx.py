"""deploy/nginx/parcelwire.conf: a real nginx before two real webs."""

import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from config import loopback
from tests.deploy.calling import call
from tests.deploy.engine import Engine
from tests.deploy.proxy import HOST, Proxy
from tests.waiting import eventually

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("deploy")]


@pytest.fixture(scope="module")
def key(stage: Engine) -> str:
    done = stage.execute("web", "python", "manage.py", "create_merchant", "Behind nginx", "--json")
    return done.stdout.split('"apiKey": "')[1].split('"')[0]


def _raw(proxy: Proxy, text: str) -> str:
    """What is answered to these bytes, over TLS."""
    trusted = ssl.create_default_context(cafile=proxy.folder / "server.pem")
    plain = socket.create_connection((loopback.HOST, proxy.https), 60)
    with trusted.wrap_socket(plain, server_hostname=loopback.HOST) as wire:
        wire.sendall(text.replace("\n", "\r\n").encode())
        return b"".join(iter(lambda: wire.recv(65536), b"")).decode()


def test_nginx_takes_the_configuration(proxy: Proxy) -> None:
    assert proxy.verdict().splitlines()[-1].endswith("test is successful")
    assert "warn" not in proxy.verdict()


def test_https_works(proxy: Proxy, key: str) -> None:
    assert call(proxy, "GET", "/healthz").body == b"ok"
    answer = call(proxy, "GET", "/v1/couriers", key=key)
    assert answer.status == 200
    assert answer.headers["x-request-id"]


def test_plain_http_is_refused_in_the_callers_shape(proxy: Proxy, key: str) -> None:
    refused = call(proxy, "GET", "/v1/couriers", secure=False, key=key)
    assert (refused.status, refused.data["errors"][0]["code"]) == (403, "https_required")
    order = call(proxy, "GET", "/api/Order/v1/Tracking?ordercode=1&apikey=2", secure=False)
    assert (order.status, order.data["errorCode"]) == (403, "EXCEPTION")


def test_shoppers_are_led_to_https(proxy: Proxy) -> None:
    led = call(proxy, "GET", "/track/nobody", secure=False)
    assert (led.status, led.headers["location"]) == (301, f"https://{HOST}/track/nobody")


@pytest.mark.parametrize("name", ["X-Forwarded-Proto", "X_Forwarded_Proto", "x-forwarded_proto"])
def test_nobody_makes_plain_http_pass_for_https(proxy: Proxy, key: str, name: str) -> None:
    with socket.create_connection((loopback.HOST, proxy.http), 60) as wire:
        head = f"GET /v1/couriers HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {key}\r\n"
        wire.sendall(f"{head}{name}: https\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    assert b"https_required" in answer


def test_nobody_says_where_it_comes_from(stage: Engine, proxy: Proxy) -> None:
    """Failed sign-ins are noted with the address that nginx saw."""
    page = call(proxy, "GET", "/admin/login/")
    token = page.body.decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    form = f"csrfmiddlewaretoken={token}&username=mallory&password=wrong".encode()
    call(
        proxy,
        "POST",
        "/admin/login/",
        form,
        X_Forwarded_For="203.0.113.9",
        Referer=f"https://{HOST}/admin/login/",
        Content_Type="application/x-www-form-urlencoded",
        Cookie=page.headers["set-cookie"].split(";")[0],
    )
    line = "from axes.models import AccessAttempt as A; print(A.objects.get(username='mallory').ip_address)"
    assert (
        stage.execute("web", "python", "manage.py", "shell", "-v0", "-c", line).stdout.strip()
        == loopback.HOST
    )


def test_a_body_that_is_too_long_is_answered_in_json(proxy: Proxy, key: str) -> None:
    for size in (1_500_000, 9_000_000):
        refused = call(proxy, "POST", "/v1/trackers", b"x" * size, key=key, Content_Type="application/json")
        assert (refused.status, refused.data["errors"][0]["code"]) == (413, "validation_error")


def test_a_body_in_chunks_arrives_with_its_length(proxy: Proxy, key: str) -> None:
    body = '{"trackingNumber": "SHIP24_SAMPLE_PENDING_d0d"}'
    head = f"POST /v1/trackers HTTP/1.1\nHost: {HOST}\nAuthorization: Bearer {key}\nConnection: close\n"
    head += "Content-Type: application/json\nTransfer-Encoding: chunked\n\n"
    assert _raw(proxy, f"{head}{len(body):x}\n{body}\n0\n\n").startswith("HTTP/1.1 201")


def test_no_websocket_is_opened(proxy: Proxy) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    assert call(proxy, "GET", "/healthz", Sec_WebSocket_Key="dGhlIHNhbXBsZQ==", **upgrade).status == 200


def test_figures_and_readiness_are_not_for_the_public(proxy: Proxy) -> None:
    assert call(proxy, "GET", "/metrics").status == 404
    assert call(proxy, "GET", "/readyz").status == 200  # from this machine


def test_the_logs_have_no_key_and_no_link(proxy: Proxy) -> None:
    call(proxy, "GET", "/track/a-link-of-a-shopper")
    call(proxy, "GET", "/api/Order/v1/Tracking?ordercode=1&apikey=a-key")
    call(proxy, "POST", "/v1/carriers/all24/push/a-token", {})
    eventually(lambda: "/v1/carriers/all24/push/-" in proxy.access_log())
    assert "/track/-" in proxy.access_log()
    written = "".join(file.read_text() for file in proxy.folder.iterdir() if "log" in file.name)
    for secret in ("a-link", "apikey", "a-key", "a-token"):
        assert secret not in written


def test_a_web_can_be_replaced_while_the_other_answers(stage: Engine, proxy: Proxy, key: str) -> None:
    """Both, one after the other, while clients read and create: no call fails."""
    stop, statuses = threading.Event(), []

    def create(number: int) -> None:
        calls = 0
        while not stop.is_set():
            calls += 1
            parcel = {"trackingNumber": f"SHIP24_SAMPLE_PENDING_{number}x{calls}"}
            statuses.append(call(proxy, "POST", "/v1/trackers", parcel, key=key).status)

    def read() -> None:
        while not stop.is_set():
            statuses.append(call(proxy, "GET", "/v1/events?after=0", key=key).status)

    with ThreadPoolExecutor(4) as clients:
        running = [
            clients.submit(create, 1),
            clients.submit(create, 2),
            clients.submit(read),
            clients.submit(read),
        ]
        try:
            for web in ("web", "web-second"):
                stage.stop(web)
                stage.up(web)
                stage.await_health(web)
        finally:
            stop.set()
        for one in running:
            one.result()
    assert set(statuses) <= {200, 201, 429}, sorted(set(statuses))
    assert len(statuses) > 50


def test_without_a_web_it_says_so_and_when_to_come_again(stage: Engine, proxy: Proxy) -> None:
    stage.stop("web", "web-second")
    try:
        answer = call(proxy, "POST", "/v1/trackers", {})
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert answer.data["errors"][0]["code"] == "processing_error"
    finally:
        stage.up("web", "web-second")
    for web in ("web", "web-second"):
        stage.await_health(web)
    eventually(lambda: call(proxy, "GET", "/healthz").status == 200)
