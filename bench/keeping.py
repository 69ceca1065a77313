"""What a part measured, as JSON: rows by name, each with its sides, findings and what is drawn of it.

Figures are kept as they were measured, not as they are printed. `bench.writing` reads it back.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from bench.curves import Curve, Spread
from bench.deliveries.figures import Finding, Side, Table, Wish


def keep(tables: Mapping[str, Table], file: Path) -> None:
    """Write them."""
    rows = {name: plain(table) for name, table in tables.items()}
    file.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2))


def plain(table: Table) -> dict[str, Any]:
    """A table as JSON has it."""
    return {
        "sides": {name: {**asdict(side), "median": side.median} for name, side in table.sides.items()},
        "findings": [
            {**asdict(found), "wish": found.wish.value, "holds": found.holds} for found in table.findings
        ],
        "spreads": {name: asdict(spread) for name, spread in table.spreads.items()},
        "curves": {name: asdict(curve) for name, curve in table.curves.items()},
        "grid": table.grid,
        "caption": table.caption,
    }


def table(row: Mapping[str, Any]) -> Table:
    """The table of which `plain` made this."""
    return Table(
        {name: Side(side["unit"], side["rounds"]) for name, side in row["sides"].items()},
        [_finding(found) for found in row["findings"]],
        {name: Spread(**spread) for name, spread in row["spreads"].items()},
        {name: Curve(**curve) for name, curve in row["curves"].items()},
        row["grid"],
        row["caption"],
    )


def _finding(found: Mapping[str, Any]) -> Finding:
    values = {name: value for name, value in found.items() if name != "holds"}
    return Finding(**{**values, "wish": Wish(values["wish"])})
