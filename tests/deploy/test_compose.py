"""docker-compose.yml, as Docker Compose reads it."""

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.deploy.composing import checkout, compose, parsed
from tests.processes import ROOT

SERVERS = {"postgres", "valkey"}


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return parsed(checkout(tmp_path_factory.mktemp("compose") / "checkout"))


@pytest.fixture(scope="module")
def ours(spec: dict[str, Any]) -> dict[str, Any]:
    """The services that run the project's image."""
    return {name: service for name, service in spec["services"].items() if name not in SERVERS}


def test_docker_compose_takes_the_file(tmp_path: Path) -> None:
    done = compose(checkout(tmp_path / "checkout"), "config", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_the_settings_it_says_which_file_is_missing(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    (folder / "parcelwire.env").unlink()
    refused = compose(folder, "config", "--quiet")
    assert refused.returncode
    assert "parcelwire.env not found" in refused.stderr


def test_every_process_has_its_service(ours: dict[str, Any]) -> None:
    assert set(ours) == {
        *("migrate", "web", "web-second", "worker", "worker-deliveries", "worker-late", "beat", "metrics")
    }


def test_no_secret_is_written_into_the_file_or_a_variable(spec: dict[str, Any]) -> None:
    for service in spec["services"].values():
        for name, value in service.get("environment", {}).items():
            secret = re.search(r"PASSWORD|SECRET|KEYS|TOKEN", name)
            assert not secret or (name.endswith("_FILE") and value.startswith("/run/secrets/"))
            assert not re.search(r"://[^/@]*:[^/@]+@", str(value)), name


def test_a_secret_is_given_to_those_who_need_it(spec: dict[str, Any]) -> None:
    """And each variable that names one names one that is there."""
    owners = set()
    for name, service in spec["services"].items():
        given = {one["target"] for one in service.get("secrets", [])}
        files = {value for key, value in service.get("environment", {}).items() if key.endswith("_FILE")}
        assert files <= given
        owners |= {name} if "/run/secrets/migration_database_password" in given else set()
    assert owners == {"migrate", "postgres"}


def test_what_is_not_a_job_is_started_again_and_watched(spec: dict[str, Any]) -> None:
    for name, service in spec["services"].items():
        if name != "migrate":
            assert service["restart"] == "unless-stopped"
            assert name in {"web", "web-second"} or service["healthcheck"]["test"]
            assert service["logging"]["options"]["max-size"]


def test_what_was_begun_may_be_ended(ours: dict[str, Any]) -> None:
    """Thirty seconds are promised."""
    assert {service["stop_grace_period"] for service in ours.values()} == {"40s"}


def test_our_processes_are_nobody_in_particular(ours: dict[str, Any]) -> None:
    for service in ours.values():
        assert service["user"] == "10001:10001"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert any(each.startswith("/data/run:") for each in service["tmpfs"])


def test_only_this_machine_reaches_a_port(spec: dict[str, Any]) -> None:
    ports = [port for service in spec["services"].values() for port in service.get("ports", [])]
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    assert [port["published"] for port in ports] == ["9100", "8000", "8001"]
    assert spec["networks"]["servers"]["internal"] is True
    assert all("default" not in spec["services"][name]["networks"] for name in SERVERS)


def test_nothing_starts_before_what_it_needs(ours: dict[str, Any]) -> None:
    for name, service in ours.items():
        if name != "migrate":
            wanted = {each: how["condition"] for each, how in service["depends_on"].items()}
            assert wanted == {
                "migrate": "service_completed_successfully",
                "postgres": "service_healthy",
                "valkey": "service_healthy",
            }


def test_the_servers_keep_what_they_are_given(spec: dict[str, Any]) -> None:
    postgres, valkey = spec["services"]["postgres"], spec["services"]["valkey"]
    assert postgres["image"] == "postgres:18"
    assert [one["target"] for one in postgres["volumes"]] == ["/var/lib/postgresql"]
    assert [one["target"] for one in valkey["volumes"]] == ["/data"]
    (script,) = [word for word in valkey["command"] if "valkey-server" in word]
    assert "appendonly yes" in script
    assert "maxmemory-policy noeviction" in script


def test_no_value_of_a_statement_gets_into_postgresqls_log(spec: dict[str, Any]) -> None:
    """docs/logs.md says why; what it names besides is so by default."""
    told = {word.removeprefix("-c") for word in spec["services"]["postgres"]["command"][1:]}
    page = (ROOT / "docs" / "logs.md").read_text()
    assert len(told) == 3
    for name, _, value in (word.partition("=") for word in told):
        assert f"ALTER SYSTEM SET {name} = '{value}'" in page


def test_the_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    def make() -> str:
        words = ["sh", str(ROOT / "deploy" / "make_secrets.sh"), "secrets"]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert make().count("made ") == 5
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert len(set(made.values())) == len(made) == 5
    assert len(made["secret_key"]) >= 50
    Fernet(made["field_encryption_keys"])
    assert all(re.fullmatch(r"[\w-]{32}", text) for name, text in made.items() if "password" in name)
    assert make().count("kept ") == 5
    assert made == {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}


def test_the_folder_of_secrets_is_its_owners_alone(tmp_path: Path) -> None:
    """A file in it can be read by the user of a container that it is given to, and be written by nobody."""
    folder = checkout(tmp_path / "checkout") / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o444}


def test_every_secret_of_the_file_is_made(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    files = {one["file"] for one in parsed(folder)["secrets"].values()}
    assert files == {os.fspath(file) for file in (folder / "secrets").iterdir()}
