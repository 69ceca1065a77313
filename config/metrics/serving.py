"""A port of its own for figures: `/metrics`, and `/healthz` for whoever asks whether the process lives."""

import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector, CollectorRegistry

#: Seconds that a caller may take for a request before its connection is closed.
PATIENCE = 10

_Answer = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE

    def log_message(self, *_: object) -> None:
        """A line for each scrape would hide the others."""


class _Server(ThreadingWSGIServer):
    #: Prometheus may come while others hang on.
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Whoever hangs up in mid-answer is no news."""


def serve(collector: Collector, host: str, port: int) -> WSGIServer:
    """Answer on this port, in threads of this process, with what `collector` finds at each call.

    Port 0 chooses a free one (`server_port`). Raises OSError where the port cannot be had.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    server = _Server((host, port), _Handler)
    server.set_app(_only(make_wsgi_app(registry)))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def _only(metrics: _Answer) -> _Answer:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                return metrics(environ, start_response)
            case "/healthz":
                status, body = "200 OK", b"ok"
            case _:
                status, body = "404 Not Found", b"/metrics is here"
        start_response(status, [("Content-Type", "text/plain")])
        return [body]

    return answer
