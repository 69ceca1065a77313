"""Where a scan was, in words that name places and nothing else. Pure.

Carriers write whatever they like for a place: a depot, a street, the recipient. A page shows of it what is
known to be a country, a province or a large town: by ISO 3166, and by the cities of the tz database.
"""

import gettext
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from functools import cache, lru_cache
from zoneinfo import available_timezones

import pycountry

from carriers.countries import country_of

_PARTS = re.compile(r"[,;:/()\[\]|]|\s[-\u2013]\s")
#: Words that carriers put beside a place's name.
_BESIDE = frozenset(
    (
        *("airport", "bc", "branch", "buu", "center", "centre", "city", "cuc", "dc", "depot", "distribution"),
        *("east", "facility", "gateway", "hub", "international", "intl", "kho", "north", "office", "pho"),
        *("post", "prefecture", "processing", "province", "sc", "sort", "sortation", "sorting", "south"),
        *("station", "terminal", "thanh", "tinh", "town", "tp", "warehouse", "west"),
    )
)
#: What places are also called: folded, and with none of the words above.
_ALSO: Mapping[str, str] = {
    "da nang": "Đà Nẵng",
    "ha noi": "Hà Nội",
    "hanoi": "Hà Nội",
    "hai phong": "Hải Phòng",
    "can tho": "Cần Thơ",
    "hcm": "Hồ Chí Minh",
    "hcmc": "Hồ Chí Minh",
    "ho chi minh": "Hồ Chí Minh",
    "sai gon": "Hồ Chí Minh",
    "saigon": "Hồ Chí Minh",
    "bangkok": "Bangkok",
    "bkk": "Bangkok",
    "krung thep": "Bangkok",
    "krung thep maha nakhon": "Bangkok",
}
#: Names in languages that the catalogs of ISO 3166-2 lack.
_NAMED: Mapping[tuple[str, str], str] = {
    ("Bangkok", "th"): "กรุงเทพฯ",
    ("Hồ Chí Minh", "th"): "โฮจิมินห์",
}
#: A place's name has this many characters at least, where it is not among those.
_SHORTEST = 4


def town_of(location: str | None) -> str | None:
    """The province or large town that a place names; None where it names none that is known."""
    parts = (_folded(part) for part in reversed(_PARTS.split(location or "")))
    return next((found for part in parts if (found := _town(part))), None)


def country_in(location: str | None, origin: str | None, destination: str | None) -> str | None:
    """ISO 3166-1 alpha-2 of the country that a place names, of a parcel between these two.

    A parcel that does not leave its country is there, whatever its places name.
    """
    if origin and origin == destination:
        return origin
    return country_of(location, between(origin, destination))


def between(origin: str | None, destination: str | None) -> Collection[str]:
    return [country for country in (origin, destination) if country]


def town_name(town: str, language: str) -> str:
    """A province or a large town in a language, as far as it has a name of its own there."""
    return _NAMED.get((town, language)) or _catalog("iso3166-2", language).gettext(town)


@lru_cache(maxsize=1024)
def country_name(code: str, language: str) -> str | None:
    """A country's short name in a language; None for what is no country's code."""
    country = pycountry.countries.get(alpha_2=code)
    if country is None:
        return None
    name: str = getattr(country, "common_name", country.name)
    words = _catalog("iso3166-1", language)
    return next((told for one in (name, country.name) if (told := words.gettext(one)) != one), name)


def _town(folded: str) -> str | None:
    words = folded.split()
    if not words or folded in _countries():
        return None
    for told in (folded, " ".join(word for word in words if word not in _BESIDE)):
        found = _ALSO.get(told) or _towns().get(told)
        if found:
            return found
    return None


def _folded(text: str) -> str:
    """Without accents, of one case, with single spaces."""
    plain = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    return " ".join(letters.casefold().replace("-", " ").replace(".", " ").split())


@cache
def _towns() -> Mapping[str, str]:
    """Names by their folded form; provinces come before cities of the same name."""
    known: dict[str, str] = {}
    for name in (*_cities(), *_provinces()):
        folded = _folded(name)
        if len(folded) >= _SHORTEST and folded not in _countries() and folded not in _BESIDE:
            known[folded] = name
    return known


def _cities() -> Iterator[str]:
    for zone in sorted(available_timezones()):
        area, _, city = zone.rpartition("/")
        if area and not area.startswith(("Antarctica", "Etc", "SystemV", "US")):
            yield city.replace("_", " ")


def _provinces() -> Iterator[str]:
    """`Roma [Rome]` and `Bolzano/Bozen` are told by their first name."""
    for one in pycountry.subdivisions:
        yield re.split(r"\s*[\[(/,;]", one.name)[0].strip()


@cache
def _countries() -> frozenset[str]:
    return frozenset(
        _folded(name)
        for country in pycountry.countries
        for name in (country.name, getattr(country, "common_name", country.name))
    )


@cache
def _catalog(standard: str, language: str) -> gettext.NullTranslations:
    return gettext.translation(standard, pycountry.LOCALES_DIR, languages=[language], fallback=True)
