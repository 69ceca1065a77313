"""What others do by the plan, at the same moments."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.harness.acts.act import Fault, Note
from tests.faults.harness.grips import Grips


@contextmanager
def by_plan(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """The simulator of carriers reads the plan itself."""
    yield
