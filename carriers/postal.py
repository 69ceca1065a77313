"""Postal items' numbers: UPU S10, two letters, eight digits, a check digit, a country. Pure."""

import re

import pycountry

NAME = "UPU S10"

_S10 = re.compile(r"[A-Z]{2}(\d{8})(\d)([A-Z]{2})", re.ASCII)
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
#: For the sums that leave no digit of their own.
_INSTEAD = {10: 0, 11: 5}


def is_right(number: str) -> bool:
    """Whether it is such a number, in either case, with the right check digit and a country that there is."""
    found = _S10.fullmatch(number.upper())
    if found is None:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(found[1], _WEIGHTS, strict=True))
    left = 11 - total % 11
    right = _INSTEAD.get(left, left) == int(found[2])
    return right and pycountry.countries.get(alpha_2=found[3]) is not None
