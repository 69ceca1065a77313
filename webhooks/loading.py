"""Endpoints with their secrets, where one that does not decrypt must not hold up the others."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db.models import TextField
from django.db.models.functions import Cast

from accounts.encryption import cipher
from webhooks.models import SECRET_COLUMNS, Endpoint

#: Endpoints that are asked at most whether our keys are the right ones.
_ASKED = 1_000
#: Endpoints that a process keeps with their decrypted secrets, those that were wanted last.
KEPT = 5_000
_SECRETS = frozenset(SECRET_COLUMNS)


def load(ids: Collection[UUID]) -> dict[UUID, Endpoint]:
    """These endpoints by id: one statement, and more only where a secret does not decrypt.

    Such an endpoint comes with its SECRET_COLUMNS deferred. Raises InvalidToken where our keys open no
    endpoint at all: then the keys are wrong, and the endpoints are not to blame.
    """
    try:
        return Endpoint.objects.in_bulk(ids)
    except InvalidToken:
        endpoints = {id_: _alone(id_) for id_ in ids}
        if all(is_unreadable(each) for each in endpoints.values()) and not _keys_fit_any():
            raise
    return endpoints


class Kept:
    """Endpoints that were loaded before, as long as their rows are the same. For one thread."""

    def __init__(self) -> None:
        self._keys: tuple[str, ...] = ()
        #: By id, with the version: a row that is written again and again is kept once.
        self._kept: OrderedDict[UUID, tuple[str, Endpoint]] = OrderedDict()

    def load(self, versions: Mapping[UUID, str]) -> dict[UUID, Endpoint]:
        """As `load`, of endpoints whose rows have these versions: no statement where all are kept.

        A version is a text that changes with every write to the row.
        """
        keys = tuple(settings.FIELD_ENCRYPTION_KEYS)
        if keys != self._keys:
            self._kept.clear()
            self._keys = keys
        known = {id_: self._kept[id_] for id_ in versions if id_ in self._kept}
        found = {id_: endpoint for id_, (version, endpoint) in known.items() if version == versions[id_]}
        missing = versions.keys() - found.keys()
        loaded = load(missing) if missing else {}
        for id_, endpoint in (found | loaded).items():
            if not is_unreadable(endpoint):
                self._kept[id_] = (versions[id_], endpoint)
                self._kept.move_to_end(id_)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found | loaded


def is_unreadable(endpoint: Endpoint) -> bool:
    """Whether it was loaded without its secrets."""
    # What get_deferred_fields does for every column; this is asked for each try.
    return not vars(endpoint).keys() >= _SECRETS


def _alone(endpoint_id: UUID) -> Endpoint:
    try:
        return Endpoint.objects.get(id=endpoint_id)
    except InvalidToken:
        return Endpoint.objects.defer(*SECRET_COLUMNS).get(id=endpoint_id)


def _keys_fit_any() -> bool:
    """Whether they open the secret of any endpoint, be it one whose headers alone are lost."""
    tokens = Endpoint.objects.annotate(token=Cast("secret", TextField())).exclude(token="")
    newest = tokens.order_by("-id").values_list("token", flat=True)[:_ASKED]
    return any(_opens(token) for token in newest)


def _opens(token: str) -> bool:
    try:
        cipher().decrypt(token.encode())
    except InvalidToken:
        return False
    return True
