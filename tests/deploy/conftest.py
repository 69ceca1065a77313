"""The image, made once; and the whole of docker-compose.yml, running behind nginx."""

from collections.abc import Iterator

import pytest

from tests.deploy import composing
from tests.deploy.engine import Engine
from tests.deploy.image import Image
from tests.deploy.proxy import HOST, Proxy


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    made = Image(tmp_path_factory.mktemp("image") / "root")
    made.build()
    yield made
    made.protect(made.app, writable=True)  # pytest removes the folder later


@pytest.fixture(scope="session")
def stage(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Every service, healthy. Webhooks may go to this machine."""
    folder = tmp_path_factory.mktemp("stage")
    checkout = composing.checkout(folder / "checkout", "WEBHOOK_ALLOWED_NETWORKS=127.0.0.0/8")
    engine = Engine(checkout, image, folder / "state")
    try:
        engine.up()
        for name in engine.services:
            if engine.has_check(name):
                engine.await_health(name)
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="session")
def proxy(stage: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """nginx before both webs."""
    folder = tmp_path_factory.mktemp("proxy") / HOST
    running = Proxy(folder, (stage.ports["PORT"], stage.ports["PORT_SECOND"]))
    running.start()
    yield running
    running.stop()
