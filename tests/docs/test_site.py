"""The documentation as a site: `make docs` builds it without a warning, and it says what the files say."""

from collections import Counter
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from docs.building import DOCS, FROM_OUTSIDE, PROJECT
from tests.docs.site import Read, built

#: By the reader's word for it, the element that the site has for it.
_ELEMENTS = {
    "blockquote_open": "blockquote",
    "code_inline": "code",
    "em_open": "em",
    "fence": "code",
    "heading_open": "",
    "image": "img",
    "link_open": "a",
    "list_item_open": "li",
    "strong_open": "strong",
    "tr_open": "tr",
}
#: The site lists the records there, which beside the files is done by their folder.
_LISTED = "decisions/README.md"
WRITTEN = {path.relative_to(DOCS).as_posix(): path for path in sorted(DOCS.rglob("*.md"))} | {
    page: PROJECT / path for path, page in FROM_OUTSIDE.items()
}

pytestmark = pytest.mark.xdist_group("site")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("site"))


def _page(site: Path, name: str) -> Path:
    return site / name.replace("README.md", "index.md").replace(".md", ".html")


def _counted(text: str) -> Counter[str]:
    """How many elements of each kind a reader of the file sees."""
    tokens = MarkdownIt().enable("table").parse(text)
    every = [*tokens, *(child for token in tokens for child in token.children or [])]
    found = [_ELEMENTS[one.type] or one.tag for one in every if one.type in _ELEMENTS]
    return Counter(found)


@pytest.mark.parametrize("name", sorted(set(WRITTEN) - {_LISTED}))
def test_a_page_has_what_its_file_has(site: Path, name: str) -> None:
    """Where two readers of Markdown differ, a list or a table would become a paragraph."""
    shown, written = Read(_page(site, name)).counts, _counted(WRITTEN[name].read_text())
    assert {tag: shown[tag] for tag in written} == written


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_no_sentence_that_begins_with_a_number_is_taken_for_a_list(name: str) -> None:
    tokens = MarkdownIt().parse(WRITTEN[name].read_text())
    assert [one.attrs["start"] for one in tokens if "start" in one.attrs] == []


def test_every_decision_is_listed(site: Path) -> None:
    listed = Read(_page(site, _LISTED)).counts["li"]
    assert listed == len(list((DOCS / "decisions").glob("[0-9]*.md")))


def test_the_navigation_leads_to_every_page_but_the_decisions(site: Path) -> None:
    """Those are a chapter of their own, which a page shows once it is opened."""
    shown = Read(site / "changelog.html").navigation
    assert {name.replace(".md", ".html") for name in WRITTEN if "/" not in name} <= shown
    assert "decisions/index.html" in shown
