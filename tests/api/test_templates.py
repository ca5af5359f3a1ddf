"""/templates: content kept in versions."""

import httpx
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import templates
from backend.services.apps import AppRow


async def test_a_templates_life(server: httpx.AsyncClient):
    made = await server.post("/api/v1/templates", json={"name": "Hello", "content": {"title": "Hi"}})
    assert made.status_code == 201
    row = made.json()
    assert (row["name"], row["version"], row["content"]["title"], row["content"]["ttl_seconds"]) == (
        "Hello",
        1,
        "Hi",
        86400,
    )
    path = f"/api/v1/templates/{row['id']}"
    assert (await server.get(path)).json() == row
    changed = (await server.patch(path, json={"content": {"title": "Ho"}})).json()
    assert (changed["name"], changed["version"], changed["content"]["title"]) == ("Hello", 2, "Ho")
    copied = await server.post(f"{path}/duplicate")
    assert (copied.status_code, copied.json()["name"]) == (201, "Hello (copy)")
    assert [one["version"] for one in (await server.get(f"{path}/versions")).json()["items"]] == [2, 1]
    listed = (await server.get("/api/v1/templates", params={"search": "copy"})).json()
    assert [one["id"] for one in listed["items"]] == [copied.json()["id"]]
    assert (await server.delete(path)).status_code == 204
    assert (await server.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"title": "{{ user.name"}, "content.title"),
        ({"link": "javascript:alert(1)"}, "content.link"),
        ({"locales": {"pl": {"nope": 1}}}, "content.locales.pl.nope"),
    ],
)
async def test_a_wrong_field_is_named(server: httpx.AsyncClient, content: dict, field: str):
    answer = await server.post("/api/v1/templates", json={"name": "x", "content": content})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_outsiders_are_refused(
    core: Core, other_app: AppRow, server: httpx.AsyncClient, client: httpx.AsyncClient, visitor: httpx.AsyncClient
):
    with core.work(OPERATOR, other_app.number) as work:
        theirs = templates.create(work, "Theirs", {"title": "x"}).id
    routes = (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/versions"), ("POST", "/duplicate"))
    for method, where in routes:
        path = f"/api/v1/templates/{theirs}{where}"
        body = {"name": "Mine"} if method == "PATCH" else None
        assert (await server.request(method, path, json=body)).status_code == 404, (method, where)
        assert (await visitor.request(method, path, json=body)).status_code == 401
        assert (await client.request(method, path, json=body)).status_code == 403
    for method in ("GET", "POST"):
        body = {"name": "x", "content": {"title": "x"}} if method == "POST" else None
        assert (await visitor.request(method, "/api/v1/templates", json=body)).status_code == 401
        assert (await client.request(method, "/api/v1/templates", json=body)).status_code == 403
    assert (await server.get("/api/v1/templates")).json()["items"] == []
