"""Which messages an endpoint wants."""

import pytest

from webhooks.filters import DEFAULT_TYPES, MESSAGE_TYPES, fingerprint, is_pattern, wants


@pytest.mark.parametrize(
    ("types", "couriers", "kind", "of", "wanted"),
    [
        (["tracking.*"], [], "tracking.delivered", ("all24",), True),
        (["tracking.*"], [], "tracking.delivered", (), True),
        (["tracking.*"], [], "tracker.created", ("all24",), False),
        (["tracking.delivered"], [], "tracking.delivered", ("all24",), True),
        (["tracking.delivered"], [], "tracking.updated", ("all24",), False),
        (["*"], [], "endpoint.disabled", (), True),
        (["tracker.*", "delivery.*"], [], "delivery.exhausted", (), True),
        (["*"], ["all24"], "tracking.updated", ("all24",), True),
        (["*"], ["all24"], "tracking.updated", ("247express", "all24"), True),
        (["*"], ["all24"], "tracking.updated", ("247express",), False),
        (["*"], ["all24"], "tracker.created", (), False),
        (["*"], ["all24"], "carrier_account.suspended", ("247express",), False),
        (["*"], ["all24"], "endpoint.disabled", (), True),
        (["*"], ["all24"], "delivery.exhausted", (), True),
        ([], [], "tracking.updated", (), False),
    ],
)
def test_filters(types: list[str], couriers: list[str], kind: str, of: tuple[str, ...], wanted: bool) -> None:
    assert wants(types, couriers, kind, of) is wanted


@pytest.mark.parametrize("pattern", ["*", *DEFAULT_TYPES, "tracker.*", "endpoint.*", *MESSAGE_TYPES])
def test_a_pattern_that_can_match_is_taken(pattern: str) -> None:
    assert is_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["", "track*", "traking.*", "tracking.", "tracking", "**", "*.created", "tracking.*.x", "nothing.*"],
)
def test_a_pattern_that_matches_nothing_is_refused(pattern: str) -> None:
    assert not is_pattern(pattern)


def test_the_fingerprint_knows_neither_order_nor_repetition() -> None:
    one = fingerprint("https://a.example/", ["x", "y"], ["b", "a"])
    assert one == fingerprint("https://a.example/", ["y", "x", "y"], ["a", "b"])
    assert one != fingerprint("https://a.example/", ["x"], ["a", "b"])
    assert one != fingerprint("https://a.example/", ["x", "y"], [])
    assert one != fingerprint("https://b.example/", ["x", "y"], ["a", "b"])


@pytest.mark.parametrize(
    "url",
    ["HTTPS://A.example/x?y=1", "https://a.example:443/x?y=1", "https://a.example/x?y=1#part"],
)
def test_the_fingerprint_is_the_same_for_what_a_request_would_be_the_same(url: str) -> None:
    assert fingerprint(url, ["*"], []) == fingerprint("https://a.example/x?y=1", ["*"], [])


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/X?y=1",
        "https://a.example/x?y=2",
        "https://a.example/x",
        "https://a.example:444/x?y=1",
        "http://a.example/x?y=1",
        "http://a.example:443/x?y=1",
    ],
)
def test_the_fingerprint_tells_requests_apart(url: str) -> None:
    assert fingerprint(url, ["*"], []) != fingerprint("https://a.example/x?y=1", ["*"], [])


def test_the_fingerprint_needs_no_path() -> None:
    of = {fingerprint(url, ["*"], []) for url in ("https://a.example", "https://a.example/")}
    assert len(of) == 1
    assert len(of | {fingerprint("https://[::1]/", ["*"], []), fingerprint("https://[::2]/", ["*"], [])}) == 3
