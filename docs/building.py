"""What MkDocs is told beyond mkdocs.yml: pages from outside docs, links to them, and the list of decisions.

In the files every link is a path, so that it is right wherever they are read. On the site, a link that leaves
docs leads to the page made of that file or, of any other file, to a copy of it.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

PROJECT = Path(__file__).resolve().parent.parent
DOCS = PROJECT / "docs"
#: By path in the project, the page of the site that is made of it.
FROM_OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "bench/README.md": "bench.md",
    "bench/RESULTS.md": "measured.md",
}
#: Below it the site has copies of files of the project that pages link to.
COPIES = "project"

_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?P<text>[^\[\]]*)\]\((?P<path>[^)\s:#]+)(?P<anchor>#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the decisions into the navigation, in their order."""
    records = sorted(path.relative_to(DOCS).as_posix() for path in (DOCS / "decisions").glob("[0-9]*.md"))
    (built,) = (chapter["How it is built"] for chapter in config.nav or [] if "How it is built" in chapter)
    (decisions,) = (entry["Decisions"] for entry in built if "Decisions" in entry)
    decisions.extend(records)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside, and whatever else of the project a page links to."""
    for path, page in FROM_OUTSIDE.items():
        files.append(File.generated(config, page, abs_src_path=str(PROJECT / path)))
    for path in sorted(_linked(files)):
        files.append(File.generated(config, f"{COPIES}/{path}", abs_src_path=str(PROJECT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page's text with links as the site has them."""
    if page.file.src_uri.startswith("decisions/"):
        page.meta["search"] = {"boost": 0.5}  # who searches wants to know what is so, and then why
    if page.file.src_uri == "decisions/README.md":
        markdown += "\n" + "\n".join(_records(files)) + "\n"

    def link(match: re.Match[str]) -> str:
        here = page.file.src_uri
        target = _outside(here, match["path"])
        path = match["path"] if target is None else get_relative_url(target, here)
        text = match["text"]
        if text.endswith(".md") and (leads := files.get_file_from_path(_below(here, path))):
            text = _title(leads)
        return f"[{text}]({path}{match['anchor'] or ''})"

    return "".join(
        part if part.startswith("```") else _LINK.sub(link, part) for part in _FENCED.split(markdown)
    )


def _linked(files: Files) -> set[str]:
    """Paths in the project of the files outside docs, not pages, that pages link to."""
    found = set()
    for file in files.documentation_pages():
        for match in _LINK.finditer(_FENCED.sub("", file.content_string)):
            target = _outside(file.src_uri, match["path"])
            if target is not None and target.startswith(f"{COPIES}/"):
                found.add(target.removeprefix(f"{COPIES}/"))
    return found


def _outside(page: str, path: str) -> str | None:
    """Where on the site a link leads that leaves docs, or None where it does not or leads nowhere."""
    sources = {made: source for source, made in FROM_OUTSIDE.items()}
    folder = (PROJECT / sources[page]).parent if page in sources else (DOCS / page).parent
    target = (folder / path).resolve()
    if target.is_relative_to(DOCS):
        inside = target.relative_to(DOCS).as_posix()
        return inside if page in sources else None
    if not target.is_relative_to(PROJECT) or not target.is_file():
        return None
    known = target.relative_to(PROJECT).as_posix()
    if known in FROM_OUTSIDE or target.suffix != ".md":
        return FROM_OUTSIDE.get(known, f"{COPIES}/{known}")
    return None


def _below(page: str, path: str) -> str:
    """A relative path on the site, from its top."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path))


def _title(file: File) -> str:
    return file.content_string.partition("\n")[0].removeprefix("# ")


def _records(files: Files) -> list[str]:
    """A line for each decision: its title, with a link."""
    lines = []
    for file in sorted(files.documentation_pages(), key=lambda file: file.src_uri):
        folder, _, name = file.src_uri.partition("/")
        if folder == "decisions" and name != "README.md":
            number, _, words = _title(file).partition(". ")
            lines.append(f"- [{number}]({name}): {words}")
    return lines
