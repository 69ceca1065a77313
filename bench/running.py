"""The parts of a bench run one after the other, each in a process of its own; then everything is written."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bench import machine
from bench.parts import PARTS, Part
from bench.turns import say
from bench.writing import overview, write

_HERE = Path(__file__).resolve().parent
_RESULTS = "results.json"


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    options = _options(words)
    into = options.into or (Path(tempfile.mkdtemp(prefix="bench-quick-")) if options.quick else _HERE)
    into.mkdir(parents=True, exist_ok=True)
    kept = into / _RESULTS
    results: dict[str, Any] = orjson.loads(kept.read_bytes()) if kept.exists() else {}
    broken = []
    for part in options.parts:
        try:
            results[part.name] = _measured(part, quick=options.quick)
        except subprocess.CalledProcessError as error:
            say(f"{part.name} broke: {error}")
            broken.append(part.name)
            continue
        # Whatever happens to the next part, this one is kept.
        kept.write_bytes(orjson.dumps(_in_order(results), option=orjson.OPT_INDENT_2))
    found = overview(results, [part.name for part in options.parts])
    write(_in_order(results), into)
    say(f"\n{found}\n\nwritten: {into / 'RESULTS.md'}")
    if broken:
        say(f"broke: {', '.join(broken)}")
        return 2
    return 0 if found.holds else 1


def _measured(part: Part, *, quick: bool) -> dict[str, Any]:
    """What the part says, and of which run. Raises CalledProcessError where it ends badly."""
    words = ["-m", part.module, *part.words, *(["--quick"] if quick else part.in_full)]
    say(f"\n== {part.name}: python {' '.join(words)}")
    about = {
        "command": f"python {' '.join(words)}",
        "began": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": machine.commit(),
        "load": machine.load(),
        "machine": machine.machine(),
        "quick": quick,
    }
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "told.json"
        subprocess.run([sys.executable, *words, "--json", str(file)], cwd=_HERE.parent, check=True)
        rows = orjson.loads(file.read_bytes())
    return {**about, "seconds": round(time.monotonic() - began), "rows": rows}


def _in_order(results: dict[str, Any]) -> dict[str, Any]:
    return {part.name: results[part.name] for part in PARTS if part.name in results}


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m bench", description=sys.modules[__name__].__doc__)
    options.add_argument(
        "--parts",
        type=_parts,
        default=[part for part in PARTS if not part.only_named],
        help=f"of {_names(PARTS)}; all but those that run only where they are named by default. "
        "What is not measured stays as it was written",
    )
    options.add_argument("--into", type=Path, help="the folder that is written to; bench by default")
    options.add_argument(
        "--quick", action="store_true", help="only whether it works: no figure counts, none is kept"
    )
    return options.parse_args(words)


def _parts(words: str) -> list[Part]:
    asked = words.split(",")
    if unknown := set(asked) - {part.name for part in PARTS}:
        raise argparse.ArgumentTypeError(f"no parts: {', '.join(sorted(unknown))}")
    return [part for part in PARTS if part.name in asked]


def _names(parts: Iterable[Part]) -> str:
    return ",".join(part.name for part in parts)
