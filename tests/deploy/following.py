"""docs/production.md, followed to the letter: containers behind nginx, from the settings to an upgrade.

There is no engine of Docker here: `docker` does what is asked by tests/deploy/engine.py.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.composing import clone
from tests.deploy.docker import Docker
from tests.deploy.engine import Engine
from tests.deploy.image import Image
from tests.deploy.proxy import HOST, Proxy
from tests.deploy.terminal import Said, programs, shell
from tests.docs.blocks import blocks_for


@dataclass(frozen=True)
class Installation:
    """Every service, healthy, behind nginx; and what was printed on the way."""

    engine: Engine
    proxy: Proxy
    printed: str


class Nginx:
    """`nginx -t` and `nginx -s reload`, for the configuration that the page installs."""

    def __init__(self, folder: Path, docker: Docker) -> None:
        self._folder, self._docker = folder, docker
        self.proxy: Proxy | None = None

    def run(self, words: Sequence[str], given: bytes) -> Said:
        engine = self._docker.engine
        assert engine
        if list(words) == ["-t"]:
            webs = engine.ports["PORT"], engine.ports["PORT_SECOND"]
            installed = self._folder / "etc" / "nginx" / "conf.d" / "parcelwire.conf"
            self.proxy = Proxy(self._folder / "nginx", webs, installed)
            verdict = self.proxy.verdict()
            return int(not verdict.endswith("is successful")), b"", f"{verdict}\n".encode()
        assert self.proxy
        self.proxy.start()
        self._lead_here(self.proxy, engine)
        return 0, b"", b""

    def stop(self) -> None:
        if self.proxy:
            self.proxy.stop()

    def _lead_here(self, proxy: Proxy, engine: Engine) -> None:
        """The name and the ports of the page, for curl."""
        lines = [f'cacert = "{proxy.folder}/server.pem"']
        lines += [f'connect-to = "{HOST}:443:127.0.0.1:{proxy.https}"']
        lines += [f'connect-to = "127.0.0.1:9100:127.0.0.1:{engine.ports["METRICS_EXPORT_PORT"]}"']
        (self._folder / "checkout" / ".curlrc").write_text("\n".join(lines))


def script() -> str:
    """All blocks of the page but those without containers, the upgrade at its end included."""
    return "\n".join(block.text for block in blocks_for(__name__))


@contextmanager
def followed(folder: Path, image: Image) -> Iterator[Installation]:
    """The installation that the page's blocks lead to.

    Besides, webhooks may go to this machine, and webs that end take new calls for one second only.
    """
    (folder / "etc" / "nginx" / "conf.d").mkdir(parents=True)
    checkout = clone(folder / "checkout")
    with (checkout / "deploy" / "parcelwire.env.example").open("a") as settings:
        settings.write("WEBHOOK_ALLOWED_NETWORKS=127.0.0.0/8\nDRAIN_SECONDS=1\n")
    docker = Docker(checkout, image, folder / "state")
    nginx = Nginx(folder, docker)
    with programs(folder / "bin", {"docker": docker.run, "nginx": nginx.run}) as path:
        try:
            printed = shell(script().replace("/etc/", f"{folder}/etc/"), checkout, path)
            assert docker.engine
            assert nginx.proxy
            yield Installation(docker.engine, nginx.proxy, printed)
        finally:
            nginx.stop()
            if docker.engine:
                docker.engine.close()
