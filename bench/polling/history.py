"""Row `history`: what a changed poll costs when the parcel has a long history."""

import contextlib
from collections.abc import Callable
from functools import partial

from bench.deliveries.figures import Finding, Side, Table, Wish, ratio
from bench.polling.record import Recorded, ask, recorder
from bench.polling.run import Run

#: Scans of an answer, one of which is new.
LONG, SHORT = 100, 6


def history(run: Run) -> Table:
    """Parsed, digested, compared and recorded: answers of 100 scans and of 6 of which one is new, in turn."""
    tables: dict[str, Side] = {}
    findings: list[Finding] = []
    for words, batches, each in (
        ("alone", run.sizes.alone, 1),
        ("in batches of 100", run.sizes.batches, 100),
    ):
        with contextlib.ExitStack() as stack:
            process = recorder(run.stage, stack, f"history_{each}", "house")
            sides: dict[str, Callable[[], Recorded]] = {
                f"{scans} scans, {words}": partial(ask, process, f"poll {batches} {each} {scans - 1} 1")
                for scans in (SHORT, LONG)
            }
            found = run.in_turn(sides)
            process.communicate()
        mine = {name: Side("ms a poll", [_ms(each) for each in rounds]) for name, rounds in found.items()}
        short, long = mine
        # A batch shares its transaction: nothing is left in it but what each scan adds.
        wish = Wish.AT_MOST if each == 1 else Wish.NONE
        findings.append(ratio(mine, long, short, wish, 2.0, f"{LONG} scans / {SHORT}, {words}"))
        tables |= mine
    return Table(tables, findings)


def _ms(round_: Recorded) -> float:
    """One event a poll."""
    return round_.seconds / round_.events * 1000
