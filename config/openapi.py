"""The OpenAPI document: drf-spectacular walks the routes, the apps' descriptions say what they do."""

import re
from typing import Any

from drf_spectacular.drainage import error
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from rest_framework.serializers import Serializer

from accounts.describing import Answer, Operation, Schema
from accounts.schemas import OF_EVERY_ANSWER
from config.descriptions import HEADERS, OPERATIONS, PARAMETERS, SCHEMAS, SECURITY, TAGS, messages
from config.openapi_fields import in_query
from config.refusals import refusal, refusals

#: Only these are shown: /public/v1 is the same as /v1.
_SHOWN = ("/v1/", "/api/")
_JSON = "application/json"


def shown(endpoints: list[Any], **_: Any) -> list[Any]:
    """drf-spectacular's hook before it walks: each route once, with `{trackerId}` for `{tracker_id}`."""
    return [(_camel(path), *rest) for path, *rest in endpoints if path.startswith(_SHOWN)]


def completed(result: Schema, **_: Any) -> Schema:
    """drf-spectacular's hook after it walked: the components that are written by hand, and the webhooks."""
    components = result["components"]
    written = {
        "schemas": SCHEMAS,
        "headers": HEADERS,
        "parameters": PARAMETERS,
        "securitySchemes": SECURITY,
    }
    for kind, named in written.items():
        known = components.get(kind, {})
        for name in set(known) & set(named):
            error(f"{kind} has two components named {name}")
        components[kind] = dict(sorted((known | named).items()))
    return result | {"tags": TAGS, "webhooks": messages()}


class Described(AutoSchema):
    """An operation as its description has it. One without a description is an error of the document."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Schema | None:
        self.registry, self.path, self.path_regex = registry, path, path_regex
        self.path_prefix, self.method = path_prefix, method.upper()
        described = OPERATIONS.get(f"{self.method} {path}")
        if described is None:
            error(f"{self.method} {path} is in no OPERATIONS of an app's schemas")
            return {"operationId": f"{self.method} {path}", "responses": {}}
        return self._operation(described)

    def _operation(self, described: Operation) -> Schema:
        operation: Schema = {
            "operationId": described.id,
            "summary": described.summary,
            "description": described.description,
            "tags": [described.tag],
            "security": [{scheme: []} for scheme in described.security],
            "responses": self._responses(described),
        }
        if parameters := self._described_parameters(described):
            operation["parameters"] = parameters
        if described.body is not None:
            operation["requestBody"] = self._described_body(described)
        return operation

    def _described_parameters(self, described: Operation) -> list[Schema]:
        named = [*re.findall(r"{(\w+)}", self.path), *described.parameters]
        if self._takes_idempotency_keys(described):
            named.append("IdempotencyKey")
        for name in set(named) - set(PARAMETERS):
            error(f"{self.method} {self.path} has a parameter {name} that nothing describes")
        references: list[Schema] = [{"$ref": f"#/components/parameters/{name}"} for name in named]
        known = {PARAMETERS[name]["name"] for name in named}
        read = self._query(described.query()) if described.query else []
        return [*references, *(one for one in read if one["name"] not in known)]

    def _takes_idempotency_keys(self, described: Operation) -> bool:
        return self.method == "POST" and described.native

    def _query(self, serializer: Serializer[Any]) -> list[Schema]:
        mapped = self._map_serializer(serializer, "request")  # type: ignore[no-untyped-call]
        required = mapped.get("required", [])
        return [
            {"name": name, "in": "query", "required": name in required} | in_query(schema)
            for name, schema in mapped["properties"].items()
        ]

    def _described_body(self, described: Operation) -> Schema:
        body = described.body
        schema = self.resolve_serializer(body, "request").ref if isinstance(body, type) else body
        told = {"schema": schema, "example": described.body_example}
        content = dict.fromkeys(described.body_media_types, told)
        return {"required": described.body_required, "content": content}

    def _responses(self, described: Operation) -> Schema:
        replayed = ("Idempotent-Replayed",) if self._takes_idempotency_keys(described) else ()
        responses = {str(status): _answer(one, replayed) for status, one in described.answers.items()}
        for status, codes in refusals(described, self.method, self.path).items():
            name, response = refusal(status, codes)
            if str(status) in responses:
                _join(responses[str(status)], response)
                continue
            component = ResolvedComponent(name, "responses", response, name)
            self.registry.register_on_missing(component)
            responses[str(status)] = component.ref
        return dict(sorted(responses.items()))


def _camel(path: str) -> str:
    return re.sub(r"_([a-z])(?=\w*})", lambda letter: letter[1].upper(), path)


def _answer(answer: Answer, replayed: tuple[str, ...]) -> Schema:
    names = [*OF_EVERY_ANSWER, *answer.headers, *replayed]
    response: Schema = {
        "description": answer.description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }
    if answer.schema is not None:
        response["content"] = {answer.media_type: {"schema": answer.schema, "example": answer.example}}
    return response


def _join(response: Schema, other: Schema) -> None:
    """Let a response be another one's body as well: a route with an envelope of its own has the usual too."""
    own, usual = response["content"][_JSON], other["content"][_JSON]
    own["schema"] = {"anyOf": [own["schema"], usual["schema"]]}
    own["examples"] = {"own": {"value": own.pop("example")}} | usual["examples"]
