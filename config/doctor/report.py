"""What was found, for a person at a terminal and for programs."""

import json
from collections import Counter
from collections.abc import Callable

from config.doctor.findings import Check, Finding, Level

#: Columns of the level and of the check's name.
_LEVEL, _NAME = 5, 17


class Report:
    """Told line by line, or, for programs, whole at its end."""

    def __init__(self, write: Callable[[str], object], *, as_json: bool) -> None:
        self._write = write
        self._as_json = as_json
        self._found: list[tuple[Check, Finding]] = []

    @property
    def level(self) -> Level:
        """The worst that was found."""
        levels = {finding.level for _, finding in self._found}
        return next((level for level in (Level.BAD, Level.WARN) if level in levels), Level.OK)

    def add(self, check: Check, finding: Finding) -> None:
        self._found.append((check, finding))
        if not self._as_json:
            self._write(f"{finding.level:{_LEVEL}}{check.name:{_NAME}}{finding.found}")
            if finding.todo:
                self._write(f"{'':{_LEVEL + _NAME}}-> {finding.todo}")

    def end(self) -> None:
        """Say how it is on the whole."""
        counts = Counter(finding.level for _, finding in self._found)
        if self._as_json:
            self._write(json.dumps(self._body(counts), indent=2))
        else:
            self._write(", ".join(f"{counts[level]} {level}" for level in Level if counts[level]))

    def _body(self, counts: Counter[Level]) -> dict[str, object]:
        return {
            "level": self.level,
            "counts": {level: counts[level] for level in Level},
            "findings": [
                {"check": check.name, "level": one.level, "found": one.found, "todo": one.todo}
                for check, one in self._found
            ],
        }
