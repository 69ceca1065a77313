"""A shell in which some programs are the tests' own: what they are told is passed on, and answered here."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Listener
from pathlib import Path

#: Exit status, and what is printed to both.
Said = tuple[int, bytes, bytes]
Program = Callable[[Sequence[str], bytes], Said]

_PROGRAM = """#!{python}
import sys
from multiprocessing.connection import Client
with Client({address!r}) as tests:
    tests.send(({name!r}, sys.argv[1:], b"" if sys.stdin.isatty() else sys.stdin.buffer.read()))
    code, out, err = tests.recv()
sys.stdout.buffer.write(out)
sys.stderr.buffer.write(err)
sys.exit(code)
"""


@contextmanager
def programs(folder: Path, answers: Mapping[str, Program]) -> Iterator[Path]:
    """A folder for the shell's path with a program for each name, which are answered until the block ends.

    What they start belongs to one thread, which lives as long.
    """
    folder.mkdir()
    address = str(folder / "tests.socket")
    for name in answers:
        (folder / name).write_text(_PROGRAM.format(python=sys.executable, address=address, name=name))
        (folder / name).chmod(0o755)
    with Listener(address) as listener:
        threading.Thread(target=_answer, args=(listener, answers), daemon=True).start()
        yield folder


def shell(script: str, folder: Path, path: Path) -> str:
    """Run the script; whatever fails in it fails the test. What it printed, to both."""
    variables = {"PATH": f"{path}:{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        check=False,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert not done.returncode, done.stdout
    return done.stdout


def _answer(listener: Listener, answers: Mapping[str, Program]) -> None:
    while True:
        try:
            with listener.accept() as caller:
                name, words, given = caller.recv()
                caller.send(_said(answers[name], words, given))
        except OSError:
            return  # the block has ended


def _said(program: Program, words: Sequence[str], given: bytes) -> Said:
    try:
        return program(words, given)
    except Exception as error:  # noqa: BLE001 - a test shows what the shell printed
        return 1, b"", f"{words}: {error!r}\n".encode()
