"""What `python -m bench` writes of what its parts measured."""

from pathlib import Path

import orjson
import pytest

from bench import machine, running
from bench.curves import SHARES, Curve, Spread
from bench.deliveries.figures import Finding, Side, Table, Wish, ratio
from bench.keeping import plain, table
from bench.parts import PARTS
from bench.writing import overview, write

SIDES = {"bare loop": Side("a second", [10_000.0, 12_000.0]), "parcelwire": Side("a second", [9_900.0])}
RATE = Table(SIDES, [ratio(SIDES, "parcelwire", "bare loop", Wish.AT_LEAST, 0.8)])
SOON = Table(
    {"p99": Side("ms", [260.0])},
    [Finding("p99, ms", 260.0, Wish.AT_MOST, 250, "p99")],
    spreads={"half load": Spread.of([nth / 1000 for nth in range(1, 1001)])},
    curves={"claim": Curve("trackers", "ms", [(10_000, 2.0), (1_000_000, 2.4)])},
)


def measured(**rows: Table) -> dict[str, object]:
    return {
        "command": "python -m bench.deliveries",
        "began": "2026-03-01 08:00 UTC",
        "commit": "0123456789",
        "load": "0.10 0.20 0.30",
        "machine": {"processor": "a fast one, 2 of it"},
        "quick": False,
        "seconds": 60,
        "rows": {name: plain(row) for name, row in rows.items()},
    }


def test_what_is_kept_is_read_back_as_it_was():
    assert plain(table(plain(SOON))) == plain(SOON)
    assert table(plain(RATE)) == RATE


def test_each_goal_is_a_line_with_both_sides():
    found = overview({"deliveries": measured(rate=RATE, latency=SOON)}, ["deliveries"])
    assert list(map(list, found.lines)) == [
        ["deliveries rate", "parcelwire / bare loop", "9,900 a second", "11,000 a second", "0.90",
         "at least 0.8", "yes"],
        ["deliveries latency", "p99, ms", "260", "", "", "at most 250", "**no**"],
    ]  # fmt: skip
    assert not found.holds
    assert found.verdict == "1 of 2 goals hold; missed: `deliveries latency`."
    assert overview({"deliveries": measured(rate=RATE)}, ["deliveries"]).holds


def test_results_have_every_figure_the_machine_and_what_was_written_by_hand(tmp_path: Path):
    write({"deliveries": measured(rate=RATE, latency=SOON)}, tmp_path)
    text = (tmp_path / "RESULTS.md").read_text()
    assert "| processor | a fast one, 2 of it |" in text
    assert "`python -m bench.deliveries`, 2026-03-01 08:00 UTC, commit 0123456789, 60 s" in text
    assert "| `rate` | bare loop | 11,000 | a second | 10,000 12,000 |" in text
    assert "| `latency` | half load | 500 | 950 | 990 | 999 | 1,000 | 1,000 |" in text
    assert (Path(running.__file__).parent / "notes" / "deliveries.md").read_text().strip() in text
    for plot in ("deliveries-latency.svg", "deliveries.svg"):
        assert f"(plots/{plot})" in text
        assert "half load" in (tmp_path / "plots" / plot).read_text() or plot == "deliveries.svg"


def test_the_same_figures_give_the_same_plots(tmp_path: Path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        write({"deliveries": measured(latency=SOON)}, tmp_path / folder)
    one, other = (sorted((tmp_path / folder / "plots").iterdir()) for folder in ("one", "other"))
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in other]


def test_a_spread_says_what_each_share_does_not_exceed():
    spread = Spread.of([0.004, 0.001, 0.002, 0.003])
    assert [spread.at(share) for share in (0.25, 0.5, 0.99, 1.0)] == [1.0, 2.0, 4.0, 4.0]
    assert list(SHARES) == sorted(set(SHARES))


def test_the_machine_says_what_it_is_and_what_runs_on_it():
    told = machine.machine()
    assert {"processor", "memory", "kernel", "Python", "PostgreSQL", "Valkey", "granian", "libcurl"} <= set(
        told
    )
    assert all(told.values())


@pytest.mark.journey
def test_one_command_measures_writes_and_says_whether_every_goal_holds(tmp_path: Path):
    kept = orjson.loads(orjson.dumps({"reads": measured(rate=RATE)}))
    (tmp_path / "results.json").write_bytes(orjson.dumps(kept))
    assert running.main(["--quick", "--parts", "freshness", "--into", str(tmp_path)]) == 0
    found = orjson.loads((tmp_path / "results.json").read_bytes())
    assert found["reads"] == kept["reads"]
    assert found["freshness"]["quick"]
    text = (tmp_path / "RESULTS.md").read_text()
    assert text.index("## Reads") < text.index("## Freshness")
    assert "7 of 7 goals hold." in text


def test_every_part_has_a_name_of_its_own():
    assert len({part.name for part in PARTS}) == len(PARTS)
