"""Plugin of pytest (`-p tests.chromium`): where the browser is, and a loud word where its tests are left out.

`PARCELWIRE_CHROMIUM` names the program; else Debian's is looked for, first the one without windows. With
`PARCELWIRE_TOOLS=required`, as in CI, a missing browser fails its tests.
"""

import os
from pathlib import Path

import pytest

from tests import tools

BROWSER_TESTS = Path(__file__).parent / "browser"
LEFT_OUT = "no Chromium: apt-get install chromium-headless-shell, or name one in PARCELWIRE_CHROMIUM"
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")


def program() -> str | None:
    """The browser's path, or None where there is none."""
    named = os.environ.get("PARCELWIRE_CHROMIUM", "")
    return tools.found(named) if named else tools.found(*PROGRAMS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser, its tests are left out."""
    if program() is None and not tools.required():
        for item in items:
            if BROWSER_TESTS in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=LEFT_OUT))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(LEFT_OUT in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.section("BROWSER TESTS LEFT OUT", sep="!", red=True, bold=True)
        terminalreporter.write_line(f"{count} tests of pages did not run: {LEFT_OUT}", red=True)
