"""The OpenAPI document: it is valid, whole, and says what the code has."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.views import ApiView
from config import urls
from config.descriptions import OPERATIONS
from tests.docs.documents import page, table
from tests.openapi import METHODS, Doc, contents, examples, faults, operations, resolved, the_document


@pytest.fixture(scope="module")
def doc() -> Doc:
    return the_document()


class UndescribedView(ApiView):
    """A route that somebody forgot to describe."""

    def get(self, request: Request) -> Response:
        return Response({"data": {}})


def served(patterns: list[Any], prefix: str = "/") -> Iterator[tuple[str, type[APIView]]]:
    """Every route of the URL map that an API view answers, as the document writes it."""
    for one in patterns:
        where = prefix + re.sub(r"<(?:\w+:)?(\w+)>", lambda name: f"{{{_camel(name[1])}}}", str(one.pattern))
        if isinstance(one, URLResolver):
            yield from served(one.url_patterns, where)
        elif isinstance(one, URLPattern) and hasattr(one.callback, "view_class"):
            view = one.callback.view_class
            if issubclass(view, APIView):
                yield from (
                    (f"{method.upper()} {where}", view) for method in METHODS if hasattr(view, method)
                )


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda letter: letter[1].upper(), name)


def missing(doc: Doc, routes: Iterator[tuple[str, type[APIView]]]) -> list[str]:
    """What the document does not say about these routes."""
    described = dict(operations(doc))
    gaps = []
    for route, _ in routes:
        answers = described.get(route, {}).get("responses", {})
        good = [resolved(doc, answer) for status, answer in answers.items() if status[0] in "23"]
        told = [content for answer in good for content in answer.get("content", {}).values()]
        empty = any(status in answers for status in ("204", "304"))
        if not good or not (told or empty) or not all("schema" in one and examples(one) for one in told):
            gaps.append(route)
    return gaps


def test_the_document_is_valid_openapi_3_1(doc: Doc) -> None:
    assert doc["openapi"].startswith("3.1.")
    validate_schema(doc)


def test_the_document_is_made_without_a_warning() -> None:
    SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_every_reference_leads_somewhere(doc: Doc) -> None:
    references = set(re.findall(r"'\$ref': '([^']+)'", str(doc)))
    assert len(references) > 50
    for reference in references:
        assert resolved(doc, {"$ref": reference}), reference


def test_every_schema_is_a_json_schema(doc: Doc) -> None:
    for name, schema in doc["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema), name


def test_every_route_and_method_is_described_with_a_schema_and_an_example(doc: Doc) -> None:
    routes = [
        one for one in served(get_resolver().url_patterns) if not one[0].split()[1].startswith("/public/")
    ]
    assert len(routes) > 20
    assert missing(doc, iter(routes)) == []


def test_a_route_without_a_description_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    added = [*urls.urlpatterns, path("v1/forgotten", UndescribedView.as_view())]
    bare = SchemaGenerator(patterns=added).get_schema(request=None, public=True)
    assert missing(bare, served(added[-1:])) == ["GET /v1/forgotten"]
    assert any("GET /v1/forgotten" in error for error in GENERATOR_STATS._error_cache)
    GENERATOR_STATS.reset()


def test_every_description_has_a_route(doc: Doc) -> None:
    assert set(OPERATIONS) == {route for route, _ in operations(doc)}


def test_the_routes_under_public_are_the_same() -> None:
    routes = {route for route, _ in served(get_resolver().url_patterns)}
    doubled = {route.replace(" /public", " ") for route in routes if " /public/" in route}
    assert doubled == {f"{method.upper()} /v1/{rest}" for method, rest in _native()}


def _native() -> Iterator[tuple[str, str]]:
    for route, _ in served(urls.api, ""):
        method, rest = route.split()
        yield method, rest


def test_every_operation_says_what_it_does(doc: Doc) -> None:
    tags = {tag["name"] for tag in doc["tags"]}
    for route, operation in operations(doc):
        assert operation["summary"], route
        assert operation["description"], route
        assert set(operation["tags"]) <= tags, route
        assert operation["security"], route
    ids = [operation["operationId"] for _, operation in operations(doc)]
    assert len(ids) == len(set(ids))


def test_every_parameter_and_header_is_explained(doc: Doc) -> None:
    named = [*doc["components"]["parameters"].values(), *doc["components"]["headers"].values()]
    assert all(one["description"] and one["schema"] is not None for one in named)


def test_every_example_is_as_its_schema_says(doc: Doc) -> None:
    wrong = {}
    for route, operation in [*operations(doc), *_messages(doc)]:
        for where, content in contents(doc, operation):
            assert examples(content), f"{route} {where} has no example"
            for example in examples(content):
                if found := faults(doc, content["schema"], example):
                    wrong[f"{route} {where}"] = found
    assert wrong == {}


def _messages(doc: Doc) -> Iterator[tuple[str, Doc]]:
    for kind, item in doc["webhooks"].items():
        yield kind, item["post"]


def test_our_answers_hold_no_more_than_they_say(doc: Doc) -> None:
    loose = set()
    for route, operation in operations(doc):
        for status, response in operation["responses"].items():
            for content in resolved(doc, response).get("content", {}).values():
                loose |= {f"{route} {status}: {where}" for where in _loose(doc, content["schema"], set())}
    assert loose == set()


def _loose(doc: Doc, schema: Doc, seen: set[str]) -> Iterator[str]:
    """Objects of a schema that name properties and let others in."""
    if "$ref" in schema:
        if schema["$ref"] not in seen:
            yield from _loose(doc, resolved(doc, schema), seen | {schema["$ref"]})
        return
    if "allOf" in schema:  # the first is the shape, the others narrow it
        yield from _loose(doc, schema["allOf"][0], seen)
        return
    if "properties" in schema and "additionalProperties" not in schema:
        yield ", ".join(schema["properties"])
    for one in [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *schema.get("oneOf", [])]:
        yield from _loose(doc, one, seen)
    if "items" in schema:
        yield from _loose(doc, schema["items"], seen)


def test_posts_of_the_native_api_take_an_idempotency_key(doc: Doc) -> None:
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    posts = [
        operation
        for route, operation in operations(doc)
        if route.startswith("POST ") and operation["security"] == [{"bearer": []}]
    ]
    assert len(posts) > 5
    assert all(key in operation["parameters"] for operation in posts)


def test_the_error_codes_are_those_of_the_page(doc: Doc) -> None:
    rows = table(page("api"), "code", "status", "when")
    listed = {code for codes, *_ in rows for code in re.findall(r"\w+", codes)}
    assert set(doc["components"]["schemas"]["ErrorCode"]["enum"]) == listed


def test_the_statuses_of_error_codes_are_those_of_the_page(doc: Doc) -> None:
    rows = table(page("api"), "code", "status", "when")
    listed = {
        (code, status)
        for codes, statuses, _ in rows
        for code in re.findall(r"\w+", codes)
        for status in re.findall(r"\d+", statuses)
    }
    said = set()
    for name in doc["components"]["responses"]:
        status, *codes = name.split("-")
        said |= {(code, status) for code in codes}
    assert said <= listed


def test_every_message_type_of_the_page_is_among_the_webhooks(doc: Doc) -> None:
    rows = table(page("webhooks"), "type", "when it is sent", "body")
    milestones = doc["components"]["schemas"]["Milestone"]["enum"]
    listed = set()
    for kind, *_ in rows:
        listed |= {kind.replace("<milestone>", one) for one in milestones}
    # A test is for nobody to wish for, so the table leaves it out.
    assert set(doc["webhooks"]) == listed | {"test"}


def test_the_document_needs_no_key_and_is_not_sent_twice() -> None:
    first = Client().get("/v1/openapi.json")
    assert first.status_code == 200
    assert first["Content-Type"] == "application/json"
    again = Client().get("/v1/openapi.json", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


# Not for its own sake: the end of a file's answer looks after the connections that other tests left open.
@pytest.mark.django_db
def test_the_page_is_served_from_here_alone() -> None:
    shown = Client().get("/docs")
    assert shown.status_code == 200
    text = shown.content.decode()
    assert "//" not in re.sub(r"<!doctype html>", "", text)
    assert "<style" not in text
    assert not re.search(r"<script(?![^>]* src=)", text)
    used = re.findall(r"""(?:src|href|data-document)=["']([^"']+)["']""", text)
    assert len(used) >= 5
    for address in used:
        assert address.startswith("/")
        with closing(Client().get(address)) as answer:
            assert answer.status_code == 200, address
    assert "default-src 'none'" in shown["Content-Security-Policy"]
    assert "http" not in shown["Content-Security-Policy"]
