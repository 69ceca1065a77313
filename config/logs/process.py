"""What this process is called: in its log lines, and wherever else processes are told apart."""

import os
import sys
from pathlib import Path

#: Whoever starts a process may say its name here; what it starts inherits it.
VARIABLE = "PARCELWIRE_PROCESS"


def name() -> str:
    """`web`, `worker-late`, `beat`, or the command's name, as far as that can be told."""
    return os.environ.get(VARIABLE) or _told_by(sys.argv)


def _told_by(words: list[str]) -> str:
    program = Path(words[0]) if words and words[0] else Path("python")
    if program.name == "manage.py":
        return words[1] if len(words) > 1 else "manage.py"
    if "celery" in {program.name, program.parent.name}:
        return next((word for word in words[1:] if word in {"worker", "beat"}), "celery")
    if "granian" in {program.name, program.parent.name}:
        return "web"
    return program.stem
