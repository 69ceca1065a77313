"""`manage.py listen [--port] [--secret] [--status] [--count]`: see docs/webhooks.md."""

import io
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from webhooks.listening import keys
from webhooks.listening.inbox import Inbox
from webhooks.listening.serving import HOST, Listener


class Command(BaseCommand):
    help = "Receive webhooks on this machine: show each, whether its signature verifies, and if not, why."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=9000, help="9000 by default; 0 chooses a free one")
        parser.add_argument(
            "--secret",
            action="append",
            metavar="KEY",
            help="the endpoint's secret (whsec_...) or public key (whpk_...); again for each further one. "
            "By default PARCELWIRE_LISTEN_SECRET",
        )
        parser.add_argument("--status", type=int, metavar="N", help="answer this, whatever arrives")
        parser.add_argument(
            "--count", type=int, metavar="N", help="end after N messages; exit 1 if any did not verify"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _check_between("--port", options["port"], 0, 65_535)
        _check_between("--status", options["status"], 200, 599)
        _check_between("--count", options["count"], 1, None)
        try:
            known = keys.read(options["secret"] or settings.PARCELWIRE_LISTEN_SECRET)
        except ValueError as error:
            raise CommandError(str(error)) from None
        inbox = Inbox(known, self._say, options["status"], options["count"])
        self._listen(options["port"], inbox)
        if options["count"] and inbox.refused:
            raise CommandError(f"{inbox.refused} of {inbox.taken} messages did not verify")

    def _listen(self, port: int, inbox: Inbox) -> None:
        """Until the inbox has ended, or Ctrl-C."""
        try:
            listener = Listener(port, inbox)
        except OSError as error:
            raise CommandError(
                f"port {port} of {HOST}: {error.strerror}; choose another with --port"
            ) from None
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # whatever letters this terminal knows
        with listener.serving(), suppress(KeyboardInterrupt):
            self._say(f"listening on {listener.url}, until Ctrl-C")
            inbox.ended.wait()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _check_between(option: str, value: int | None, least: int, most: int | None) -> None:
    if value is not None and (value < least or (most is not None and value > most)):
        raise CommandError(f"{option} is {value}; expected {f'{least} to {most}' if most else 'at least 1'}")
