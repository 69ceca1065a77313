"""docs/settings.md: its tables are made of the declarations, what stands around them is written by hand."""

from collections.abc import Iterable
from pathlib import Path

from config import sections
from config.environment import Section, Variable

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
BEGIN = "<!-- From here `manage.py settings_page` writes, from the declarations in the code. -->"
END = "<!-- To here. -->"


def renewed(page: str) -> str:
    """The page, the tables as declared between its marks. Raises ValueError where these are lost."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("the page has lost the marks between which the tables stand")
    return f"{before}{BEGIN}\n\n{tables(sections.EVERY)}\n{END}{after}"


def tables(every: Iterable[Section]) -> str:
    """A heading and a table for each section that has variables."""
    return "\n".join(_table(section) for section in every if section.variables)


def _table(section: Section) -> str:
    head = [f"## {section.title}", "", "| name | default | meaning |", "|---|---|---|"]
    return "\n".join([*head, *map(_row, section.variables.values())]) + "\n"


def _row(variable: Variable) -> str:
    name = f"`{variable.name}`"
    if variable.secret:
        name += f", `{variable.name}_FILE`"
    return f"| {name} | {variable.default} | {variable.meaning} |"
