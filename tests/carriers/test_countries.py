"""Places as carriers write them, and the countries they name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.countries import country_of


@pytest.mark.parametrize(
    ("place", "country"),
    [
        ("Bangkok, Thailand", "TH"),
        ("BANGKOK, THAILAND.", "TH"),
        ("Bangkok, TH", "TH"),
        ("Bangkok (TH)", "TH"),
        ("LEIPZIG - GERMANY", "DE"),
        ("Ho Chi Minh City, Vietnam", "VN"),
        ("Ho Chi Minh City, Viet  Nam", "VN"),
        ("HONG KONG - HONG KONG SAR, CHINA", "CN"),
        ("Seoul, South Korea", "KR"),
        ("Belfast, UK", "GB"),
        ("Thailand", "TH"),
        ("CN", None),
        ("JP", "JP"),
        ("  , Tokyo , JP , ", "JP"),
    ],
)
def test_the_last_part_of_a_place_names_its_country(place: str, country: str | None) -> None:
    assert country_of(place) == country


@pytest.mark.parametrize(
    "place",
    [
        None,
        "",
        " , . ",
        "Beijing",
        "SAN RAFAEL, CA 94901",
        "LOS ANGELES CA INTERNATIONAL DISTRIBUTION CENTER",
        "Thailand post office",
        "Guinea pig depot",
        "Atlanta, Georgia",
        "Tbilisi, XX",
        "Springfield, New Jersey",
        "FRANKFURT, DEU",
    ],
)
def test_what_names_no_country_has_none(place: str | None) -> None:
    assert country_of(place, ("CN", "US", "CA", "GE")) is None


@pytest.mark.parametrize(
    ("place", "between", "country"),
    [
        ("Wilmington, DE", (), None),
        ("Wilmington, DE", ("CN", "US"), None),
        ("Berlin, DE", ("CN", "DE"), "DE"),
        ("Berlin, de", ("CN", "DE"), "DE"),
        ("Wilmington, DE", ("DE", "US"), None),
        ("San Rafael, CA", ("CN", "US"), None),
        ("Toronto, CA", ("CN", "CA"), "CA"),
        ("Paris, FR", ("TH", "FR"), "FR"),
        ("Frosinone, FR", ("TH", "IT"), None),
        ("Roma, IT", (), "IT"),
    ],
)
def test_two_letters_that_may_be_a_province_are_believed_by_where_the_parcel_goes(
    place: str, between: tuple[str, ...], country: str | None
) -> None:
    assert country_of(place, between) == country


@given(st.text(max_size=60), st.lists(st.text(max_size=2), max_size=2))
def test_any_text_is_a_country_or_none(place: str, between: list[str]) -> None:
    found = country_of(place, between)
    assert found is None or (len(found) == 2 and found.isupper())
