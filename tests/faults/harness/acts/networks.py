"""The ways between programs and servers, disturbed for one program or for all."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.faults.harness.acts.act import Act, Fault, Note
from tests.faults.harness.grips import PROGRAMS, Grips


def way(mode: str) -> Act:
    """`target`: a program, or "all"; `how`: the server. They are like `mode` while it lasts."""

    def act(grips: Grips, fault: Fault, note: Note) -> AbstractContextManager[None]:
        programs = PROGRAMS if fault["target"] == "all" else (fault["target"],)
        return _disturbed(grips, [(each, fault["how"]) for each in programs], mode, note)

    return act


def to_carrier(grips: Grips, fault: Fault, note: Note) -> AbstractContextManager[None]:
    """`how`: the mode."""
    return _disturbed(grips, [("worker", "carrier")], fault["how"], note)


@contextmanager
def _disturbed(grips: Grips, names: list[tuple[str, str]], mode: str, note: Note) -> Iterator[None]:
    ways = [grips.ways[name] for name in names if name in grips.ways]
    assert ways, f"there is no way {names}"
    for each in ways:
        each.set(mode)
    note("disturbed", ways=[" to ".join(name) for name in names], mode=mode)
    try:
        yield
    finally:
        for each in ways:
            each.set("pass")
