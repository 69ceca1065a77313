"""`manage.py doctor`: whether all is well, in a line for each thing that was looked at."""

import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from config.doctor.examining import CHECKS, examine
from config.doctor.findings import Check, Level, bad, warn
from config.doctor.report import Report

#: Seconds after which what one check waits for counts as out of reach.
PATIENCE = 8.0
#: The exit status where something is bad, and with --strict where something is worth a look.
BAD, STRICT = 2, 1
#: How long this command waits for PostgreSQL, in seconds and milliseconds.
_IMPATIENT = {"connect_timeout": 3, "tcp_user_timeout": 3_000}
_IN_SESSION = " -c statement_timeout=4000 -c lock_timeout=1000"


class Command(BaseCommand):
    help = "Look at settings, servers, grants, clocks, processes and queues, and say what is not well."
    requires_system_checks = ()
    #: The seconds that a check may take. Called by a program, they take what they take.
    _patience: float | None = None

    def run_from_argv(self, argv: list[str]) -> None:
        options = connection.settings_dict["OPTIONS"]
        options |= {**_IMPATIENT, "options": options.get("options", "") + _IN_SESSION}
        self._patience = PATIENCE
        super().run_from_argv(argv)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument(
            "--strict", action="store_true", help="end with 1 where something is worth a look"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        report = Report(self.stdout.write, as_json=options["json"])
        watch = _Watch(report, CHECKS, self._patience)
        for check, finding in examine(CHECKS, watch.begin):
            report.add(check, finding)
        watch.cancel()
        report.end()
        if status := _status(report.level, strict=options["strict"]):
            sys.exit(status)


class _Watch:
    """Ends the program where a check waits for what does not come: names it, and what was not reached."""

    def __init__(self, report: Report, checks: Sequence[Check], patience: float | None) -> None:
        self._report = report
        self._checks = checks
        self._patience = patience
        self._timer: threading.Timer | None = None

    def begin(self, check: Check) -> None:
        self.cancel()
        if self._patience:
            self._timer = threading.Timer(self._patience, self._cut_off, [check, self._patience])
            self._timer.daemon = True
            self._timer.start()

    def cancel(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _cut_off(self, here: Check, seconds: float) -> None:
        waited_for = ", ".join(sorted(here.needs)) or "this machine"
        self._report.add(here, bad(f"no answer within {seconds:g} s", f"look at {waited_for}"))
        for check in self._checks[self._checks.index(here) + 1 :]:
            self._report.add(check, warn(f"not asked: {here.name} took too long", f"mend {here.name} first"))
        self._report.end()
        sys.stdout.flush()
        os._exit(BAD)


def _status(level: Level, *, strict: bool) -> int:
    if level is Level.BAD:
        return BAD
    return STRICT if strict and level is Level.WARN else 0
