"""The stack the demo plays on: `manage.py up` as a child, on a data folder of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from config import embedded, loopback

#: Seconds that any one thing of the demo may take.
PATIENCE = 60.0


class DemoError(Exception):
    """Something that the demo claims is not so."""


class Merchant(NamedTuple):
    """A merchant of the demo, with the key its programs call with."""

    id: str
    key: str


class Stage:
    """The running stack, its commands and its API."""

    def __init__(self, data: Path, say: Callable[[str], None]) -> None:
        self._data = data
        self._say = say
        self._url = ""
        self._up: subprocess.Popen[str] | None = None
        # The demo's own servers are on loopback, and it asks as fast as it can show what it hears.
        self._environment = {
            **os.environ,
            "PARCELWIRE_DATA": str(data),
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "CARRIER_ALLOWED_NETWORKS": "127.0.0.0/8",
            "POLL_NOW_MIN_INTERVAL": "0",
            "API_RATE_LIMIT": "off",
        }
        for name in (*embedded.SERVERS_OF_OTHERS, "PARCELWIRE_ENV"):
            self._environment.pop(name, None)

    def __enter__(self) -> "Stage":
        shutil.rmtree(self._data, ignore_errors=True)
        words = [sys.executable, "manage.py", "up", "--port", "0", "--data", str(self._data)]
        self._up = subprocess.Popen(  # noqa: S603 (our own command)
            words, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        lines = []
        for line in self._up.stdout or ():
            lines.append(line.rstrip())
            self._say(f"  {lines[-1]}")
            if line.startswith("ready "):
                self._url = line.split()[1]
                return self
        raise DemoError("the stack did not start: " + " / ".join(lines[-3:]))

    def __exit__(self, kind: object, *_rest: object) -> None:
        if self._up is not None:
            self._up.terminate()
            self._up.wait(PATIENCE)
        if kind is None:
            shutil.rmtree(self._data, ignore_errors=True)
        else:
            self._say(f"what happened stands in {self._data / 'log'}")

    def command(self, *words: str) -> str:
        """Run a command of manage.py beside the stack. Raises DemoError where it fails."""
        done = subprocess.run(  # noqa: S603 (our own command)
            [sys.executable, "manage.py", *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            raise DemoError(f"manage.py {words[0]}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def merchant(self, name: str) -> Merchant:
        """Create a merchant with its first key."""
        made = json.loads(self.command("create_merchant", name, "--json"))
        return Merchant(made["merchantId"], made["apiKey"])

    def call(self, who: Merchant, method: str, path: str, body: Any = None) -> Any:
        """What the API answers to a merchant. Raises DemoError where it is an error."""
        status, answer = self.try_call(who, method, path, body)
        if status >= 400:
            raise DemoError(f"{method} {path} answered {status}: {answer}")
        return answer

    def try_call(self, who: Merchant, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body of the API's answer."""
        return loopback.call_api(method, f"{self._url}/v1/{path}", who.key, body)

    def wait_for(self, what: str, holds: Callable[[], bool]) -> None:
        """Return once it holds. Raises DemoError after PATIENCE seconds."""
        end = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > end:
                raise DemoError(f"waited {PATIENCE:.0f} s in vain: {what}")
            time.sleep(0.05)
