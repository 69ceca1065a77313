"""What one witness of a run noted: a file of JSON lines, each of them on the disk before anything goes on."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any


class History:
    """Notes facts at the end of a file. Safe to use from several threads; one process writes a file."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._noting = threading.Lock()

    def note(self, **facts: Any) -> None:
        """Write these down, with the moment: `mono` is time.monotonic(), which all processes share, and `at`
        the seconds since 1970. On return they are on the disk, whatever is killed next.
        """
        line = json.dumps({"mono": time.monotonic(), "at": time.time(), **facts}) + "\n"
        with self._noting:
            os.write(self._file, line.encode())
            os.fdatasync(self._file)


def read(path: Path) -> list[dict[str, Any]]:
    """All that was noted, in order. A last line that was cut off is left out: nobody relied on it."""
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]
