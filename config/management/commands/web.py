"""`manage.py web`: the API, the pages for staff and those for shoppers."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand

from config import serving


class Command(BaseCommand):
    help = "Answer HTTP until SIGTERM or Ctrl-C; WEB_PROCESSES and WEB_THREADS say how many at once."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0: every one")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: object, **options: object) -> None:
        serving.serve(
            str(options["host"]),
            int(str(options["port"])),
            processes=settings.WEB_PROCESSES,
            threads=settings.WEB_THREADS,
        )
