"""What a web process has done before its first call."""

import subprocess
import sys

from tests.processes import ROOT

FIRST_CALL = """
import io, sys
from config.wsgi import application
before = set(sys.modules)
environ = {
    "REQUEST_METHOD": "GET", "PATH_INFO": "/healthz", "SERVER_NAME": "a", "SERVER_PORT": "80",
    "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
}
application(environ, lambda *_: None)
print(*sorted(name for name in set(sys.modules) - before if name.partition(".")[0] in sys.argv))
"""
OURS = ("accounts", "carriers", "config", "events", "trackers", "webhooks", "rest_framework")


def test_the_first_call_finds_every_view_loaded() -> None:
    words = [sys.executable, "-c", FIRST_CALL, *OURS]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
