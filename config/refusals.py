"""The errors that an operation may answer, as responses of the OpenAPI document."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from accounts.describing import Operation, Schema
from accounts.schemas import (
    OF_BODIES,
    OF_EVERY_ANSWER,
    OF_EVERY_ROUTE,
    OF_PARAMETERS,
    OF_PATHS,
    OF_POSTS,
    STATUSES,
    WITH_RETRY_AFTER,
)
from config.descriptions import ERRORS, PARAMETERS


def refusals(described: Operation, method: str, route: str) -> dict[int, tuple[str, ...]]:
    """The codes of an operation by status: its own, and those that its kind of route has anyway."""
    kinds = [described.errors]
    if described.native:
        kinds += [OF_EVERY_ROUTE]
        kinds += [OF_PARAMETERS] if _reads_parameters(described) else []
        kinds += [OF_BODIES] if described.body is not None else []
        kinds += [OF_PATHS] if "{" in route else []
        kinds += [OF_POSTS] if method == "POST" else []
    codes: defaultdict[int, set[str]] = defaultdict(set)
    for kind in kinds:
        for status, of_status in kind.items():
            codes[status].update(of_status)
    return {status: tuple(sorted(codes[status])) for status in sorted(codes)}


def refusal(status: int, codes: Collection[str]) -> tuple[str, Schema]:
    """The response component for these codes at this status, and its name."""
    headers = [*OF_EVERY_ANSWER, *(["Retry-After"] if status in WITH_RETRY_AFTER else [])]
    content = {"schema": _errors(codes), "examples": {code: {"value": _example(code)} for code in codes}}
    return "-".join([str(status), *codes]), {
        "description": f"{STATUSES[status]} `code` is {', '.join(f'`{code}`' for code in codes)}.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {"application/json": content},
    }


def _errors(codes: Collection[str]) -> Schema:
    one = {"type": "object", "properties": {"code": {"enum": list(codes)}}}
    narrowed = {"type": "object", "properties": {"errors": {"type": "array", "items": one}}}
    return {"allOf": [{"$ref": "#/components/schemas/Errors"}, narrowed]}


def _example(code: str) -> Mapping[str, object]:
    return {"errors": [{"code": code, "message": ERRORS[code]}], "data": None}


def _reads_parameters(described: Operation) -> bool:
    return described.query is not None or any(
        PARAMETERS[one]["in"] == "query" for one in described.parameters
    )
