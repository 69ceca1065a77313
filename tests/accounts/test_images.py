"""What a logo is, and how large, by its own bytes."""

import struct

import pytest

from accounts.images import LONGEST_SIDE, MOST_BYTES, Image, read
from tests.trackers.page.pictures import png


def jpeg(width: int, height: int, marker: int = 0xC0) -> bytes:
    """Its head: an application segment, a filler, the tables, and the frame."""
    app = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\x00" + bytes(9)
    tables = b"\xff\xff\xdb" + struct.pack(">H", 67) + bytes(65)
    frame = bytes([0xFF, marker]) + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8" + app + tables + frame + b"\xff\xda\x00\x02"


def webp(kind: bytes, inner: bytes) -> bytes:
    return (
        b"RIFF" + struct.pack("<I", 12 + len(inner)) + b"WEBP" + kind + struct.pack("<I", len(inner)) + inner
    )


PICTURES = [
    (png(320, 96), Image("image/png", 320, 96)),
    (jpeg(640, 480), Image("image/jpeg", 640, 480)),
    (jpeg(640, 480, marker=0xC2), Image("image/jpeg", 640, 480)),
    (webp(b"VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 200, 100)), Image("image/webp", 200, 100)),
    (webp(b"VP8L", b"\x2f" + struct.pack("<I", 199 | 99 << 14)), Image("image/webp", 200, 100)),
    (webp(b"VP8X", bytes(4) + b"\xc7\x00\x00" + b"\x63\x00\x00"), Image("image/webp", 200, 100)),
]


@pytest.mark.parametrize(("body", "image"), PICTURES)
def test_each_of_the_three_kinds_is_known(body: bytes, image: Image) -> None:
    assert read(body) == image


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"GIF89a" + bytes(20),
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html>",
        png()[:20],
        b"\x89PNG\r\n\x1a\n" + bytes(40),
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xda\x00\x02",
        b"\xff\xd8" + b"\xff\xe0\x00\x00" * 500,
        jpeg(640, 480)[:-22],
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        webp(b"ALPH", bytes(20)),
    ],
)
def test_what_is_none_of_them_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="expected a PNG, JPEG or WebP picture"):
        read(body)


def test_one_that_is_too_long_or_too_large_is_refused_with_the_figure() -> None:
    with pytest.raises(ValueError, match=f"{MOST_BYTES + 1} bytes long; at most {MOST_BYTES}"):
        read(png() + bytes(MOST_BYTES + 1 - len(png())))
    with pytest.raises(ValueError, match=f"2001 by 10 pixels; each side may have 1 to {LONGEST_SIDE}"):
        read(png(2001, 10))
    with pytest.raises(ValueError, match="0 by 10 pixels"):
        read(png(0, 10))


@pytest.mark.parametrize(("body", "image"), PICTURES)
def test_a_picture_that_breaks_off_is_refused_or_read(body: bytes, image: Image) -> None:
    for length in range(len(body)):
        try:
            assert read(body[:length]) == image
        except ValueError as error:
            assert "expected a PNG" in str(error)  # noqa: PT017 (some lengths are enough)
