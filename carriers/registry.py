"""The couriers there are: every file in `carriers/adapters/` is one, found by looking."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from inspect import getmembers, isclass
from types import MappingProxyType, ModuleType

from carriers import adapters as folder
from carriers.adapter import Adapter

#: What every adapter must say of itself.
_SAID = ("code", "name", "looks_like")


@cache
def adapters() -> Mapping[str, Adapter]:
    """Every courier by its code, in the order of the codes.

    Raises TypeError for a file that does not define one adapter, ValueError for a code used twice.
    """
    found = [_adapter_of(importlib.import_module(name)) for name in _modules()]
    by_code = {adapter.code: adapter for adapter in sorted(found, key=lambda adapter: adapter.code)}
    if len(by_code) < len(found):
        raise ValueError(f"two adapters share a code: {sorted(adapter.code for adapter in found)}")
    return MappingProxyType(by_code)


def adapter(code: str) -> Adapter:
    """The courier with this code. Raises KeyError for an unknown one."""
    return adapters()[code]


def closing() -> frozenset[str]:
    """The couriers that keep something open for each tracker."""
    return frozenset(code for code, one in adapters().items() if one.closes)


def pushing() -> frozenset[str]:
    """The couriers that call us."""
    return frozenset(code for code, one in adapters().items() if one.pushes)


def _modules() -> list[str]:
    return [f"{folder.__name__}.{module.name}" for module in pkgutil.iter_modules(folder.__path__)]


def _adapter_of(module: ModuleType) -> Adapter:
    defined = [
        member
        for _, member in getmembers(module, isclass)
        if issubclass(member, Adapter) and member.__module__ == module.__name__
    ]
    if len(defined) != 1:
        raise TypeError(f"{module.__name__} defines {len(defined)} adapters; a carrier's file defines one")
    if unsaid := [name for name in _SAID if not hasattr(defined[0], name)]:
        raise TypeError(f"{module.__name__}: {defined[0].__name__} does not say its {', '.join(unsaid)}")
    return defined[0]()
