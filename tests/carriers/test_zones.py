"""Zones of countries, by the tz database."""

from datetime import UTC, datetime

import pycountry
import pytest

from carriers import zones
from carriers.zones import only_zone_of, zone_of


@pytest.mark.parametrize(
    ("country", "zone"),
    [
        ("DE", "Europe/Berlin"),
        ("de", "Europe/Berlin"),
        ("TH", "Asia/Bangkok"),
        ("VN", "Asia/Ho_Chi_Minh"),
        ("US", "America/New_York"),
        ("BR", "America/Sao_Paulo"),
        ("CA", "America/Toronto"),
        ("AU", "Australia/Sydney"),
        ("RU", "Europe/Moscow"),
        ("ID", "Asia/Jakarta"),
        ("CN", "Asia/Shanghai"),
        ("UA", "Europe/Kyiv"),
        ("MX", "America/Mexico_City"),
    ],
)
def test_the_main_zone_of_a_country_is_where_most_of_it_lives(country: str, zone: str) -> None:
    found = zone_of(country)
    assert found is not None
    assert found.key == zone


@pytest.mark.parametrize("country", ["", "X", "XX", "DEU", "Germany", "..", "BV", "\0\0", "é"])
def test_what_is_no_country_has_no_zone(country: str) -> None:
    assert zone_of(country) is None
    assert only_zone_of(country) is None


def test_every_country_that_people_live_in_has_a_zone_that_can_be_used() -> None:
    without = {country.alpha_2 for country in pycountry.countries if zone_of(country.alpha_2) is None}
    assert without == {"BV", "HM"}
    zoned = [zone for country in pycountry.countries if (zone := zone_of(country.alpha_2))]
    assert all(datetime.now(UTC).astimezone(zone).tzinfo is zone for zone in zoned)


@pytest.mark.parametrize("country", sorted(zones._MAIN))
def test_a_main_zone_that_is_not_the_tables_first_is_in_the_table(country: str) -> None:
    first, *others = zones._zones()[country]
    assert first != zones._MAIN[country]
    assert zones._MAIN[country] in others


@pytest.mark.parametrize("country", ["US", "RU", "BR", "AU", "ID", "ES", "PT", "NZ", "CD"])
def test_a_country_of_several_times_has_no_only_zone(country: str) -> None:
    assert only_zone_of(country) is None


@pytest.mark.parametrize("country", ["TH", "FR", "DE", "MY", "CY", "AR", "CN"])
def test_a_country_of_one_time_has_one_zone_whatever_it_is_called(country: str) -> None:
    assert only_zone_of(country) is zone_of(country)
