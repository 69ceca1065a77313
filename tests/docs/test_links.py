"""What the pages point to is there."""

import re
from pathlib import Path

import pytest

from tests.docs.documents import EVERY, anchors, files_of, prose
from tests.processes import ROOT

each_document = pytest.mark.parametrize("document", EVERY, ids=lambda document: document.stem)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FILE = re.compile(r"`([\w.]+(?:/[\w.*]+)+)`")


@each_document
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for link in _LINK.findall(prose(document)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@each_document
def test_every_file_that_is_named_is_there(document: Path) -> None:
    for path in _FILE.findall(prose(document)):
        if path.endswith(".py") and path not in files_of(document):
            assert list(ROOT.glob(path)), path


def test_every_page_but_the_home_of_the_site_is_reached_from_the_readme() -> None:
    linked = set(_LINK.findall(prose(ROOT / "README.md")))
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} - {"docs/index.md"} <= linked
