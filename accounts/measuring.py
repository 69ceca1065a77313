"""What is measured while work goes on, in the words of whoever does it.

Nothing is kept here, and nothing is done where nobody asked for figures: `config.metrics` may.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

#: The values of a timing's labels, each from a closed list; and seconds.
Ended = Iterable[tuple[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things of one kind take. `bounds` are seconds, ascending, by which they are told apart."""

    name: str
    says: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...]

    def note(self, ended: Ended) -> None:
        """Note what has ended: best a batch at a time. `ended` is not looked at where nobody asks."""
        for take in _takers:
            take(self, ended)


_takers: list[Callable[[Timing, Ended], None]] = []


def give_to(take: Callable[[Timing, Ended], None]) -> None:
    """From now on, have `take` be told of all that ends in this process. It must be quick, and not raise."""
    _takers[:] = [take]
