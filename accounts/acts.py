"""What staff may do to an API key once it is made."""

from django.db.models.functions import Now

from accounts.acting import Act
from accounts.models import ApiKey


def _revoke(key: ApiKey) -> str:
    revoked = ApiKey.objects.filter(id=key.id, revoked_at=None).update(revoked_at=Now())
    return "revoked" if revoked else "it was revoked already"


OF_KEYS = (
    Act(
        name="revoke",
        label="Revoke",
        does="Calls with this key are refused from now on. It cannot be taken back.",
        permission="accounts.change_apikey",
        run=_revoke,
        harms=True,
        fits=lambda key: key.revoked_at is None,
    ),
)
