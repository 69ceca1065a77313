"""A newcomer who follows pages to the letter: `manage.py up`, a terminal, the blocks one after the other."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from config import loopback
from tests.docs.blocks import Block
from tests.docs.newcomer import Terminal, variables_of
from tests.processes import Up
from tests.waiting import eventually

#: Ports that the pages choose for servers of the reader's; a free one takes the place of each.
PORTS = ("9000", "9001", "9002")


@dataclass
class Walk:
    """The stack, the terminal in which every block was pasted, and what each printed."""

    up: Up
    terminal: Terminal
    printed: dict[str, str]

    def value(self, name: str) -> str:
        """A variable of the shell."""
        return self.terminal.paste(f'echo "${name}"').strip()

    def printed_by(self, piece: str) -> str:
        """What the one block printed that has this piece of text."""
        (printed,) = [printed for block, printed in self.printed.items() if piece in block]
        return printed

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """What the API answers to the newcomer's merchant; an error's body too."""
        request = urllib.request.Request(f"{self.up.url}{path}", method=method, headers=headers)
        request.add_header("Authorization", f"Bearer {self.value('API_KEY')}")
        request.add_header("Content-Type", "application/json")
        data = None if body is None else json.dumps(body).encode()
        try:
            answer: HTTPResponse = urllib.request.urlopen(request, data, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error  # type: ignore[assignment]
        with answer:
            return json.loads(answer.read())


@contextmanager
def walked(
    folder: Path, blocks: Sequence[Block], awaited: Mapping[str, str], heard: Mapping[str, str]
) -> Iterator[Walk]:
    """Follow the blocks of sh on a fresh stack, with the variables that they give to `make up`.

    `awaited` and `heard` are what a newcomer waits for before going on, patterns by a piece of the block.
    What is awaited the block shows: it is pasted until that is there and no delivery that it shows is
    still under way. What is heard a program prints that was started before.
    """
    data = folder / "data"
    variables = [one for block in blocks for one in variables_of("up", block.text)]
    up = Up(data, prefix=["env", *variables])
    terminal = None
    try:
        assert up.says("ready "), up.text
        free = {port: str(loopback.free_port()) for port in PORTS}
        terminal = Terminal(data, {"http://127.0.0.1:8000": up.url, "var/": f"{data}/", **free})
        walk = Walk(up, terminal, {})
        for block in blocks:
            walk.printed[block.text] = _pasted(terminal, block.text, _words(awaited, block))
            eventually(partial(_told, terminal, _words(heard, block)), within=120)
        yield walk
    finally:
        if terminal is not None:
            terminal.close()
        up.stop()


def _words(expected: Mapping[str, str], block: Block) -> str:
    return next((words for piece, words in expected.items() if piece in block.text), "")


def _told(terminal: Terminal, words: str) -> bool:
    return re.search(words, terminal.text, re.MULTILINE) is not None


def _pasted(terminal: Terminal, block: str, words: str) -> str:
    found = [terminal.paste(block)]
    if words and not _arrived(words, found[-1]):
        eventually(lambda: found.append(terminal.paste(block)) or _arrived(words, found[-1]), within=120)
    return found[-1]


def _arrived(words: str, printed: str) -> bool:
    return re.search(words, printed, re.MULTILINE) is not None and '"state": "pending"' not in printed
