"""What a logo is, read from its first bytes: PNG, JPEG or WebP, and how large. Pure.

Each browser knows these three, and none of them holds a script, as SVG may. Sources: PNG 11.2.2, JPEG B.2.2,
the WebP container (RFC 9649, 2.5 to 2.7).
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

#: Bytes of a logo, and its longest side in pixels.
MOST_BYTES = 128 * 1024
LONGEST_SIDE = 2_000

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
#: Frame headers of JPEG, which tell the size: all of C0 to CF but those that hold tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Markers that stand alone.
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


class Image(NamedTuple):
    """A picture's media type, and its sides in pixels."""

    media_type: str
    width: int
    height: int


def read(body: bytes) -> Image:
    """What picture this is. Raises ValueError, whose message says what was expected."""
    if len(body) > MOST_BYTES:
        raise ValueError(f"it is {len(body)} bytes long; at most {MOST_BYTES} are taken")
    try:
        image = _recognised(body)
    except struct.error:
        image = None
    if image is None:
        raise ValueError("expected a PNG, JPEG or WebP picture")
    if not (1 <= image.width <= LONGEST_SIDE and 1 <= image.height <= LONGEST_SIDE):
        sides = f"{image.width} by {image.height}"
        raise ValueError(f"it is {sides} pixels; each side may have 1 to {LONGEST_SIDE}")
    return image


def _recognised(body: bytes) -> Image | None:
    if body.startswith(_PNG) and body[12:16] == b"IHDR":
        return Image("image/png", *struct.unpack_from(">II", body, 16))
    if body.startswith(_JPEG):
        return _jpeg(body)
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return _webp(body)
    return None


def _jpeg(body: bytes) -> Image | None:
    for marker, start in _segments(body):
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", body, start + 3)
            return Image("image/jpeg", width, height)
    return None


def _segments(body: bytes) -> Iterator[tuple[int, int]]:
    """Each segment before the picture's data: its marker, and where its length stands."""
    at = 2
    while at + 4 <= len(body) and body[at] == 0xFF:
        marker = body[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == 0xDA:  # from here on it is data
            return
        yield marker, at + 2
        at += 2 + max(2, int.from_bytes(body[at + 2 : at + 4]))


def _webp(body: bytes) -> Image | None:
    """The simple form with loss or without, and the extended one."""
    match body[12:16]:
        case b"VP8 " if body[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", body, 26)
            return Image("image/webp", width & 0x3FFF, height & 0x3FFF)
        case b"VP8L" if body[20:21] == b"\x2f":
            (bits,) = struct.unpack_from("<I", body, 21)
            return Image("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X" if len(body) >= 30:
            width, height = body[24:27], body[27:30]
            return Image(
                "image/webp", int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
            )
    return None
