"""Requests about how a merchant's pages look."""

from collections.abc import Mapping
from typing import Any, ClassVar

from accounts.models import PAGE_NAME, is_colour
from webhooks.fields import Flag, Text
from webhooks.serializers import Strict


class PageBody(Strict):
    """The body of `PATCH /v1/tracking-page`: what is left out stays."""

    isEnabled = Flag(required=False)
    name = Text(max_length=PAGE_NAME, allow_null=True, required=False)
    colour = Text(allow_null=True, required=False, validators=[is_colour])

    _COLUMNS: ClassVar = {"isEnabled": "page_is_enabled", "name": "page_name", "colour": "page_colour"}

    @classmethod
    def wishes(cls, valid: Mapping[str, Any]) -> dict[str, Any]:
        """What was sent, by the merchant's own fields; null is the default."""
        wishes = {column: valid[name] for name, column in cls._COLUMNS.items() if name in valid}
        if "page_colour" in wishes:
            wishes["page_colour"] = (wishes["page_colour"] or "").lower()
        if "page_name" in wishes:
            wishes["page_name"] = wishes["page_name"] or ""
        return wishes
