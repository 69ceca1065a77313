"""The image, made once; and what docs/production.md leads to, running."""

from collections.abc import Iterator

import pytest

from tests.deploy.engine import Engine
from tests.deploy.following import Installation, followed
from tests.deploy.image import Image
from tests.deploy.proxy import Proxy


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    made = Image(tmp_path_factory.mktemp("image") / "root")
    made.build()
    yield made
    made.protect(made.app, writable=True)  # pytest removes the folder later


@pytest.fixture(scope="session")
def installation(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with followed(tmp_path_factory.mktemp("production"), image) as running:
        yield running


@pytest.fixture(scope="session")
def stage(installation: Installation) -> Engine:
    return installation.engine


@pytest.fixture(scope="session")
def proxy(installation: Installation) -> Proxy:
    return installation.proxy
