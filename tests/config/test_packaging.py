"""What starts the project elsewhere: Makefile, continuous integration, requirements, containers."""

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.processes import ROOT


def _run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    return subprocess.run(
        words, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _imported() -> Iterator[str]:
    """The top-level module of every import in the project's own code."""
    for package in _project()["tool"]["setuptools"]["packages"]:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield str(node.module).partition(".")[0]


def _declared(*extras: str) -> dict[str, Requirement]:
    project = _project()["project"]
    lines = [*project["dependencies"]]
    lines += [line for extra in extras for line in project["optional-dependencies"][extra]]
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def test_what_the_code_imports_is_declared() -> None:
    own = {*_project()["tool"]["setuptools"]["packages"], *sys.stdlib_module_names}
    distributions = packages_distributions()
    declared = {*_declared("embedded", "demo")}
    undeclared = {
        module
        for module in {*_imported()} - own
        if declared.isdisjoint(map(canonicalize_name, distributions.get(module, [])))
    }
    assert not undeclared


def test_the_pinned_versions_fit_what_is_declared() -> None:
    lines = [line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    pins = {canonicalize_name(name): version for name, version in lines}
    wrong = [
        str(one)
        for name, one in _declared("embedded", "demo", "dev").items()
        if not one.specifier.contains(pins[name])
    ]
    assert not wrong


def test_make_alone_lists_what_there_is() -> None:
    listed = _run("make").stdout
    for target in ("setup", "demo", "up", "test", "lint", "help"):
        assert f"make {target}" in listed


def test_continuous_integration_runs_make_test() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    script = (ROOT / ".ci" / "run").read_text()
    assert "\nif make test; then\n" in script
    assert script.index("export PARCELWIRE_TOOLS=required") < script.index("make test; then")


def test_versions_are_pinned_and_name_no_index() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all("==" in pin and "/" not in pin for pin in pins)
