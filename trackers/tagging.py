"""Entity tags of results: what the caller has already is not sent again (RFC 9110, 13.1.2)."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.utils.http import parse_etags

#: Matches whatever there is.
ANY = "*"


def etag(marks: Iterable[str]) -> str:
    """The strong tag of an answer that shows trackers at these marks.

    A mark is a tracker's id, the version of its stream and the revision of its personal data. A release may
    word the same facts in another way, so the release is part of the tag.
    """
    told = "/".join([settings.VERSION, *marks])
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


@dataclass(frozen=True, slots=True)
class Held:
    """The answers that the caller says it has: its If-None-Match."""

    tags: frozenset[str]

    @classmethod
    def read(cls, header: str) -> "Held":
        """Compared weakly, as the header is meant to be: a proxy may have weakened the tag."""
        tags = parse_etags(header) if header else []
        return cls(frozenset(tag.removeprefix("W/") for tag in tags))

    def __contains__(self, tag: str) -> bool:
        return ANY in self.tags or tag in self.tags

    def __bool__(self) -> bool:
        return bool(self.tags)
