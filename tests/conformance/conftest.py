"""The stack that journeys run, and what is shown of each answer."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.conformance.shapes import faults
from tests.journeys.conftest import account, carrier, hook
from tests.processes import Up, manage

__all__ = ["account", "carrier", "hook"]

Call = Callable[..., Any]


@pytest.fixture
def call(as_alice: APIClient) -> Call:
    """Call a route as alice, and see that the answer has the status and the shape it should have."""

    def make(method: str, path: str, body: Any = None, *, shape: str, status: int = 200) -> Any:
        answer = as_alice.generic(method, f"/public/v1/{path}", *_content(body))
        assert answer.status_code == status, answer.content
        assert answer["Content-Type"].startswith("application/json")
        told = answer.json()
        assert faults(told, shape) == []
        return told

    return make


def _content(body: Any) -> tuple[Any, ...]:
    return () if body is None else (json.dumps(body), "application/json")


_TWENTY_MERCHANTS = """
from django.core.management import call_command
for _ in range(20):
    call_command("create_merchant", "Alice", "--json")
"""


@dataclass(frozen=True)
class Stack:
    """`manage.py up`, running."""

    up: Up
    _keys: list[str] = field(default_factory=list)

    def merchant(self) -> str:
        """A new merchant's key. A process for each would take longer than most tests."""
        if not self._keys:
            status, text = manage(self.up.data, "shell", "-v", "0", "-c", _TWENTY_MERCHANTS)
            assert status == 0, text
            self._keys.extend(json.loads(line)["apiKey"] for line in text.splitlines())
        return self._keys.pop()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack as a person would start it, with loopback for subscribers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")
        patch.setenv("SWEEP_INTERVAL", "0.2")
        running = Up(tmp_path_factory.mktemp("conformance") / "data")
        try:
            assert running.says("ready http://127.0.0.1:"), running.text
            yield Stack(running)
        finally:
            running.stop()
