"""The image of the Dockerfile, made without Docker: the same files, the same packages, the same variables.

What a stage copies from the context is what .dockerignore lets through; the packages are those that the
project declares, and what they need, linked out of the running interpreter's. Nothing else can be imported.
"""

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from importlib.metadata import Distribution, distribution
from pathlib import Path
from subprocess import run
from tomllib import loads

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.processes import ROOT

Instruction = tuple[str, str]


def stages() -> list[list[Instruction]]:
    """The Dockerfile's stages: each instruction with its words, lines put together."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = [line for line in text.replace("\\\n", "").splitlines() if line.strip()]
    found: list[list[Instruction]] = []
    for line in lines:
        name, _, words = line.partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append((name, words.strip()))
    return found


def said(name: str, stage: int = -1) -> list[str]:
    """What the stage's instructions of this name say."""
    return [words for each, words in stages()[stage] if each == name]


def variables() -> dict[str, str]:
    """ENV of the last stage."""
    return dict(word.split("=", 1) for words in said("ENV") for word in shlex.split(words))


def is_ignored(path: str) -> bool:
    """Whether .dockerignore keeps a file of the project out of the image: the last line that fits decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#") and _fits(pattern.removeprefix("!"), path):
            ignored = not pattern.startswith("!")
    return ignored


def _fits(pattern: str, path: str) -> bool:
    """Whether it names the file, or a folder that it is in. `**/` stands for any folders, or none."""
    parts = path.split("/")
    names = ["/".join(parts[:number]) for number in range(1, len(parts) + 1)]
    bare = pattern.removeprefix("**/")
    if bare != pattern:
        names = [name.rpartition("/")[2] for name in names]
    return any(re.match(translate(bare), name) and name.count("/") == bare.count("/") for name in names)


def context() -> list[str]:
    """Every file that `COPY . .` copies."""
    return [path for path in _files(ROOT) if not is_ignored(path)]


def _files(folder: Path) -> Iterator[str]:
    """Every file of the project, those that git does not know too; not what other programs keep there."""
    skipped = {".git", ".venv", ".cache", ".mypy_cache", ".ruff_cache", ".pytest_cache", "var"}
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and entry.name not in skipped:
            yield from _files(entry)
        elif entry.is_file():
            yield entry.relative_to(ROOT).as_posix()


def needed() -> dict[str, Distribution]:
    """The declared dependencies without extras, and what they need, by their names."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    wanted = [Requirement(line) for line in _project()["dependencies"]]
    while wanted:
        one = wanted.pop()
        name = canonicalize_name(one.name)
        found[name] = distribution(name)
        for extra in {"", *one.extras} - {extra for each, extra in seen if each == name}:
            seen.add((name, extra))
            every = map(Requirement, found[name].requires or [])
            wanted += [each for each in every if not each.marker or each.marker.evaluate({"extra": extra})]
    return found


def _project() -> dict[str, list[str]]:
    return loads((ROOT / "pyproject.toml").read_text())["project"]


@dataclass
class Image:
    """The last stage's folders, below one of ours."""

    folder: Path
    app: Path = field(init=False)
    static: Path = field(init=False)
    programs: Path = field(init=False)

    def __post_init__(self) -> None:
        self.app, self.static = self.folder / "app", self.folder / "data" / "static"
        self.programs = self.folder / "venv" / "bin"

    def build(self) -> None:
        """Run the stages: the packages, the files, static files and compiled ones; read-only in the end."""
        self.folder.mkdir()
        run([sys.executable, "-m", "venv", "--without-pip", self.folder / "venv"], check=True)
        self._install(next((self.folder / "venv" / "lib").glob("python*/site-packages")))
        for path in context():
            (self.app / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, self.app / path)
        (command,) = said("RUN", stage=1)
        command = command.replace("PARCELWIRE_DATA=/data", f"PARCELWIRE_DATA={self.folder / 'data'}")
        run(["sh", "-euc", command], cwd=self.app, env=self.environment(), check=True)
        self.protect(self.app, writable=False)

    def environment(self) -> dict[str, str]:
        """What every command of the image has, before its service's own."""
        return variables() | {"PATH": f"{self.programs}:/usr/local/bin:/usr/bin:/bin", "HOME": "/data"}

    def protect(self, folder: Path, *, writable: bool) -> None:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200 if writable else path.stat().st_mode & ~0o222)

    def _install(self, packages: Path) -> None:
        for one in needed().values():
            for file in one.files or []:
                target = packages / file
                if ".." not in file.parts and Path(one.locate_file(file)).is_file():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.symlink_to(Path(one.locate_file(file)))
