"""The documentation as a site, built as `make docs` builds it, and what a page of it has."""

import os
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from tests.processes import ROOT

#: What Material says of MkDocs' own future is no warning about these pages.
_QUIET = {"NO_MKDOCS_2_WARNING": "true"}


def built(folder: Path) -> Path:
    """The folder, with the site in it. MkDocs is strict: a warning is an error."""
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    told = subprocess.run(
        words, cwd=ROOT, env=os.environ | _QUIET, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "WARNING" not in told.stderr, told.stderr
    return folder


class Read(HTMLParser):
    """A page of the site: how many elements of each kind its text has, and where its links lead."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.navigation: set[str] = set()
        self._in_text = self._in_navigation = False
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._in_text = self._in_text or tag == "article"
        self._in_navigation = self._in_navigation or tag == "nav"
        if self._in_text and given.get("class") != "headerlink":
            self.counts[tag] += 1
        if self._in_navigation and tag == "a":
            self.navigation.add(given.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        self._in_text = self._in_text and tag != "article"
