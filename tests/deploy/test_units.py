"""deploy/systemd, as systemd itself verifies it."""

import subprocess
from pathlib import Path

import pytest

from tests.deploy.units import FOLDER, UNITS, credentials, read, variables
from tests.tools import program

_PYTHON = "/opt/parcelwire/.venv/bin/python"
#: systemd's own scale: below 2 a service is "OK", what it may do is little.
_EXPOSURE = "20"
INSTANCES = {
    "parcelwire-web@": ["8000", "8001"],
    "parcelwire-worker@": ["parcelwire", "deliveries", "late"],
}
every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as a machine has them, with a program that is there, and every instance by its name."""
    for unit in [*UNITS, FOLDER / "parcelwire.target"]:
        text = unit.read_text().replace(_PYTHON, "/bin/true")
        for instance in INSTANCES.get(unit.stem, [""]):
            (tmp_path / f"{unit.stem}{instance}{unit.suffix}").write_text(text)
    return tmp_path


def _systemd(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line = [program("systemd-analyze"), *words]
    return subprocess.run(line, check=False, cwd=folder, capture_output=True, text=True, timeout=60)


def test_systemd_finds_nothing_wrong(installed: Path) -> None:
    done = _systemd(installed, "verify", *(f"./{unit.name}" for unit in installed.iterdir()))
    ours = [line for line in done.stderr.splitlines() if "parcelwire" in line]
    assert (done.returncode, ours) == (0, [])


def test_a_service_may_do_little(installed: Path) -> None:
    for unit in installed.glob("*.service"):
        done = _systemd(installed, "security", "--offline=true", f"--threshold={_EXPOSURE}", f"./{unit.name}")
        assert not done.returncode, done.stdout


def test_the_target_wants_every_process() -> None:
    wanted = {word for line in read(FOLDER / "parcelwire.target")["Unit"]["Wants"] for word in line.split()}
    lasting = [unit for unit in UNITS if unit.stem != "parcelwire-migrate"]
    assert wanted == {
        f"{unit.stem}{instance}.service" for unit in lasting for instance in INSTANCES.get(unit.stem, [""])
    }
    for unit in lasting:
        assert read(unit)["Unit"]["PartOf"] == ["parcelwire.target"]


@every_unit
def test_secrets_are_files_that_only_this_service_is_given(unit: Path) -> None:
    given = credentials(unit)
    files = {name: value for name, value in variables(unit).items() if name.endswith("_FILE")}
    assert set(files.values()) == {f"%d/{name}" for name in given}
    assert given == {name: f"/etc/parcelwire/secrets/{name}" for name in given}
    assert ("migration_database_password" in given) is (unit.stem == "parcelwire-migrate")
    assert not [name for name in variables(unit) if name.endswith(("PASSWORD", "KEY", "KEYS"))]


@every_unit
def test_what_was_begun_may_be_ended(unit: Path) -> None:
    service = read(unit)["Service"]
    if service["Type"] == ["oneshot"]:
        assert service["TimeoutStartSec"] == ["infinity"]  # a migration of a full table takes its time
    else:
        assert service["TimeoutStopSec"] == ["40s"]
        assert service["KillMode"] == ["mixed"]  # a pool's processes are told by their parent
        assert service["Restart"] == ["always"]


@every_unit
def test_it_runs_in_production_as_nobody_in_particular(unit: Path) -> None:
    assert read(unit)["Service"]["User"] == ["parcelwire"]
    assert variables(unit)["PARCELWIRE_ENV"] == "production"


def test_units_and_containers_run_the_same_commands() -> None:
    """But for the addresses that are listened on."""
    compose = (FOLDER.parent.parent / "docker-compose.yml").read_text()
    for unit in UNITS:
        for line in read(unit)["Service"]["ExecStart"]:
            command = line.removeprefix(f"{_PYTHON} ").replace("127.0.0.1", "0.0.0.0")
            if "collectstatic" not in command:  # the image has them
                for instance in INSTANCES.get(unit.stem, [""])[::2]:
                    assert f"python {command.replace('%i', instance)}" in compose
