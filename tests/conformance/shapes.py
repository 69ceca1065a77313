"""Ship24's published shapes as JSON Schemas (2020-12), and whether an answer has one."""

import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

FOLDER = Path(__file__).parent / "schemas"
FORMATS = FormatChecker(formats=())
_OFFSET = r"(Z|[+-]\d\d:\d\d)"
_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"T\d\d:\d\d:\d\d(\.\d+)?"


@FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    """RFC 3339: a day, a time and an offset."""
    return not isinstance(value, str) or _is_written(_DATE + _TIME + _OFFSET, value)


@FORMATS.checks("logistic-date-time", raises=ValueError)
def _is_logistic(value: object) -> bool:
    """Ship24's four: with an offset, with Z, without either, the day alone."""
    return not isinstance(value, str) or _is_written(f"{_DATE}({_TIME}{_OFFSET}?)?", value)


def _is_written(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern, value) is not None and bool(datetime.fromisoformat(value))


@cache
def _registry() -> Registry[Any]:
    files = {path.name: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
    return Registry().with_resources((name, Resource.from_contents(schema)) for name, schema in files.items())


def faults(answer: Any, shape: str) -> list[str]:
    """Where the answer has not the shape of this name: path and reason."""
    schema = {"$ref": f"{shape}.json"}
    validator = Draft202012Validator(schema, registry=_registry(), format_checker=FORMATS)
    return [f"{error.json_path}: {error.message}"[:300] for error in validator.iter_errors(answer)]
