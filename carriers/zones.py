"""Time zones of countries, by the tz database's own table (`zone.tab` of the package tzdata). Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from zoneinfo import ZoneInfo

#: Where most people live, of countries whose first zone in the table is another.
_MAIN: Mapping[str, str] = MappingProxyType(
    {
        "AU": "Australia/Sydney",
        "BR": "America/Sao_Paulo",
        "CA": "America/Toronto",
        "RU": "Europe/Moscow",
        "UA": "Europe/Kyiv",
        "UZ": "Asia/Tashkent",
    }
)
#: Countries with one time by law, though the table has a zone for a custom beside it.
_BY_LAW = frozenset({"CN"})
#: Zones whose clocks agree from the first of these moments to the second are one: in Germany and in Malaysia
#: there are several by name. Clocks change on days, and stay changed for weeks.
_AGREE_FROM, _AGREE_TO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=7)


def zone_of(country: str) -> ZoneInfo | None:
    """The zone that most of a country lives in, by its ISO 3166-1 alpha-2 code in either case.

    None for what is no such code, and for the few that nobody lives in.
    """
    code = country.upper()
    names = _zones().get(code)
    return ZoneInfo(_MAIN.get(code, names[0])) if names else None


@lru_cache(maxsize=512)
def only_zone_of(country: str) -> ZoneInfo | None:
    """The zone of a country where all clocks show one time; None where they show several, or for none."""
    main = zone_of(country)
    code = country.upper()
    if main is None or code in _BY_LAW:
        return main
    others = (ZoneInfo(name) for name in _zones()[code] if name != main.key)
    return main if all(_agree(main, other) for other in others) else None


def _agree(one: ZoneInfo, other: ZoneInfo) -> bool:
    moments = ((_AGREE_FROM + _STEP * nth) for nth in range((_AGREE_TO - _AGREE_FROM) // _STEP))
    return all(
        moment.astimezone(one).utcoffset() == moment.astimezone(other).utcoffset() for moment in moments
    )


@cache
def _zones() -> Mapping[str, tuple[str, ...]]:
    """The names of each country's zones, in the order of the table."""
    found: dict[str, tuple[str, ...]] = {}
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, name = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), name)
    return MappingProxyType(found)
