"""Room on the disk, and the files that pages need."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders

from config.doctor.findings import Finding, bad, ok, warn

#: Bytes of room below which somebody should look, and below which what runs will stop.
SCARCE, NONE = 2**30, 100 * 2**20


def room() -> Iterator[Finding]:
    """The data folder can be written to, and has room."""
    folder: Path = settings.PARCELWIRE_DATA
    if not folder.is_dir():
        yield bad(
            f"{folder}, the data folder, is not there", "make it, or set PARCELWIRE_DATA to the right one"
        )
        return
    yield judged(shutil.disk_usage(folder).free, folder)
    written = folder / "run" if (folder / "run").is_dir() else folder
    if not os.access(written, os.W_OK | os.X_OK):
        yield warn(
            f"{written} cannot be written to by this user: workers there leave no word for config.probe",
            "give it to the user that runs the workers",
        )


def judged(free: int, folder: Path) -> Finding:
    """What so many bytes of room mean."""
    found = f"{free / 2**30:.1f} GiB free at {folder}"
    if free < NONE:
        return bad(found, "make room")
    return warn(found, "make room") if free < SCARCE else ok(found)


def static_files() -> Iterator[Finding]:
    """Scripts and styles of the pages are where they are served from, as this version has them."""
    if settings.WHITENOISE_USE_FINDERS:
        yield ok("development: they are served from where they are installed")
        return
    root = Path(settings.STATIC_ROOT)
    sizes = _sizes()
    missing = [path for path in sizes if not (root / path).is_file()]
    old = [path for path in sizes.keys() - missing if (root / path).stat().st_size != sizes[path]]
    if missing or old:
        yield bad(
            f"of the static files {len(missing)} are missing and {len(old)} of another version below {root}",
            "run `manage.py collectstatic --no-input`",
        )
    else:
        yield ok(f"collected below {root}")


def _sizes() -> dict[str, int]:
    """Every static file of this version, and its bytes; of two with one name the first is served."""
    found: dict[str, int] = {}
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            found.setdefault(path, storage.size(path))
    return found
