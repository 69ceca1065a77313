"""What a request header of an endpoint's own may look like: pure."""

import re

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[!-~]([ \t!-~]{0,4094}[!-~])?")


def is_name(name: object) -> bool:
    """Whether it is a header's name."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def is_value(value: object) -> bool:
    """Whether it is 1 to 4096 printable ASCII characters in one line."""
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None
