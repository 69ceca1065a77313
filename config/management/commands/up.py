"""`manage.py up`: the whole stack in one terminal."""

import os
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import embedded, occupancy, servers, supervisor
from config.keys import DataError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Why a stack cannot run; OSError: a part of the data folder cannot be written to.
_FAULTS = (supervisor.StackError, servers.ServerError, occupancy.OccupiedError, DataError, OSError)


class _StopRequested(BaseException):
    """Ctrl-C, or whoever ends processes, asked for the end; `at` (time.monotonic()) is when."""

    def __init__(self) -> None:
        super().__init__()
        self.at = time.monotonic()


class Command(BaseCommand):
    help = "Start PostgreSQL, Valkey, the web, workers and beat, and keep them running until Ctrl-C."
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """Without abbreviations: `--data` is heeded before the settings are read, by another parser."""
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **options)

    def run_from_argv(self, argv: list[str]) -> None:
        super().run_from_argv(argv)
        sys.stdout.flush()
        os._exit(0)  # the interpreter's own tidying up takes seconds on a busy machine

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web; 0 chooses a free one")
        parser.add_argument("--host", default="127.0.0.1", help="address the web listens on")
        parser.add_argument("--data", type=Path, help="data folder; by default PARCELWIRE_DATA, or var")

    def handle(self, *args: object, **options: object) -> None:
        stack = supervisor.Stack(
            embedded.data_folder(), str(options["host"]), int(str(options["port"])), self._say
        )
        asked_at = None
        for number in _SIGNALS:
            signal.signal(number, _request_stop)  # a shell's background processes start with SIGINT ignored
        try:
            stack.start("manage.py up")
            self._say(f"ready {stack.url}")
            while True:
                stack.tend()
                time.sleep(0.1)
        except _StopRequested as request:
            asked_at = request.at
            self._say("stopping")
        except _FAULTS as error:
            raise CommandError(str(error)) from None
        finally:
            _ignore_signals()
            stack.stop(asked_at or time.monotonic())
        self._say("stopped")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        sys.stdout.flush()


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _request_stop(_number: int, _frame: FrameType | None) -> NoReturn:
    _ignore_signals()  # a second Ctrl-C must not cut the stop short
    raise _StopRequested
