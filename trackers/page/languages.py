"""The languages that pages speak, and which of them a visitor reads. Pure."""

from collections.abc import Mapping
from datetime import date

from django.utils.dateformat import format as formatted
from django.utils.translation.trans_real import parse_accept_lang_header

#: By code, each under its own name.
LANGUAGES: Mapping[str, str] = {"en": "English", "vi": "Tiếng Việt", "th": "ไทย"}
DEFAULT = "en"
#: Django's form of a day, where a backslash keeps a letter as it is. Thailand counts years from the Buddha.
_DAYS: Mapping[str, str] = {
    "en": "l, j F Y",
    "vi": r"l, j \t\h\á\n\g n, Y",
    "th": "วันlที่ j F {}",
}
_BUDDHIST_ERA = 543


def language_of(wished: str | None, accepted: str) -> str:
    """The language of `?lang=`, else the best of an Accept-Language header, else English."""
    if wished is not None and wished in LANGUAGES:
        return wished
    weighed = parse_accept_lang_header(accepted[:500].lower())
    ranked = (code.partition("-")[0] for code, weight in weighed if weight)
    return next((code for code in ranked if code in LANGUAGES), DEFAULT)


def day(of: date, language: str) -> str:
    """A day with its weekday and year, in the language that is active."""
    return formatted(of, _DAYS[language].format(of.year + _BUDDHIST_ERA))
