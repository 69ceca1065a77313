"""Plugin of pytest (`-p tests.grouping`): tests that share what is dear to set up share a worker of xdist.

xdist's own groups (`--dist loadgroup`) are a suffix of a test's id, which pytest lets nobody append any more.
Here a file's mark `xdist_group("name")` is read from its text, so that all tests of that name stay together.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.chromium import BROWSER_TESTS

_MARK = re.compile(r'\bxdist_group\("([^"]+)"\)')


class GroupScheduling(LoadScopeScheduling):
    """The groups first, the largest of them before the others, and then one test after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0]) or nodeid


@cache
def group_of(file: str) -> str:
    """The group that a file's tests are in; "" where they are in none. Each file of a browser's is one."""
    path = Path(__file__).parent.parent / file
    if BROWSER_TESTS in path.parents:
        return file
    found = _MARK.search(path.read_text())
    return found[1] if found else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling | None:
    return GroupScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """A mark that is put on anything but a file would do nothing."""
    lost = [item.nodeid for item in _marked(session.items) if not group_of(item.nodeid.partition("::")[0])]
    if lost:
        raise pytest.UsageError(f"xdist_group is for a whole file, by its pytestmark: {', '.join(lost)}")


def _marked(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    return [item for item in items if item.get_closest_marker("xdist_group")]
