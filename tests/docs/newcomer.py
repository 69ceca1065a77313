"""A newcomer at a terminal: a shell that is given the documents' blocks, one after the other."""

import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from config import children
from tests.processes import PATIENCE, ROOT, environment

_DONE = "that was the block"
_MAKE = re.compile(r"^(?:(?P<variables>\w+=\S+) )?make (?P<target>\w+)$")


class Terminal:
    """A shell in the project's folder. Whatever fails in a block ends it; `text` is all that was printed."""

    def __init__(self, data: Path, replacements: Mapping[str, str]) -> None:
        self._replacements = replacements
        self._output = data.with_name("terminal.output")
        with self._output.open("wb") as file:
            self._shell = subprocess.Popen(
                ["sh", "-eu"],
                cwd=ROOT,
                env=environment(data),
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )

    @property
    def text(self) -> str:
        return self._output.read_text()

    def paste(self, block: str) -> str:
        """What a block prints. Lines that run make are left to others."""
        lines = [line for line in block.splitlines() if not _MAKE.match(line)]
        before = len(self.text)
        assert self._shell.stdin is not None
        self._shell.stdin.write("\n".join([self._here(line) for line in lines] + [f"echo {_DONE}\n"]))
        self._shell.stdin.flush()
        children.wait_until(lambda: _DONE in self.text[before:] or self._shell.poll() is not None, PATIENCE)
        printed, done, _ = self.text[before:].partition(_DONE)
        assert done, f"{block}\nprinted\n{printed}"
        return printed

    def close(self) -> None:
        """End the shell and all that it started."""
        children.signal_group(self._shell, signal.SIGKILL)
        self._shell.communicate()

    def _here(self, line: str) -> str:
        for written, here in self._replacements.items():
            line = line.replace(written, here)
        python = sys.executable
        if line.endswith("&"):  # it ends with the shell, should the tests be killed
            python = f"{sys.executable} -I -S {ROOT / 'config' / 'launcher.py'} $$ {int(signal.SIGTERM)} - "
            python += sys.executable
        return line.replace(".venv/bin/python", python)


def variables_of(target: str, block: str) -> list[str]:
    """The variables that a block gives to a target of make."""
    found = [match for line in block.splitlines() if (match := _MAKE.match(line))]
    return [one["variables"] for one in found if one["target"] == target and one["variables"]]
