"""The functions of docs/webhooks.md that verify, each behind a real HTTP server to which deliveries go.

What a forger would do is done to a delivery on its way.
"""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from accounts.models import Merchant
from tests.docs import fronts
from tests.docs.blocks import blocks_for
from tests.subscribers import Handler, status, subscriber
from tests.webhooks.cast import EndpointFactory, attempts_of, owe
from webhooks import pump, signing
from webhooks.keyring import Keys
from webhooks.models import Endpoint
from webhooks.rotating import rotate

pytestmark = pytest.mark.django_db

#: As the page shows them: a language has one function for each version, in this order.
VERSIONS = ("v1", "v1a")


@dataclass
class Passing:
    """A message on its way, open to whoever wants to change it. Names of headers are lower case."""

    headers: dict[str, str]
    body: bytes
    endpoint: Endpoint

    def sign(self, timestamp: int) -> None:
        """As the endpoint would have at that time."""
        signer = signing.signer(self.endpoint.secret)
        signed = signing.signatures([signer], self.headers["webhook-id"], timestamp, self.body)
        self.headers |= {"webhook-timestamp": str(timestamp), "webhook-signature": signed}


Change = Callable[[Passing], object]


def _programs(language: str) -> list[tuple[str, str]]:
    """The version and the text of each function."""
    shown = [block.text for block in blocks_for(__name__) if block.language == language]
    return list(zip(VERSIONS, shown, strict=False))


@dataclass
class Snippet:
    """The page's function for one language and version."""

    language: str
    version: str
    folder: Path
    program: str = field(init=False)

    def __post_init__(self) -> None:
        self.program = dict(_programs(self.language))[self.version]

    def behind(self, key: str) -> AbstractContextManager[str]:
        return fronts.FRONTS[self.language](self.folder, self.program, key)


SHOWN = [(language, version) for language in fronts.FRONTS for version, _ in _programs(language)]


@pytest.fixture(params=SHOWN, ids="-".join)
def snippet(request: pytest.FixtureRequest, tmp_path: Path) -> Snippet:
    return Snippet(*request.param, tmp_path)


@pytest.fixture
def endpoint(alice: Merchant, snippet: Snippet, settings) -> Endpoint:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    return EndpointFactory(merchant=alice, **asdict(Keys.fresh(snippet.version)))


def key_of(owner: Endpoint | Keys) -> str:
    """What the subscriber verifies with."""
    return owner.public_key or owner.secret


def answered(endpoint: Endpoint, url: str) -> int | None:
    """The status of a fresh delivery to this URL."""
    Endpoint.objects.filter(id=endpoint.id).update(url=url)
    (delivery,) = owe(endpoint)
    assert pump.run(10) == 1
    return attempts_of(delivery)[0].status_code


def forwarded(endpoint: Endpoint, url: str, change: Change) -> int | None:
    """The same, with somebody on the way who changes the message."""

    def pass_on(handler: Handler) -> None:
        heard = handler.server.heard()[-1]
        headers = {name.lower(): value for name, value in heard.headers.items() if name.lower() != "host"}
        passing = Passing(headers, heard.body, endpoint)
        change(passing)
        passing.headers["content-length"] = str(len(passing.body))
        status(_posted(url, passing))(handler)

    with subscriber() as server:
        server.answer("/hook", pass_on)
        return answered(endpoint, server.url())


def _posted(url: str, passing: Passing) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    connection.request("POST", parts.path, passing.body, passing.headers)
    code = connection.getresponse().status
    connection.close()
    return code


@pytest.fixture
def front(snippet: Snippet, endpoint: Endpoint) -> Iterator[str]:
    with snippet.behind(key_of(endpoint)) as url:
        yield url


def test_what_is_delivered_is_taken(endpoint: Endpoint, front: str) -> None:
    assert answered(endpoint, front) == 204


def test_another_endpoints_key_takes_nothing(snippet: Snippet, endpoint: Endpoint) -> None:
    with snippet.behind(key_of(Keys.fresh(snippet.version))) as url:
        assert answered(endpoint, url) == 400


def test_while_secrets_overlap_the_old_and_the_new_one_are_good(snippet: Snippet, endpoint: Endpoint) -> None:
    fresh = rotate(endpoint.merchant_id, endpoint.id, 3_600)
    for key in (key_of(endpoint), key_of(fresh)):
        with snippet.behind(key) as url:
            assert answered(endpoint, url) == 204


def test_after_the_overlap_the_old_one_is_not(snippet: Snippet, endpoint: Endpoint) -> None:
    rotate(endpoint.merchant_id, endpoint.id, 0)
    with snippet.behind(key_of(endpoint)) as url:
        assert answered(endpoint, url) == 400


def _with_a_space(passing: Passing) -> None:
    passing.body += b" "


def _of_another_id(passing: Passing) -> None:
    passing.headers["webhook-id"] += "0"


def _a_minute_younger(passing: Passing) -> None:
    passing.headers["webhook-timestamp"] = str(int(passing.headers["webhook-timestamp"]) + 60)


def _too_old(passing: Passing) -> None:
    passing.sign(int(time.time()) - 310)


def _too_early(passing: Passing) -> None:
    passing.sign(int(time.time()) + 400)


def _with_nonsense(passing: Passing) -> None:
    passing.headers["webhook-signature"] = "v1,AAAA v1a,AAAA v2, v1 , ="


def _of_another_version(passing: Passing) -> None:
    version, _, rest = passing.headers["webhook-signature"].partition(",")
    passing.headers["webhook-signature"] = f"{'v1a' if version == 'v1' else 'v1'},{rest}"


def _without(name: str) -> Change:
    def change(passing: Passing) -> None:
        del passing.headers[name]

    change.__name__ = f"without_{name}"
    return change


@pytest.mark.parametrize(
    "change",
    [
        _with_a_space,
        _of_another_id,
        _a_minute_younger,
        _too_old,
        _too_early,
        _with_nonsense,
        _of_another_version,
        _without("webhook-id"),
        _without("webhook-timestamp"),
        _without("webhook-signature"),
    ],
)
def test_what_was_changed_on_its_way_is_refused(endpoint: Endpoint, front: str, change: Change) -> None:
    assert forwarded(endpoint, front, change) == 400


def _four_minutes_old(passing: Passing) -> None:
    passing.sign(int(time.time()) - 240)


def _among_others(passing: Passing) -> None:
    right = passing.headers["webhook-signature"]
    passing.headers["webhook-signature"] = f"v9,zzz v1,AAAA v1a,AAAA {right} v1,BBBB"


@pytest.mark.parametrize("change", [_four_minutes_old, _among_others])
def test_what_is_not_too_old_and_has_one_right_signature_is_taken(
    endpoint: Endpoint, front: str, change: Change
) -> None:
    assert forwarded(endpoint, front, change) == 204


def test_every_function_of_the_page_is_among_them() -> None:
    assert {language for language, _ in SHOWN} == {block.language for block in blocks_for(__name__)}
    assert len(SHOWN) == len(blocks_for(__name__))
