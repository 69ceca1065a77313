"""Whatever colour a merchant has, all is readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.processes import ROOT
from trackers.page.colours import DARK, LIGHT, READABLE, contrast, palette

COLOURS = st.from_regex(r"\A#[0-9a-f]{6}\Z")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#123456", "#123456", 1.0)],
)
def test_contrasts_are_those_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)


@given(COLOURS)
def test_text_on_each_colour_is_readable(colour: str) -> None:
    found = palette(colour)
    assert found.brand == colour
    assert contrast(found.brand, found.on_brand) >= READABLE
    assert contrast(found.light, LIGHT) >= READABLE
    assert contrast(found.dark, DARK) >= READABLE
    assert contrast(found.light, found.on_light) >= READABLE
    assert contrast(found.dark, found.on_dark) >= READABLE


def test_a_colour_that_is_readable_stays_as_it_is() -> None:
    assert palette("#0F766E").light == "#0f766e"


def test_the_cards_of_the_stylesheet_have_the_colours_that_contrasts_are_counted_against() -> None:
    sheet = (ROOT / "trackers/static/trackers/page.css").read_text()
    light, dark = (block.partition(";")[0].strip() for block in sheet.split("--card:")[1:3])
    assert (light, dark) == ("#fff", DARK)
    assert LIGHT == "#ffffff"
