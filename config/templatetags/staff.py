"""What templates of the pages for staff need beside unfold's own tags."""

import json
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder

register = template.Library()


@register.filter
def as_json(value: Any) -> str:
    """The value as indented JSON, to be escaped like any text."""
    return json.dumps(value, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)
