"""Where nobody asks for figures there are none: no port, no file, no library. The API never answers any."""

import os
import subprocess
import sys

from rest_framework.test import APIClient

from accounts import measuring
from accounts.measuring import Timing
from tests.processes import ROOT

_LOADED = """
import sys
import config.wsgi, config.celery
from config import measuring
measuring.serve("web")
measuring.begin()
print("prometheus_client" in sys.modules, "config.timing" in sys.modules)
"""


def loaded(**environment: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", _LOADED],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return ended.stdout.strip()


def test_without_a_port_nothing_is_loaded_for_figures() -> None:
    assert loaded() == "False False"


def test_what_ends_is_not_even_looked_at() -> None:
    assert not measuring._takers
    looked_at = []
    Timing("x_seconds", "X", (), (1.0,)).note(looked_at.append(one) or ((), one) for one in (1.0, 2.0))
    assert looked_at == []


def test_the_api_answers_no_metrics(client: APIClient) -> None:
    for path in ("/metrics", "/metrics/", "/v1/metrics"):
        assert client.get(path).status_code == 404
