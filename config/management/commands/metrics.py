"""`manage.py metrics`: the figures of the whole installation, for Prometheus to fetch."""

import signal
import sys
import threading
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.metrics.exporter import Exporter
from config.metrics.serving import serve
from config.metrics.sources import sources

#: Where it listens if nothing else is said.
PORT = 9100


class Command(BaseCommand):
    help = "Serve /metrics for Prometheus: queues, polls, deliveries, carriers, database and Redis."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        port = settings.METRICS_PORT or PORT
        parser.add_argument("--port", type=int, default=port, help=f"by default METRICS_PORT, or {PORT}")
        parser.add_argument("--host", default=settings.METRICS_HOST, help="address it listens on")

    def handle(self, *args: object, host: str, port: int, **options: object) -> None:
        over = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        try:
            server = serve(Exporter(settings.VERSION, sources()), host, port)
        except OSError as error:
            raise CommandError(f"{host}:{port} cannot be listened on: {error.strerror}") from error
        self.stdout.write(f"metrics on http://{host}:{server.server_port}/metrics")
        sys.stdout.flush()
        over.wait()
        server.shutdown()
