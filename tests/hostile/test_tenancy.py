"""Nobody sees, changes or even notices what is another merchant's, on any route.

Every route and method is in the table below with the calls that a stranger would try: with alice's ids, her
numbers, her references. Each is made by bob twice, with alice's names and with names that never were: the two
answers must be the same. A route that is not in the table fails the first test.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Merchant
from tests.carrier_server import CarrierServer, carrier_server
from tests.tenants import FIRST, Ask, World, rows, world
from trackers import waiting

pytestmark = pytest.mark.django_db

#: Routes that are nobody's, or staff's.
NO_TENANTS = {
    "* healthz": "says whether the process answers",
    "* readyz": "says whether the stack works",
    "* docs": "describes the API",
    "* track/<path:token>": "is for whoever has the link",
    "* track/logo/<uuid:logo_id>": "is a picture on those pages",
    "* v1/openapi.json": "describes the API",
    "* admin": "leads to the admin",
    "* admin/": "is the operator's, who sees all merchants",
    "* admin/alerts/": "is the operator's too",
    "* admin/search/": "is the operator's too",
}

_TRACKER, _BY_NAME = "v1/trackers/{tracker}", "v1/trackers/{client}"
_SEARCH_BY = "?searchBy=clientTrackerId"
_NUMBER = {"trackingNumber": "{number}"}
_WHOLE = {
    **FIRST,
    "trackingNumber": "{number}",
    "clientTrackerId": "{client}",
    "shipmentReference": "{reference}",
    "orderNumber": "{text}",
}
_ACCOUNT = "v1/carrier-accounts/{account}"


def _of_tracker(more: str = "", body: Any = None) -> list[Ask]:
    """A tracker's route, by either id."""
    return [Ask(f"{_TRACKER}{more}", body), Ask(f"{_BY_NAME}{more}{_SEARCH_BY}", body)]


def _push(token: str, secret: str, **more: Any) -> Ask:
    """A push about a parcel of alice's."""
    event = {"eventId": "1", "status": "Forged", "occurrenceDatetime": "2026-03-01T12:00:00Z"}
    tracker = {"trackerId": "1", "clientTrackerId": "{pushed}", "trackingNumber": "ALICES-2"}
    told = {"tracker": tracker, "events": [event], "shipment": {}, "statistics": {}}
    headers = {"Authorization": f"Bearer {secret}"}
    return Ask(f"v1/carriers/ship24/push/{token}", {"trackings": [told]}, headers, keyless=True, **more)


TABLE: dict[str, list[Ask]] = {
    "GET v1/trackers": [
        Ask("v1/trackers?limit=500"),
        Ask("v1/trackers?text={text}"),
        Ask("v1/trackers?text={number}"),
        Ask("v1/trackers?text={client}"),
        Ask("v1/trackers?text={reference}&courierCode=all24&isSubscribed=true"),
    ],
    "POST v1/trackers": [
        Ask("v1/trackers", _NUMBER, alike=True),
        Ask("v1/trackers", _WHOLE),
        Ask("v1/trackers", FIRST, {"Idempotency-Key": "{idempotency}"}),
        Ask("v1/trackers", {"trackingNumber": "HSOTHER1", "clientTrackerId": "{client}"}),
    ],
    "POST v1/trackers/bulk": [Ask("v1/trackers/bulk", [_WHOLE, _NUMBER])],
    "POST v1/trackers/track": [
        Ask("v1/trackers/track", _WHOLE),
        Ask("v1/trackers/track", _NUMBER, alike=True),
    ],
    "POST v1/trackers/stop": [
        Ask("v1/trackers/stop", {"trackerIds": ["{tracker}"]}),
        Ask("v1/trackers/stop", {"clientTrackerIds": ["{client}"]}),
        Ask("v1/trackers/stop", {"filter": {"text": "{text}"}}),
        Ask("v1/trackers/stop", {"all": True}),
    ],
    "POST v1/trackers/delete": [
        Ask("v1/trackers/delete", {"trackerIds": ["{tracker}"]}),
        Ask("v1/trackers/delete", {"clientTrackerIds": ["{client}"]}),
        Ask("v1/trackers/delete", {"filter": {"text": "{text}"}}),
        Ask("v1/trackers/delete", {"all": True}),
    ],
    "GET v1/trackers/<str:tracker_id>": _of_tracker(),
    "PATCH v1/trackers/<str:tracker_id>": [
        *_of_tracker(body={"isSubscribed": False}),
        *_of_tracker(body={"destinationPostCode": "1"}),
        *_of_tracker(body={"originCountryCode": "TH"}),
    ],
    "DELETE v1/trackers/<str:tracker_id>": _of_tracker(),
    "GET v1/trackers/<str:tracker_id>/results": [
        *_of_tracker("/results"),
        Ask(f"{_TRACKER}/results", headers={"If-None-Match": "*"}),
    ],
    "GET v1/trackers/<str:tracker_id>/raw": _of_tracker("/raw"),
    "GET v1/export": [
        Ask("v1/export"),
        Ask("v1/export?text={text}"),
        Ask("v1/export?text={number}&events=false"),
    ],
    "GET v1/trackers/search/<path:tracking_number>/results": [Ask("v1/trackers/search/{number}/results")],
    "POST v1/trackers/<str:tracker_id>/poll": _of_tracker("/poll"),
    "POST v1/trackers/<str:tracker_id>/retrack": _of_tracker("/retrack"),
    "POST v1/trackers/<str:tracker_id>/erase": _of_tracker("/erase"),
    "POST v1/trackers/<str:tracker_id>/webhook-events/resend": _of_tracker("/webhook-events/resend"),
    "GET v1/trackers/<str:tracker_id>/webhook-history/download": _of_tracker("/webhook-history/download"),
    "POST v1/tracking/search": [Ask("v1/tracking/search", _NUMBER)],
    "GET v1/couriers": [Ask("v1/couriers", alike=True)],
    "GET v1/couriers/detect": [Ask("v1/couriers/detect?trackingNumber={number}")],
    "GET v1/events": [Ask("v1/events?limit=500"), Ask("v1/events?types=tracker.*"), Ask("v1/events?after=1")],
    "GET v1/webhooks": [Ask("v1/webhooks"), Ask("v1/webhooks?after={endpoint}", alike=True)],
    "POST v1/webhooks": [Ask("v1/webhooks", {"url": "{url}", "types": ["*"]})],
    "GET v1/webhooks/<uuid:webhook_id>": [Ask("v1/webhooks/{endpoint}")],
    "PATCH v1/webhooks/<uuid:webhook_id>": [
        Ask("v1/webhooks/{endpoint}", {"description": "bobs now"}),
        Ask("v1/webhooks/{endpoint}", {"url": "{url}", "types": ["*"]}),
        Ask("v1/webhooks/{endpoint}", {"signature": "v1a"}),
    ],
    "DELETE v1/webhooks/<uuid:webhook_id>": [Ask("v1/webhooks/{endpoint}")],
    "POST v1/webhooks/<uuid:webhook_id>/rotate-secret": [
        Ask("v1/webhooks/{endpoint}/rotate-secret"),
        Ask("v1/webhooks/{endpoint}/rotate-secret", {"overlapSeconds": 0}),
    ],
    "POST v1/webhooks/<uuid:webhook_id>/test": [Ask("v1/webhooks/{endpoint}/test")],
    "POST v1/webhooks/<uuid:webhook_id>/pause": [Ask("v1/webhooks/{endpoint}/pause")],
    "POST v1/webhooks/<uuid:webhook_id>/enable": [Ask("v1/webhooks/{endpoint}/enable")],
    "GET v1/webhooks/<uuid:webhook_id>/deliveries": [
        Ask("v1/webhooks/{endpoint}/deliveries"),
        Ask("v1/webhooks/{endpoint}/deliveries?message={message}&state=delivered"),
    ],
    "POST v1/webhooks/<uuid:webhook_id>/recover": [
        Ask("v1/webhooks/{endpoint}/recover", {"since": "2026-01-01T00:00:00Z"}),
    ],
    "GET v1/webhooks/<uuid:webhook_id>/stats": [Ask("v1/webhooks/{endpoint}/stats")],
    "GET v1/deliveries/<uuid:delivery_id>": [Ask("v1/deliveries/{delivery}")],
    "POST v1/deliveries/<uuid:delivery_id>/resend": [Ask("v1/deliveries/{delivery}/resend")],
    "GET v1/recoveries/<uuid:recovery_id>": [Ask("v1/recoveries/{recovery}")],
    "POST v1/recoveries/<uuid:recovery_id>/cancel": [Ask("v1/recoveries/{recovery}/cancel")],
    "GET v1/carrier-accounts": [Ask("v1/carrier-accounts")],
    "POST v1/carrier-accounts": [
        Ask("v1/carrier-accounts", {"courierCode": "all24", "key": "alices-carrier-key"}, alike=True)
    ],
    "GET v1/carrier-accounts/<uuid:carrier_account_id>": [Ask(_ACCOUNT)],
    "DELETE v1/carrier-accounts/<uuid:carrier_account_id>": [Ask(_ACCOUNT)],
    "POST v1/carrier-accounts/<uuid:carrier_account_id>/test": [Ask(f"{_ACCOUNT}/test")],
    "PUT v1/carrier-accounts/<uuid:carrier_account_id>/key": [Ask(f"{_ACCOUNT}/key", {"key": "bobs-key"})],
    "POST v1/carrier-accounts/<uuid:carrier_account_id>/pause": [Ask(f"{_ACCOUNT}/pause")],
    "POST v1/carrier-accounts/<uuid:carrier_account_id>/resume": [Ask(f"{_ACCOUNT}/resume")],
    "GET v1/tracking-page": [Ask("v1/tracking-page")],
    "PATCH v1/tracking-page": [Ask("v1/tracking-page", {"colour": "#112233"})],
    "PUT v1/tracking-page/logo": [Ask("v1/tracking-page/logo", "no picture", alike=True)],
    "DELETE v1/tracking-page/logo": [Ask("v1/tracking-page/logo", alike=True)],
    "POST v1/tracking-page/renew-links": [Ask("v1/tracking-page/renew-links")],
    "POST v1/carriers/<str:courier>/push/<str:token>": [
        _push("{token}", "bobs-push-secret", alike=True),
        _push("{bobs_token}", "bobs-push-secret", alike=True),
    ],
    "GET v1/tracking/orders": [
        Ask("v1/tracking/orders?hs_order_ref={number}", headers={"HS-Api-Key": "{key}"}, keyless=True),
        Ask("v1/tracking/orders?tracking_ref={tracker}", headers={"HS-Api-Key": "{key}"}, keyless=True),
        Ask("v1/tracking/orders?tracking_ref={client}", headers={"HS-Api-Key": "{key}"}, keyless=True),
        Ask("v1/tracking/orders?customer_ref={reference}", headers={"HS-Api-Key": "{key}"}, keyless=True),
    ],
    "GET api/Order/v1/Tracking": [
        Ask("api/Order/v1/Tracking?apikey={key}&ordercode={number}", keyless=True),
    ],
}
CALLS = [
    pytest.param(route.split()[0], ask, id=f"{route} {n}")
    for route, asks in TABLE.items()
    for n, ask in enumerate(asks)
]


def _views(patterns: list[Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for one in patterns:
        path = before + str(one.pattern)
        if isinstance(one, URLResolver) and path != "admin/":
            yield from _views(one.url_patterns, path)
        else:
            yield path, one.callback if isinstance(one, URLPattern) else None


def _methods(view: Any) -> list[str]:
    kind = getattr(view, "cls", None)
    if kind is None:
        return ["*"]
    return [
        name.upper()
        for name in kind.http_method_names
        if name not in {"head", "options"} and hasattr(kind, name)
    ]


def _routes() -> dict[str, Any]:
    """Every method and route, with the class that answers."""
    return {
        f"{method} {path}": getattr(view, "cls", None)
        for path, view in _views(get_resolver().url_patterns)
        for method in _methods(view)
    }


def test_every_route_is_in_the_table() -> None:
    routes = {name for name in _routes() if " public/" not in name}
    assert routes == set(TABLE) | set(NO_TENANTS)


def test_the_other_prefix_has_the_same_views() -> None:
    routes = _routes()
    public = {name.replace(" public/", " "): kind for name, kind in routes.items() if " public/" in name}
    assert len(public) > 20
    assert {name: routes[name] for name in public} == public
    alone = {name for name in routes if " v1/" in name} - set(public)
    assert alone == {"* v1/openapi.json", "GET v1/tracking/orders"}


@pytest.fixture
def carrier(settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[CarrierServer]:
    settings.CARRIER_ALLOWED_NETWORKS = settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.TRACK_WAIT = 60
    monkeypatch.setattr(waiting, "until", lambda condition, _ends: condition())  # nobody polls here
    with carrier_server() as server:
        yield server


@pytest.fixture
def both(alice: Merchant, bob: Merchant, carrier: CarrierServer) -> World:
    return world(alice, bob, carrier)


@pytest.mark.parametrize(("method", "ask"), CALLS)
def test_a_stranger_is_told_what_he_would_be_told_of_nothing(both: World, method: str, ask: Ask) -> None:
    said = ask.said(both.alices)
    before = rows()
    told = both.ask(method, ask, both.alices, both.bob_key)
    of_nothing = both.ask(method, ask, both.nobodys, both.bob_key)
    assert told.status < 500, told.text
    assert told.normal(said) == of_nothing.normal(ask.said(both.nobodys))
    assert both.leaks(told, said) == []
    assert [row for row in sorted(before - rows()) if row not in both.bobs] == []
    # What was not to be told is there: its owner's answer to the same call differs.
    by_alice = both.ask(method, ask, both.alices, both.alice_key)
    assert by_alice.status < 500, by_alice.text
    assert ask.alike or both.leaks(by_alice, said) or by_alice.normal(said) != told.normal(said)


def test_a_push_with_the_accounts_own_secret_is_taken(both: World) -> None:
    ask = _push("{token}", "{secret}")
    before = rows()
    assert both.ask("POST", ask, both.alices, "").status == 200
    assert any(table == "trackers_tracker" for table, _ in before - rows())
