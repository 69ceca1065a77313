"""Environment variables, each declared where it is read; docs/settings.md is made of the declarations.

A value that makes no sense is a fault (config.faults), which stops the start, and the default is given back.
A variable that is set to nothing counts as unset.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from re import fullmatch
from typing import TypeVar

from config import faults, secret_files
from config.logs.redacting import redacted

Value = TypeVar("Value")

_SWITCH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as docs/settings.md tells it."""

    name: str
    #: Markdown.
    default: str
    meaning: str
    #: Its value may come from a file, and is never quoted.
    secret: bool = False


@dataclass(slots=True)
class Section:
    """Variables that belong together, under one heading of the page.

    Each method declares a variable and gives its value. `means` is Markdown; `shown` stands for the default
    where that is not a constant.
    """

    title: str
    variables: dict[str, Variable] = field(default_factory=dict)

    def declare(self, name: str, *, shown: str, means: str, secret: bool = False) -> None:
        """A variable that is read elsewhere."""
        self.variables[name] = Variable(name, shown, means, secret)

    def read(
        self,
        name: str,
        default: Value,
        parse: Callable[[str], Value],
        *,
        means: str,
        shown: str = "",
    ) -> Value:
        """What `parse` makes of the value; it raises ValueError with what was expected."""
        self.declare(name, shown=shown or _shown(default), means=means)
        given = os.environ.get(name, "").strip()
        if not given:
            return default
        try:
            return parse(given)
        except ValueError as error:
            faults.add(name, f"is {redacted(given)!r}; expected {redacted(str(error))}")
            return default

    def secret(self, name: str, *, means: str, shown: str = "empty") -> str:
        """A value that is never quoted, from the variable or from the file that NAME_FILE names."""
        self.declare(name, shown=shown, means=means, secret=True)
        try:
            return secret_files.secret(name)
        except secret_files.SecretError as error:
            faults.add(name, f"{error}")
            return ""

    def text(self, name: str, default: str = "", *, form: str = "", expected: str = "", means: str) -> str:
        """A text; where `form` is given, one that this regular expression fits as a whole."""

        def parse(given: str) -> str:
            if form and not fullmatch(form, given):
                raise ValueError(expected)
            return given

        return self.read(name, default, parse, means=means)

    def choice(self, name: str, default: str, among: Sequence[str], *, means: str, shown: str = "") -> str:
        """One of these words."""

        def parse(given: str) -> str:
            if given not in among:
                raise ValueError(f"{', '.join(among[:-1])} or {among[-1]}")
            return given

        return self.read(name, default, parse, means=means, shown=shown)

    def switch(self, name: str, *, default: bool, means: str) -> bool:
        """On or off."""

        def parse(given: str) -> bool:
            try:
                return _SWITCH[given.lower()]
            except KeyError:
                raise ValueError("true or false") from None

        return self.read(name, default, parse, means=means)

    def number(self, name: str, default: float, *, least: float, most: float = math.inf, means: str) -> float:
        """A number that makes no sense below `least` or above `most`."""
        return self.read(name, default, _number("a number", least, most), means=means)

    def whole(self, name: str, default: int, *, least: int, most: float = math.inf, means: str) -> int:
        """The same without fractions."""
        parse = _number("a whole number", least, most)

        def whole(given: str) -> int:
            parse(given)
            try:
                return int(given)
            except ValueError:
                raise ValueError("a whole number") from None

        return self.read(name, default, whole, means=means)

    def words(
        self,
        name: str,
        default: Sequence[str] = (),
        *,
        form: str = "",
        expected: str = "",
        means: str,
        shown: str = "",
    ) -> list[str]:
        """Texts, separated by commas; where `form` is given, such as it fits."""

        def parse(given: str) -> list[str]:
            found = listed(given)
            if form and not all(fullmatch(form, word) for word in found):
                raise ValueError(expected)
            return found

        return self.read(name, [*default], parse, means=means, shown=shown)

    def networks(self, name: str, *, means: str) -> list[str]:
        """CIDRs, separated by commas."""

        def parse(given: str) -> list[str]:
            for cidr in listed(given):
                try:
                    ip_network(cidr)
                except ValueError as error:
                    raise ValueError(f"networks such as 10.0.0.0/8 ({error})") from None
            return listed(given)

        return self.read(name, [], parse, means=means)

    def header(self, name: str, *, means: str) -> str:
        """The name of a header."""
        return self.text(name, form=r"[A-Za-z][A-Za-z0-9-]*", expected="a header's name", means=means)


def listed(text: str) -> list[str]:
    """What stands between commas, without the empty ones."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _number(kind: str, least: float, most: float) -> Callable[[str], float]:
    bounds = f"of at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"

    def parse(given: str) -> float:
        try:
            value = float(given)
        except ValueError:
            value = math.nan
        if not (least <= value <= most and math.isfinite(value)):
            raise ValueError(f"{kind} {bounds}")
        return value

    return parse


def _shown(default: object) -> str:
    if default in ("", []):
        return "empty"
    return f"`{','.join(default)}`" if isinstance(default, list) else f"`{default}`"
