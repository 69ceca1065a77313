"""docs/production.md without containers, followed to the letter: units of systemd on servers of one's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config import loopback
from tests.deploy.composing import checkout
from tests.deploy.engine import Engine
from tests.deploy.image import Image
from tests.deploy.machine import Machine
from tests.deploy.terminal import programs, shell
from tests.docs.blocks import blocks_for
from tests.waiting import eventually

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("deploy")]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, image: Image) -> Iterator[Engine]:
    """A PostgreSQL with a superuser, and a Valkey, as somebody else has set them up."""
    folder = tmp_path_factory.mktemp("servers")
    engine = Engine(checkout(folder / "checkout"), image, folder / "state")
    with (engine.folder / "deploy" / "parcelwire.env.example").open("a") as settings:
        settings.write("DRAIN_SECONDS=1\n")
    engine.services["postgres"]["environment"] |= {"POSTGRES_USER": "postgres", "POSTGRES_DB": "other"}
    engine.services["postgres"]["healthcheck"]["test"] = ["CMD", "pg_isready", "--host", loopback.HOST]
    try:
        engine.up("postgres", "valkey")
        for name in ("postgres", "valkey"):
            engine.await_health(name)
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="module")
def machine(
    tmp_path_factory: pytest.TempPathFactory, image: Image, servers: Engine
) -> Iterator[tuple[Machine, str]]:
    """The machine after all blocks of the page, and the blocks."""
    made = Machine(tmp_path_factory.mktemp("machine"), image, servers)
    _as_in_its_configuration(servers, made.root)
    script = "HOST=parcels.shop.example\n" + "\n".join(block.text for block in blocks_for(__name__))
    for folder in ("/etc/", "/opt/parcelwire"):
        script = script.replace(folder, f"{made.root}{folder}")
    with programs(made.root / "bin", made.programs()) as path:
        try:
            shell(script, servers.folder, path)
            yield made, script
        finally:
            made.close()


def _as_in_its_configuration(servers: Engine, root: Path) -> None:
    """Valkey has the password that the page's own secrets name: the script keeps what is there."""
    secrets = root / "etc" / "parcelwire" / "secrets"
    secrets.mkdir(parents=True)
    file = Path(servers.spec["secrets"]["redis_password"]["file"])
    (secrets / "redis_password").write_text(file.read_text())


def test_everything_runs_and_does_its_work(machine: tuple[Machine, str], servers: Engine) -> None:
    made, _ = machine
    assert len(made.running) == 7
    for port in ("PORT", "PORT_SECOND"):
        assert loopback.http_status(f"http://127.0.0.1:{servers.ports[port]}/healthz") in {200, 400}
    for name in ("parcelwire-worker@late", "parcelwire-beat"):
        words = ["-m", "config.probe", *(["--beat"] if "beat" in name else [])]
        eventually(lambda name=name, words=words: made.check(name, *words) == 0, 120)


def test_each_web_and_worker_has_figures_of_its_own(machine: tuple[Machine, str]) -> None:
    made, _ = machine
    for name in ("parcelwire-web@8001", "parcelwire-worker@late"):
        port = made.figures_of(name)
        eventually(lambda port=port: loopback.http_status(f"http://127.0.0.1:{port}/metrics") == 200, 120)


def test_the_doctor_finds_nothing_that_is_bad(machine: tuple[Machine, str]) -> None:
    made, _ = machine
    eventually(lambda: made.check("parcelwire-beat", "manage.py", "doctor") == 0, 120)
