"""The subscribed tracker that stands where another one is wished for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from accounts.errors import ApiError
from trackers.models import Tracker


@dataclass(frozen=True, slots=True)
class Standing:
    """Subscribed trackers by what makes them unique."""

    by_digest: Mapping[str, Tracker]
    by_client_id: Mapping[str, Tracker]

    def same_as(self, draft: Tracker) -> Tracker | None:
        """The tracker that the same payload made."""
        return self.by_digest.get(draft.digest)

    def holds_name_of(self, draft: Tracker) -> bool:
        """Whether the clientTrackerId belongs to a tracker of another payload."""
        name = draft.client_tracker_id
        return name is not None and name in self.by_client_id and self.same_as(draft) is None


def standing(merchant_id: UUID, drafts: Sequence[Tracker]) -> Standing:
    """What stands in the way of these drafts; at most one statement."""
    if not drafts:
        return Standing({}, {})
    same = Q(digest__in=[draft.digest for draft in drafts])
    if names := [draft.client_tracker_id for draft in drafts if draft.client_tracker_id]:
        same |= Q(client_tracker_id__in=names)
    there = list(Tracker.objects.filter(same, merchant_id=merchant_id, is_subscribed=True))
    return Standing(
        {tracker.digest: tracker for tracker in there},
        {tracker.client_tracker_id: tracker for tracker in there if tracker.client_tracker_id is not None},
    )


def name_taken() -> ApiError:
    """400 for a clientTrackerId that another payload has."""
    message = "clientTrackerId: it belongs to a tracker that was created with another payload."
    return ApiError(400, "tracker_conflict", message)
