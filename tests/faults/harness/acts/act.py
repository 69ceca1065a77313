"""What an act is: it brings a fault about as its block begins, and heals it as the block ends."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from tests.faults.harness.grips import Grips

#: As a plan has it: `kind`, `target`, `how`, `for`.
Fault = Mapping[str, Any]


class Note(Protocol):
    """Writes down what was done to whom; the moment and the fault's number are added."""

    def __call__(self, what: str, **facts: Any) -> None: ...


Act = Callable[[Grips, Fault, Note], AbstractContextManager[None]]
