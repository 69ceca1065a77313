"""Couriers are found, not listed."""

from types import ModuleType

import pytest

from carriers import registry
from carriers.adapters.all24 import All24


def module(*classes: type) -> ModuleType:
    made = ModuleType("carriers.adapters.made")
    for nth, one in enumerate(classes):
        setattr(made, f"Adapter{nth}", type(one.__name__, (one,), {"__module__": made.__name__}))
    return made


def test_every_file_is_a_courier_by_its_own_code() -> None:
    assert list(registry.adapters()) == ["247express", "all24", "sandbox", "ship24"]
    assert registry.adapter("all24").name == "all24"


def test_an_unknown_courier_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        registry.adapter("pigeon")


@pytest.mark.parametrize("classes", [(), (All24, All24)])
def test_a_file_defines_one_adapter(classes: tuple[type, ...]) -> None:
    with pytest.raises(TypeError, match="defines one"):
        registry._adapter_of(module(*classes))


def test_two_files_may_not_share_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_modules", lambda: ["carriers.adapters.all24"] * 2)
    with pytest.raises(ValueError, match="share a code"):
        registry.adapters.__wrapped__()
