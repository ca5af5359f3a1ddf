"""/segments: kept, tried out, listed, and nobody else's."""

import httpx
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import segmentation
from backend.services.apps import AppRow
from tests.services.test_segmentation import fill

PRO = {"combinator": "and", "not": False, "rules": [{"field": "attr.plan", "operator": "=", "value": "pro"}]}
WRONG = {
    "combinator": "and",
    "rules": [{"combinator": "or", "rules": [{"field": "user.id", "operator": "=", "value": 5}]}],
}


@pytest.fixture
def people(core: Core, app: AppRow) -> None:
    with core.work(OPERATOR, app.number) as work:
        fill(work)


async def test_rules_are_tried_out(server: httpx.AsyncClient, people: None):
    answer = await server.post("/api/v1/segments/estimate", json={"rules": PRO})
    assert answer.status_code == 200
    assert answer.json() == {
        "users": 3,
        "devices": 4,
        "reachable": 2,
        "by_platform": {"ios": 2, "android": 2, "web": 0},
        "sample": ["ann", "bob", "dan"],
        "reachable_by_platform": {"ios": 1, "android": 1, "web": 0},
        "unreachable": {"unsubscribed": 1, "invalid": 1},
        "people_unreachable": {"unsubscribed": 1, "no_device": 1},
        "total_users": 5,
    }


async def test_a_segments_life(server: httpx.AsyncClient, people: None):
    made = await server.post("/api/v1/segments", json={"name": "Pro", "rules": PRO})
    assert made.status_code == 201
    row = made.json()
    assert (row["name"], row["rules"], row["description"]) == ("Pro", PRO, "plan is pro")
    path = f"/api/v1/segments/{row['id']}"
    assert (await server.get(path)).json() == row
    listed = (await server.get("/api/v1/segments", params={"limit": 1})).json()
    assert listed == {"items": [row], "next": None}
    page = (await server.get(f"{path}/members", params={"limit": 1})).json()
    assert page["items"][0]["user_id"] == "ann"
    assert len(page["items"][0]["device_ids"]) == 2
    rest = (await server.get(f"{path}/members", params={"cursor": page["next"]})).json()
    assert [one["user_id"] for one in rest["items"]] == ["bob", "dan"]
    changed = await server.put(path, json={"name": "All", "rules": {"combinator": "and", "rules": []}})
    assert (changed.json()["name"], changed.json()["description"]) == ("All", "everyone")
    assert (await server.delete(path)).status_code == 204
    assert (await server.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["segments", "segments/estimate"])
async def test_a_wrong_rule_is_named_by_its_path(server: httpx.AsyncClient, path: str):
    body = {"rules": WRONG} if path.endswith("estimate") else {"name": "x", "rules": WRONG}
    answer = await server.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == ["rules[0].rules[0].value"]


async def test_a_wrong_body_is_refused(server: httpx.AsyncClient):
    for body in (
        {},
        {"name": "x"},
        {"name": "", "rules": PRO},
        {"name": "x", "rules": []},
        {"name": "x", "rules": PRO, "y": 1},
    ):
        answer = await server.post("/api/v1/segments", json=body)
        assert answer.status_code == 422, body
        assert answer.json()["errors"]


async def test_a_segment_in_use_is_a_conflict(server: httpx.AsyncClient):
    used = (await server.post("/api/v1/segments", json={"name": "Pro", "rules": PRO})).json()["id"]
    rules = {"combinator": "and", "rules": [{"field": "segment", "operator": "in", "value": used}]}
    await server.post("/api/v1/segments", json={"name": "Outer", "rules": rules})
    assert (await server.delete(f"/api/v1/segments/{used}")).status_code == 409


async def test_where_a_segment_is_used(server: httpx.AsyncClient):
    used = (await server.post("/api/v1/segments", json={"name": "Pro", "rules": PRO})).json()["id"]
    assert (await server.get(f"/api/v1/segments/{used}/usage")).json() == {"items": []}
    rules = {"combinator": "and", "rules": [{"field": "segment", "operator": "in", "value": [used]}]}
    outer = (await server.post("/api/v1/segments", json={"name": "Outer", "rules": rules})).json()["id"]
    use = {"kind": "segment", "id": outer, "name": "Outer", "state": "", "frozen": False}
    assert (await server.get(f"/api/v1/segments/{used}/usage")).json() == {"items": [use]}


async def test_a_segment_is_copied_archived_and_brought_back(server: httpx.AsyncClient):
    made = (await server.post("/api/v1/segments", json={"name": "Pro", "rules": PRO})).json()
    copy = await server.post(f"/api/v1/segments/{made['id']}/duplicate")
    assert (copy.status_code, copy.json()["name"], copy.json()["rules"]) == (201, "Pro (copy)", PRO)
    await server.delete(f"/api/v1/segments/{made['id']}")
    archived = (await server.get("/api/v1/segments", params={"archived": True, "search": "pro"})).json()["items"]
    assert [one["id"] for one in archived] == [made["id"]]
    assert archived[0]["archived_at"]
    back = await server.post(f"/api/v1/segments/{made['id']}/restore")
    assert (back.status_code, back.json()["archived_at"]) == (200, None)
    assert (await server.get("/api/v1/segments", params={"archived": True})).json()["items"] == []
    assert len((await server.get("/api/v1/segments")).json()["items"]) == 2


async def test_a_change_may_say_what_it_was_made_of(server: httpx.AsyncClient):
    made = (await server.post("/api/v1/segments", json={"name": "Pro", "rules": PRO})).json()
    path, body = f"/api/v1/segments/{made['id']}", {"name": "Pros", "rules": PRO, "version": 1}
    assert (await server.put(path, json=body)).json()["version"] == 2
    assert (await server.put(path, json=body)).status_code == 409
    assert (await server.put(path, json={"name": "Pros", "rules": PRO})).json()["version"] == 3


async def test_rules_are_said_and_judged(server: httpx.AsyncClient, people: None):
    rules = {"combinator": "or", "rules": [*PRO["rules"], {"field": "user.country", "operator": "=", "value": "XX"}]}
    answer = await server.post("/api/v1/segments/check", json={"rules": rules})
    assert answer.json() == {"description": "plan is pro or country is XX", "marks": {"rules[1]": "nobody"}}
    assert (await server.post("/api/v1/segments/check", json={"rules": WRONG})).status_code == 422


async def test_outsiders_are_refused(
    core: Core, other_app: AppRow, server: httpx.AsyncClient, client: httpx.AsyncClient, visitor: httpx.AsyncClient
):
    with core.work(OPERATOR, other_app.number) as work:
        theirs = segmentation.create(work, "Theirs", PRO).id
    path = f"/api/v1/segments/{theirs}"
    body = {"name": "Mine", "rules": PRO}
    asked = [("GET", path), ("PUT", path), ("DELETE", path), ("GET", f"{path}/members"), ("GET", f"{path}/usage")]
    for method, where in (*asked, ("POST", f"{path}/duplicate"), ("POST", f"{path}/restore")):
        answer = await server.request(method, where, json=body if method == "PUT" else None)
        assert answer.status_code == 404, (method, where)
    for method, where in (
        ("GET", ""),
        ("POST", ""),
        ("POST", "/estimate"),
        ("GET", "/x"),
        ("PUT", "/x"),
        ("DELETE", "/x"),
        ("GET", "/x/members"),
        ("GET", "/x/usage"),
        ("POST", "/check"),
        ("POST", "/x/duplicate"),
        ("POST", "/x/restore"),
    ):
        assert (await visitor.request(method, f"/api/v1/segments{where}", json=body)).status_code == 401
        assert (await client.request(method, f"/api/v1/segments{where}", json=body)).status_code == 403
    assert (await server.get("/api/v1/segments")).json()["items"] == []
