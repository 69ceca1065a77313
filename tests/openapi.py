"""The OpenAPI document, and whether something is as it says."""

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from config.documentation import document

METHODS = ("get", "post", "put", "patch", "delete")
Doc = dict[str, Any]


def the_document() -> Doc:
    """The document as it is served."""
    served: Doc = json.loads(document())
    return served


def operations(doc: Doc) -> Iterator[tuple[str, Doc]]:
    """Every operation by its route, written `GET /v1/trackers`."""
    for path, item in doc["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def resolved(doc: Doc, part: Doc) -> Doc:
    """The component that a reference names; anything else is itself."""
    if "$ref" not in part:
        return part
    found: Any = doc
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    named: Doc = found
    return named


def faults(doc: Doc, schema: Doc, value: Any) -> list[str]:
    """What is wrong with a value by a schema of the document."""
    whole = {"allOf": [schema], "components": doc["components"]}
    found = Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in found]


def contents(doc: Doc, operation: Doc) -> Iterator[tuple[str, Doc]]:
    """Every body of an operation, the request's first: where it stands, and its media type object."""
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"request {media}", content
    for status, response in operation["responses"].items():
        for media, content in resolved(doc, response).get("content", {}).items():
            yield f"{status} {media}", content


def examples(content: Doc) -> list[Any]:
    """The examples of a body."""
    named = [one["value"] for one in content.get("examples", {}).values()]
    return [content["example"], *named] if "example" in content else named


def answer_faults(doc: Doc, route: str, answer: Any) -> list[str]:
    """What is wrong with a real answer to this route."""
    method, path = route.split()
    responses = doc["paths"][path][method.lower()]["responses"]
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if str(answer.status_code) not in responses:
        return [f"{answer.status_code} is not among {', '.join(responses)}: {body[:300]!r}"]
    response = resolved(doc, responses[str(answer.status_code)])
    wrong = _header_faults(doc, response, answer)
    if "content" not in response:
        return wrong + ([f"a body: {body[:300]!r}"] if body else [])
    media = answer["Content-Type"].partition(";")[0]
    if media not in response["content"]:
        return [*wrong, f"{media} is not among {', '.join(response['content'])}"]
    schema = response["content"][media]["schema"]
    if line := schema.get("x-line-schema"):
        return wrong + [fault for one in body.splitlines() for fault in faults(doc, line, json.loads(one))]
    return wrong + faults(doc, schema, json.loads(body))


def _header_faults(doc: Doc, response: Doc, answer: Any) -> list[str]:
    required = [
        name for name, header in response.get("headers", {}).items() if resolved(doc, header).get("required")
    ]
    return [f"no {name}" for name in required if name not in answer]
