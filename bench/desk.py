"""One process that runs commands of manage.py on any database of a bench: none has to start anew."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


class Desk:
    """`manage.py bench_desk`, started when it is first asked for something."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None

    def run(self, database: str, words: list[str]) -> str:
        """What a command writes on the database of this name. Raises RuntimeError where it fails."""
        process = self._process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the desk has no pipes")
        process.stdin.write(json.dumps({"database": database, "words": words}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the desk ended at {words[0]}")
        told: dict[str, str] = json.loads(line)
        if "error" in told:
            raise RuntimeError(f"{words[0]} failed: {told['error']}")
        return told["told"]

    def end(self) -> None:
        """It has nothing to finish."""
        if self._process:
            self._process.kill()
            self._process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", "bench_desk"],
            cwd=_ROOT,
            env=dict(self._environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
