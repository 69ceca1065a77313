"""Programs of the system that tests need: `make test` installs them where it is root and apt is there.

Where one is missing its tests are left out, and say so. With `PARCELWIRE_TOOLS=required`, as in continuous
integration, they fail.
"""

import os
import shutil

import pytest


def required() -> bool:
    """Whether a missing program is a failure."""
    return os.environ.get("PARCELWIRE_TOOLS", "") == "required"


def found(*names: str) -> str | None:
    """The path of the first of these programs that is there; servers are not on everybody's path."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return next(filter(None, (shutil.which(name, path=path) for name in names)), None)


def program(name: str) -> str:
    """The path of this program. Skips the test where it is missing and not required."""
    path = found(name)
    if path is None and not required():
        pytest.skip(f"{name} is not installed")
    assert path, f"{name} is not installed"
    return path
