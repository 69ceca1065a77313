"""What looking at one invariant finds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.harness.judging.evidence import Evidence

#: Of what violates an invariant, no more cases are kept.
_KEPT = 50


@dataclass(slots=True)
class Finding:
    """How much was looked at, and what of it is not as it must be."""

    looked_at: int = 0
    violations: list[str] = field(default_factory=list)
    #: Why there was nothing to look at, where that is as the plan wants it.
    nothing: str = ""

    def look(self, holds: bool, violation: str) -> None:
        """Count one case, and keep it where it does not hold."""
        self.looked_at += 1
        if not holds and len(self.violations) < _KEPT:
            self.violations.append(violation)

    def as_json(self) -> dict[str, Any]:
        violations = list(self.violations)
        if not self.looked_at and not self.nothing:
            violations.append("nothing was looked at: this check has proved nothing")
        return {"looked_at": self.looked_at, "violations": violations, "nothing": self.nothing}


Invariant = Callable[[Evidence], Finding]
