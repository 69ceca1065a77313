"""The country that a place names, as carriers write places: free text, the largest part last. Pure."""

import re
from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType

import pycountry

from carriers import reading

#: What carriers call countries beside their names in ISO 3166-1.
_ALSO: Mapping[str, str] = MappingProxyType(
    {
        "brunei": "BN",
        "democratic republic of the congo": "CD",
        "england": "GB",
        "great britain": "GB",
        "holland": "NL",
        "hong kong sar": "HK",
        "ivory coast": "CI",
        "macau": "MO",
        "northern ireland": "GB",
        "palestine": "PS",
        "republic of korea": "KR",
        "russia": "RU",
        "scotland": "GB",
        "the netherlands": "NL",
        "turkey": "TR",
        "uae": "AE",
        "uk": "GB",
        "usa": "US",
        "viet-nam": "VN",
        "wales": "GB",
    }
)
#: A name that is a state of the United States as well.
_NO_NAME = frozenset({"georgia"})
#: They write two letters behind a town for a state or a province: "San Rafael, CA" is not in Canada.
_WITH_PROVINCES = frozenset({"AU", "BR", "CA", "CH", "IN", "IT", "US"})
_PARTS = re.compile(r"[,;/()\[\]|]|\s[-\u2013]\s")


def country_of(place: str | None, between: Collection[str] = ()) -> str | None:
    """ISO 3166-1 alpha-2 of the country that the last part of a place names; None where it names none.

    A name is one in English. Two letters that are a province of some country as well are believed only where
    the parcel is on its way from or to that country, and not from or to one that has such a province;
    `between` are the countries that it comes from and goes to, as far as they are known.
    """
    last = next((part for part in reversed(_PARTS.split(place or "")) if part.strip(" .")), "")
    word = " ".join(last.strip(" .").casefold().split())
    if len(word) != 2 or word in _ALSO:
        return _names().get(word)
    code = word.upper()
    if code not in _codes():
        return None
    having = _having(code) - {code}
    sure = not having or (code in between and having.isdisjoint(between))
    return code if sure else None


def code_of(value: object) -> str | None:
    """A carrier's country code, as it writes it, in capitals; None for what has not the form of one."""
    code = (reading.text(value) or "").upper()
    return code if re.fullmatch("[A-Z]{2}", code, re.ASCII) else None


@cache
def _codes() -> frozenset[str]:
    return frozenset(country.alpha_2 for country in pycountry.countries)


@cache
def _names() -> Mapping[str, str]:
    """Countries' names, of one case."""
    found = {}
    for country in pycountry.countries:
        for kind in ("name", "common_name", "official_name"):
            name = getattr(country, kind, None)
            # "Korea, Republic of" is cut by its comma, and found as "South Korea".
            if name and not _PARTS.search(name):
                found[name.casefold()] = country.alpha_2
    return MappingProxyType(
        {name: code for name, code in (found | dict(_ALSO)).items() if name not in _NO_NAME}
    )


def _having(code: str) -> frozenset[str]:
    """The countries with a state or a province of these two letters."""
    return frozenset(country for country, provinces in _provinces().items() if code in provinces)


@cache
def _provinces() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {country: set() for country in _WITH_PROVINCES}
    for one in pycountry.subdivisions:
        if one.country_code in found:
            found[one.country_code].add(one.code.partition("-")[2])
    return MappingProxyType({country: frozenset(provinces) for country, provinces in found.items()})
