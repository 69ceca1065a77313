"""The bench of more processes runs: every row measures, and nothing that it checks is missing."""

import subprocess
import sys

import pytest

from tests.processes import ROOT

ROWS = ("deliveries", "polls", "straight", "replica")


@pytest.mark.journey
def test_a_quick_pass_measures_every_row():
    words = [sys.executable, "-m", "bench.processes", "--quick"]
    bench = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert bench.returncode == 0, bench.stderr
    tables = dict(part.split("\n", 1) for part in bench.stdout.split("\n\n")[1:])
    assert tuple(tables) == ROWS
    assert all("PostgreSQL busy" in table for table in tables.values())
