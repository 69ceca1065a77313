"""What the change pages for staff show beside a row's own fields: figures and tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: How something is: it decides the colour, beside the word.
GOOD, BAD, WARNING, PLAIN = "good", "bad", "warning", ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value: text, a moment, or None for a dash; `href` leads to more about it."""

    value: str | int | float | datetime | None
    href: str = ""
    tone: str = PLAIN

    @property
    def is_moment(self) -> bool:
        return isinstance(self.value, datetime)


@dataclass(frozen=True, slots=True)
class Figure:
    """One value with its name."""

    name: str
    cell: Cell


@dataclass(frozen=True, slots=True)
class Link:
    """A way on; `current` is where one is."""

    text: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a heading, whose `id` is its anchor. Without rows, `empty` says what that means."""

    id: str
    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str
    note: str = ""
    filters: Sequence[Link] = ()
    older: str = ""


def cells(values: Iterable[Any]) -> list[Cell]:
    """Cells of plain values; those that are cells stay."""
    return [_cell(value) for value in values]


def figures(**values: Any) -> list[Figure]:
    """Figures by their names, in which `_` is a space; those that there is nothing to say of are left out."""
    told = [(name.replace("_", " "), _cell(value)) for name, value in values.items()]
    return [Figure(name, cell) for name, cell in told if cell.value not in {None, ""}]


def _cell(value: Any) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)
