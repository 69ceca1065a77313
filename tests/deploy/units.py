"""The units of deploy/systemd, read as systemd reads them."""

from collections import defaultdict
from pathlib import Path

from tests.processes import ROOT

FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))

Section = dict[str, list[str]]


def read(unit: Path) -> dict[str, Section]:
    """Its sections; a name that is written more than once has all its values."""
    found: defaultdict[str, Section] = defaultdict(lambda: defaultdict(list))
    section = ""
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[section][name].append(value)
    return found


def variables(unit: Path) -> dict[str, str]:
    """What `Environment=` gives, specifiers as written."""
    words = [word for line in read(unit)["Service"]["Environment"] for word in line.split()]
    return dict(word.split("=", 1) for word in words)


def credentials(unit: Path) -> dict[str, str]:
    """The files that the unit is given, by the name that it sees them under."""
    return dict(line.split(":", 1) for line in read(unit)["Service"]["LoadCredential"])
