"""Of what carriers write for a place, a page tells names of places and nothing else."""

import pytest

from trackers.page.localities import country_in, country_name, town_name, town_of


@pytest.mark.parametrize(
    ("location", "town"),
    [
        ("Bangkok, TH", "Bangkok"),
        ("Depot, Bangkok, 10110", "Bangkok"),
        ("Hub Hà Nội", "Hà Nội"),
        ("HANOI SORTING CENTER, VN", "Hà Nội"),
        ("Kho TP. Hồ Chí Minh", "Hồ Chí Minh"),
        ("Chiang Mai Post Office", "Chiang Mai"),
        ("Memphis, Tennessee, USA", "Tennessee"),
        ("PARIS, FR", "Paris"),
        ("Shanghai, China", "Shanghai"),
        (None, None),
        ("", None),
        ("On vehicle", None),
        ("Leipzig, Germany", None),
    ],
)
def test_provinces_and_large_towns_are_told(location: str | None, town: str | None) -> None:
    assert town_of(location) == town


@pytest.mark.parametrize(
    "location",
    [
        "Somsri Chaiyaporn",
        "Somsri Chaiyaporn, 123/322 The Met Condo, South Sathorn Road",
        "John London",
        "Nguyen Van Hanoi",
        "Left with neighbour Mr. Paris at no. 5",
        "0812345678",
        "Alices Aunt, Alices street, 10110",
    ],
)
def test_nobodys_name_and_no_street_is(location: str) -> None:
    assert town_of(location) is None


def test_beside_a_name_the_town_alone_is_told() -> None:
    assert town_of("Somsri Chaiyaporn, 12 Rama IV Road, Bangkok, Thailand") == "Bangkok"


@pytest.mark.parametrize(
    ("town", "language", "name"),
    [
        ("Bangkok", "en", "Bangkok"),
        ("Bangkok", "th", "กรุงเทพฯ"),
        ("Chiang Mai", "th", "เชียงใหม่"),
        ("Chiang Mai", "vi", "Chiang Mai"),
        ("Hà Nội", "th", "ฮานอย"),
    ],
)
def test_towns_have_their_names_where_a_language_has_one(town: str, language: str, name: str) -> None:
    assert town_name(town, language) == name


def test_a_parcel_that_stays_in_its_country_is_there() -> None:
    assert country_in("Nakhon Sawan", "TH", "TH") == "TH"
    assert country_in("Nakhon Sawan", "TH", "VN") is None
    assert country_in("Da Nang, Viet Nam", "TH", None) == "VN"


@pytest.mark.parametrize(
    ("code", "language", "name"),
    [
        ("TH", "en", "Thailand"),
        ("TH", "th", "ไทย"),
        ("TH", "vi", "Thái Lan"),
        ("VN", "en", "Vietnam"),
        ("VN", "vi", "Việt Nam"),
        ("VN", "th", "เวียดนาม"),
        ("XX", "en", None),
    ],
)
def test_countries_have_their_names_in_each_language(code: str, language: str, name: str | None) -> None:
    assert country_name(code, language) == name
