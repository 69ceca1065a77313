"""What starts the project elsewhere: Makefile, continuous integration, containers."""

import os
import shutil
import subprocess

import pytest

from tests.processes import ROOT

_SECRETS = {
    "SECRET_KEY": "s" * 50,
    "FIELD_ENCRYPTION_KEYS": "k",
    "POSTGRES_PASSWORD": "p",
    "REDIS_PASSWORD": "r",
}


def _run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    return subprocess.run(
        words, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30
    )


def test_make_alone_lists_what_there_is() -> None:
    listed = _run("make").stdout
    for target in ("setup", "demo", "up", "test", "lint", "help"):
        assert f"make {target}" in listed


def test_continuous_integration_runs_make_test() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert (ROOT / ".ci" / "run").read_text().endswith("exec make test\n")


def test_versions_are_pinned_and_name_no_index() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all("==" in pin and "/" not in pin for pin in pins)


@pytest.mark.skipif(
    not shutil.which("docker") or bool(_run("docker", "compose", "version").returncode),
    reason="docker compose is not installed",
)
def test_the_compose_file_is_right_and_wants_its_secrets() -> None:
    done = _run("docker", "compose", "config", "--quiet", **_SECRETS)
    assert done.returncode == 0, done.stderr
    refused = _run("docker", "compose", "config", "--quiet")
    assert "set SECRET_KEY" in refused.stderr
