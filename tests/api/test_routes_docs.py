"""The documents that the API gives of itself."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from backend.api import docs
from backend.api.deps import marks
from backend.bootstrap import Core

V1 = "/api/v1"


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    return sqlite_core


def with_key(api: FastAPI) -> Iterator[str]:
    """Method and path of each route that asks for a key."""
    for route in iter_route_contexts(api.routes):
        if marks(route.dependant) != {"open"}:
            yield from (f"{method} {route.path}" for method in route.methods)


async def test_the_openapi_document_describes_every_route_under_the_prefix(api: FastAPI, visitor: httpx.AsyncClient):
    document = (await visitor.get("/api/openapi.json")).json()
    described = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    expected = set(with_key(api))
    assert expected <= described
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary"), (method, path)
            if path.startswith(V1):
                assert "4XX" in operation["responses"], (method, path)


async def test_every_reference_of_the_openapi_document_leads_somewhere(visitor: httpx.AsyncClient):
    document = (await visitor.get("/api/openapi.json")).json()
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert len(references) > 50
    for reference in references:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]


async def test_routes_with_a_key_say_so_in_the_openapi_document(api: FastAPI, visitor: httpx.AsyncClient):
    document = (await visitor.get("/api/openapi.json")).json()
    for method, path in (name.split() for name in with_key(api)):
        assert document["paths"][path][method.lower()]["security"] == [{"key": []}]


async def test_the_documentation_is_one_page_of_our_own(visitor: httpx.AsyncClient):
    answer = await visitor.get("/api/docs")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert not re.search(r"(?:src|href|url|@import)\s*[=(]?\s*[\"']?(?:https?:)?//", answer.text)
    anchors = set(re.findall(r'id="([^"]+)"', answer.text))
    assert set(re.findall(r'href="#([^"]+)"', answer.text)) <= anchors
    assert {"not_found", "invalid", "too_many_requests", "malformed"} <= anchors


def test_the_documentation_escapes_what_it_shows():
    evil = "<script>alert(1)</script>"
    operation = {"summary": evil, "description": evil, "tags": [evil], "responses": {"200": {"description": evil}}}
    document = {
        "info": {"title": evil, "version": evil, "description": evil},
        "paths": {f"/{evil}": {"get": operation}},
        "components": {"schemas": {evil: {"description": evil, "properties": {evil: {"type": evil, "enum": [evil]}}}}},
    }
    assert "<script>" not in docs.render(document)
