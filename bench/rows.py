"""The rows of a bench: which of them are asked for, measured one after the other, and printed."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from bench.deliveries.figures import Table
from bench.keeping import keep
from bench.turns import say

R = TypeVar("R")


def parser(bench: str, description: str | None, rows: Iterable[str]) -> argparse.ArgumentParser:
    """The options that every bench of rows takes."""
    names = list(rows)

    def named(words: str) -> list[str]:
        if unknown := set(words.split(",")) - set(names):
            raise argparse.ArgumentTypeError(f"no rows: {', '.join(sorted(unknown))}")
        return words.split(",")

    options = argparse.ArgumentParser(prog=f"python -m {bench}", description=description)
    options.add_argument("--rows", type=named, default=names, help=f"of {','.join(names)}; all by default")
    options.add_argument("--rounds", type=int, default=5, help="of each side; 5 by default")
    options.add_argument(
        "--quick", action="store_true", help="only whether the bench works: no figure counts"
    )
    takes_a_file(options)
    return options


def takes_a_file(options: argparse.ArgumentParser) -> None:
    """The option by which `python -m bench` gets what was measured."""
    options.add_argument("--json", type=Path, help="write what was measured into this file, too")


def measured(rows: Mapping[str, Callable[[R], Table]], names: Iterable[str], run: R) -> dict[str, Table]:
    """What each of these rows found; each is named as it begins."""
    tables: dict[str, Table] = {}
    for name in names:
        say(f"{name}: {(rows[name].__doc__ or '').splitlines()[0]}")
        tables[name] = rows[name](run)
    return tables


def show(tables: Mapping[str, Table]) -> None:
    for name, table in tables.items():
        say(f"\n{name}")
        for side, found in ({} if table.grid else table.sides).items():
            say(f"  {side:32} {found}")
        for finding in table.findings:
            say(f"  {finding}")


def tell(tables: Mapping[str, Table], file: Path | None) -> None:
    """Print what was measured, and write it into the file where there is one."""
    show(tables)
    if file:
        keep(tables, file)
