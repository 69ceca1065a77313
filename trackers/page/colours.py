"""A merchant's colour with what can be read on it, and beside it: contrasts as WCAG 2.2 counts them. Pure."""

from typing import NamedTuple

#: Parcelwire's own.
DEFAULT = "#1d4e6b"
#: What accents lie on, by light and by dark: as trackers/static/trackers/page.css has them.
LIGHT, DARK = "#ffffff", "#1b2229"
#: Text of a usual size needs this contrast to what is behind it.
READABLE = 4.5
_STEPS = 40
_BLACK, _WHITE = "#000000", "#ffffff"


class Palette(NamedTuple):
    """The colour, text on it, and the colour as text on a light and on a dark page, with text on those."""

    brand: str
    on_brand: str
    light: str
    on_light: str
    dark: str
    on_dark: str


def palette(colour: str) -> Palette:
    """Of `#rrggbb`; of "" it is Parcelwire's."""
    brand = (colour or DEFAULT).lower()
    light = _towards(brand, _BLACK, on=LIGHT)
    dark = _towards(brand, _WHITE, on=DARK)
    return Palette(brand, text_on(brand), light, text_on(light), dark, text_on(dark))


def text_on(colour: str) -> str:
    """Black or white, whichever is read better: one of them has a contrast of 4.58 at least."""
    return max((_WHITE, _BLACK), key=lambda text: contrast(text, colour))


def contrast(one: str, other: str) -> float:
    """From 1 for the same to 21 for black and white."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _towards(colour: str, end: str, *, on: str) -> str:
    """The colour, mixed with as much of black or white as makes it readable."""
    mixed = (_mixed(colour, end, step / _STEPS) for step in range(_STEPS + 1))
    return next(one for one in mixed if contrast(one, on) >= READABLE)


def _mixed(one: str, other: str, share: float) -> str:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
