"""`docker compose` for a terminal of the tests: what docs/production.md asks of it, done by the engine here.

The compose file is read by Docker Compose itself.
"""

from argparse import REMAINDER, ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from tests.deploy import composing
from tests.deploy.engine import Engine
from tests.deploy.image import Image
from tests.deploy.terminal import Said


class Docker:
    """A checkout's engine, made when it is first wanted: the settings and secrets must be there by then."""

    def __init__(self, folder: Path, image: Image, state: Path) -> None:
        self._folder, self._image, self._state = folder, image, state
        self.engine: Engine | None = None
        self._parser = _parser()

    def run(self, words: Sequence[str], given: bytes) -> Said:
        """What the program does with these words, and this on its standard input."""
        asked = self._parser.parse_args([*words])
        if asked.act == "config":
            done = composing.compose(self._folder, "config", *(["--quiet"] if asked.quiet else []))
            return done.returncode, done.stdout.encode(), done.stderr.encode()
        engine = self._engine()
        match asked.act:
            case "build":
                assert self._image.app.is_dir()
                return 0, b"", b""
            case "up":
                return self._up(engine, asked)
            case "ps":
                return 0, "".join(f"{name} running\n" for name in engine.running).encode(), b""
            case "run":
                engine.running.pop(asked.service)
                engine.up(asked.service)
                return engine.result_of(asked.service), engine.log_of(asked.service).encode(), b""
        done = engine.execute_raw(asked.service, *asked.words, given=given)
        return done.returncode, done.stdout, done.stderr

    def _engine(self) -> Engine:
        if self.engine is None:
            self.engine = Engine(self._folder, self._image, self._state)
        return self.engine

    def _up(self, engine: Engine, asked: Namespace) -> Said:
        """Whoever is named and runs is replaced, as where the image is a new one."""
        engine.stop(*(name for name in asked.services if name in engine.running))
        engine.up(*asked.services)
        for name in asked.services or engine.services:
            if asked.wait and engine.has_check(name):
                engine.await_health(name)
        return 0, b"", b""


def _parser() -> ArgumentParser:
    parser = ArgumentParser("docker", exit_on_error=False)
    acts = (
        parser.add_subparsers(required=True).add_parser("compose").add_subparsers(dest="act", required=True)
    )
    acts.add_parser("config").add_argument("--quiet", action="store_true")
    acts.add_parser("build")
    acts.add_parser("ps")
    up = acts.add_parser("up")
    for option in ("--detach", "--wait", "--no-deps"):
        up.add_argument(option, action="store_true")
    up.add_argument("services", nargs="*")
    job = acts.add_parser("run")
    job.add_argument("--rm", action="store_true")
    job.add_argument("service")
    one = acts.add_parser("exec")
    one.add_argument("-T", action="store_true")
    one.add_argument("service")
    one.add_argument("words", nargs=REMAINDER)
    return parser
