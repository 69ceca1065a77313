"""docs/production.md, followed to the letter: containers behind nginx, from the settings to an upgrade.

There is no engine of Docker here: `docker` does what is asked by tests/deploy/engine.py.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.deploy.composing import clone
from tests.deploy.docker import Docker
from tests.deploy.image import Image
from tests.deploy.proxy import HOST, Proxy
from tests.deploy.terminal import Said, programs, shell
from tests.docs.blocks import blocks_for

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("deploy")]


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
        # The name and the ports of the page lead here.
        lines = [
            f'connect-to = "{HOST}:443:127.0.0.1:{self.proxy.https}"',
            f'cacert = "{self.proxy.folder}/server.pem"',
        ]
        lines += [f'connect-to = "127.0.0.1:9100:127.0.0.1:{engine.ports["METRICS_EXPORT_PORT"]}"']
        (self._folder / "checkout" / ".curlrc").write_text("\n".join(lines))
        return 0, b"", b""

    def stop(self) -> None:
        if self.proxy:
            self.proxy.stop()


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory, image: Image) -> Iterator[str]:
    """All that is printed on the way."""
    folder = tmp_path_factory.mktemp("production")
    (folder / "etc" / "nginx" / "conf.d").mkdir(parents=True)
    docker = Docker(clone(folder / "checkout"), image, folder / "state")
    nginx = Nginx(folder, docker)
    script = "\n".join(block.text for block in blocks_for(__name__))
    with programs(folder / "bin", {"docker": docker.run, "nginx": nginx.run}) as path:
        try:
            yield shell(script.replace("/etc/", f"{folder}/etc/"), folder / "checkout", path)
        finally:
            nginx.stop()
            if docker.engine:
                docker.engine.close()


def test_the_way_leads_to_a_parcel_that_is_followed(printed: str) -> None:
    assert '"trackingNumber":"SHIP24_SAMPLE_OUT_FOR_DELIVERY_001"' in printed.replace(": ", ":")


def test_the_doctor_is_asked_and_figures_are_served(printed: str) -> None:
    assert "parcelwire_up 1" in printed
