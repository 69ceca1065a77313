"""Malformed answers of carriers as files, and what becomes of each.

`carriers/<courier>/<name>.<kind>` is a body that comes with status 200, `.http` a whole message as it goes
over the wire. `@NUMBER@`, `@TRACKER@` and `@CAPITALS@` stand for the parcel's number and our tracker's id; as
many @ follow as what comes instead is longer. What must become of each is a line of
`carriers/<courier>.expected.json`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "carriers"
#: Messages that end before they tell anything: the carrier could not be reached.
BROKEN = "broken/"


@dataclass(frozen=True)
class Case:
    """One file: `name` is its path below the folder of its courier."""

    courier: str
    name: str

    def __str__(self) -> str:
        return f"{self.courier}/{self.name}"

    @property
    def is_broken(self) -> bool:
        """Whether it ends before it tells anything."""
        return self.name.startswith(BROKEN)

    def body(self, number: str, tracker_id: object) -> bytes:
        """The file's bytes, about this parcel."""
        return about(FOLDER / self.courier / self.name, number, tracker_id)

    def message(self, number: str, tracker_id: object) -> bytes:
        """What goes over the wire."""
        body = self.body(number, tracker_id)
        return body if self.name.endswith(".http") else message(body)


def well(courier: str, number: str, tracker_id: object) -> bytes:
    """A good answer about this parcel: three scans."""
    return message(about(FOLDER / "well" / f"{courier}.json", number, tracker_id))


def about(file: Path, number: str, tracker_id: object) -> bytes:
    """A file's bytes, about this parcel."""
    told = file.read_bytes()
    marks = {"@NUMBER@": number, "@TRACKER@": str(tracker_id), "@CAPITALS@": str(tracker_id).upper()}
    for mark, value in marks.items():
        told = told.replace(mark.ljust(len(value), "@").encode(), value.encode())
    return told


def message(body: bytes, *headers: str) -> bytes:
    """An HTTP message with this body, as a well carrier sends it."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def cases(courier: str, *, broken: bool = False) -> list[Case]:
    """All files of a courier; or those that are no answer at all."""
    folder = FOLDER / courier
    names = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    return [case for name in names if (case := Case(courier, name)).is_broken is broken]


def expected(courier: str) -> dict[str, Any]:
    """What becomes of each file of a courier."""
    told: dict[str, Any] = json.loads((FOLDER / f"{courier}.expected.json").read_text())
    return told
