"""The bench of growth runs: two small databases are filled as large ones are, and every work is measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from bench.filling import filling
from bench.growth.__main__ import DUE_WORKS, WORKS
from tests.processes import ROOT

_SHAPE = """
SELECT indexdef FROM pg_indexes WHERE tablename = ANY(%(tables)s)
UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = ANY(%(tables)s::regclass[])
ORDER BY 1
"""


@pytest.mark.journey
def test_a_quick_pass_measures_every_work(tmp_path: Path) -> None:
    file = tmp_path / "growth.json"
    words = [sys.executable, "-m", "bench.growth", "--quick", "--json", str(file)]
    bench = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert bench.returncode == 0, bench.stderr
    tables = json.loads(file.read_text())
    assert set(json.dumps(tables).split('"')) >= {*WORKS, *DUE_WORKS}
    assert all(" pages" in part for part in bench.stdout.split("\n\n")[1:])


@pytest.mark.django_db
def test_a_filled_table_has_its_indexes_and_constraints_again() -> None:
    tables = ["events_event", "trackers_tracker"]
    with connection.cursor() as cursor:
        cursor.execute(_SHAPE, {"tables": tables})
        before = cursor.fetchall()
        with filling(cursor, tables):
            cursor.execute(_SHAPE, {"tables": tables})
            assert len(cursor.fetchall()) < len(before)
        cursor.execute(_SHAPE, {"tables": tables})
        assert cursor.fetchall() == before
        cursor.execute("SHOW session_replication_role")
        assert cursor.fetchone() == ("origin",)
