"""The bench of the admin's pages runs: it fills a database, opens every page, and counts statements."""

import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.mark.journey
def test_a_small_load_is_made_and_every_page_measured():
    words = [sys.executable, "-m", "bench.load_data", "--trackers", "300", "--rounds", "1"]
    bench = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert bench.returncode == 0, bench.stderr
    tables = dict(part.split("\n", 1) for part in bench.stdout.split("\n\n")[1:])
    assert {"dashboard", "alerts", "a tracker", "an endpoint", "search: a number"} <= set(tables)
    assert all("ms of the database" in table for table in tables.values())
