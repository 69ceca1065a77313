"""Every word of a page is ours, and there in each language."""

import gettext
import re
from collections.abc import Iterator
from datetime import date
from functools import cache

import pytest
from django.utils import translation

from carriers.adapters import sandbox
from carriers.words import express247
from events.statuses import Milestone, StatusCode
from tests.processes import ROOT
from trackers.page import words
from trackers.page.languages import LANGUAGES, day, language_of

FOREIGN = [code for code in LANGUAGES if code != "en"]
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def catalog(language: str) -> dict[str, str]:
    """The .po, read as gettext does: a keyword, and texts that belong together."""
    found: dict[str, str] = {}
    keyword, told = "", {"msgid": "", "msgstr": ""}
    path = ROOT / f"trackers/locale/{language}/LC_MESSAGES/django.po"
    for line in [*path.read_text().splitlines(), 'msgid ""']:
        if line.startswith("msgid") and told["msgid"]:
            found[told["msgid"]] = told["msgstr"]
        if line.startswith(("msgid", "msgstr")):
            keyword = line.split()[0]
            told[keyword] = ""
        if line.startswith(("msgid", "msgstr", '"')):
            told[keyword] += "".join(_STRING.findall(line)).replace('\\"', '"')
    return found


def compiled(language: str) -> dict[str, str]:
    with (ROOT / f"trackers/locale/{language}/LC_MESSAGES/django.mo").open("rb") as file:
        read = gettext.GNUTranslations(file)
    return {text: told for text, told in read._catalog.items() if text}  # type: ignore[attr-defined]


@cache
def marked() -> frozenset[str]:
    """All texts that the sources mark for translation."""
    return frozenset(_marked())


def _marked() -> Iterator[str]:
    source = (ROOT / "trackers/page/words.py").read_text()
    for inner in re.findall(r'\b_\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+),?\s*\)', source):
        yield "".join(_STRING.findall(inner))
    for path in (ROOT / "trackers/templates/trackers").glob("*.html"):
        yield from re.findall(r'{% translate "([^"]*)" %}', path.read_text())


@pytest.mark.parametrize("language", FOREIGN)
def test_every_text_is_translated_and_none_is_left_over(language: str) -> None:
    assert len(marked()) > 70
    assert set(catalog(language)) == marked()
    assert [text for text, told in catalog(language).items() if not told.strip()] == []


@pytest.mark.parametrize("language", FOREIGN)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    assert compiled(language) == catalog(language)


@pytest.mark.parametrize("language", FOREIGN)
def test_no_other_apps_translation_stands_in_for_ours(language: str) -> None:
    with translation.override(language):
        assert {text: translation.gettext(text) for text in marked()} == catalog(language)


def test_each_milestone_and_each_status_has_words() -> None:
    assert set(words.MILESTONES) == set(Milestone)
    assert set(words.SCANS) == set(StatusCode)


@pytest.mark.parametrize("code", sorted(express247._REASONS.keys() - {"40"}))
def test_each_reason_of_247express_is_told_in_plain_words(code: str) -> None:
    reason, _ = express247.delay(code)
    told = words.reason_of("247express", {"code": code, "text": reason.text, "party": reason.party})
    assert told in marked()
    assert told not in words._PARTIES.values() or code == "24"


def test_each_reason_of_the_sandbox_is_too() -> None:
    codes = {step.reason.code for step in sandbox._MAP.values() if step.reason}
    assert codes == set(words._REASONS["sandbox"])


@pytest.mark.parametrize("party", ["consignee", "sender", "carrier", "weather", "unknown", "never heard of"])
def test_a_reason_that_is_not_known_is_told_by_who_can_act(party: str) -> None:
    told = words.reason_of("247express", {"code": "99", "text": "Ask Mrs Somsri", "party": party})
    assert told in marked()


def test_without_a_reason_there_are_no_words() -> None:
    assert words.reason_of("247express", None) is None


@pytest.mark.parametrize(
    ("wished", "accepted", "language"),
    [
        (None, "", "en"),
        ("vi", "th", "vi"),
        ("xx", "th", "th"),
        (None, "th-TH,th;q=0.9,en;q=0.8", "th"),
        (None, "VI-vn", "vi"),
        (None, "fr,de;q=0.9,vi;q=0.2,en;q=0.1", "vi"),
        (None, "fr", "en"),
        (None, "*", "en"),
        (None, "th;q=0", "en"),
        (None, "\x00;;q=,,,=" * 500, "en"),
    ],
)
def test_the_language_is_the_wished_one_or_the_best_of_the_accepted(
    wished: str | None, accepted: str, language: str
) -> None:
    assert language_of(wished, accepted) == language


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Sunday, 1 March 2026"),
        ("vi", "Chủ nhật, 1 tháng 3, 2026"),
        ("th", "วันอาทิตย์ที่ 1 มีนาคม 2569"),
    ],
)
def test_a_day_is_written_as_people_write_it(language: str, told: str) -> None:
    with translation.override(language):
        assert day(date(2026, 3, 1), language).casefold() == told.casefold()
