"""`manage.py up`: the whole stack in one terminal."""

import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import NoReturn

from django.core.management.base import BaseCommand, CommandError

from config import embedded, occupancy, servers, supervisor

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _StopRequested(BaseException):
    """Ctrl-C, or whoever ends processes, asked for the end."""


class Command(BaseCommand):
    help = "Start PostgreSQL, Valkey, the web, a worker and beat, and keep them running until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web; 0 chooses a free one")
        parser.add_argument("--host", default="127.0.0.1", help="address the web listens on")
        parser.add_argument("--data", type=Path, help="data folder; by default PARCELWIRE_DATA, or var")

    def handle(self, *args: object, **options: object) -> None:
        stack = supervisor.Stack(
            embedded.data_folder(), str(options["host"]), int(str(options["port"])), self._say
        )
        for number in _SIGNALS:
            signal.signal(number, _request_stop)  # a shell's background processes start with SIGINT ignored
        try:
            stack.start("manage.py up")
            self._say(f"ready {stack.url}")
            while True:
                stack.tend()
                time.sleep(0.1)
        except _StopRequested:
            self._say("stopping")
        except (supervisor.StackError, servers.ServerError, occupancy.OccupiedError) as error:
            raise CommandError(str(error)) from None
        finally:
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            stack.stop()
        self._say("stopped")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        sys.stdout.flush()


def _request_stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _StopRequested
