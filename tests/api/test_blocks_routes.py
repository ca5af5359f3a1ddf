"""/blocks, and what templates share with them: schemas, versions, uses, variables, and where a mistake is."""

from typing import Any

import httpx

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import blocks
from backend.services.apps import AppRow
from tests.factories import definition

V1 = "/api/v1"


async def test_a_blocks_life(server: httpx.AsyncClient):
    body = {"name": "footer", "text": "Yours, {{ app.name }}", "locales": {"pl": "Wasz {{ app.name }}"}}
    made = await server.post(f"{V1}/blocks", json=body)
    assert made.status_code == 201, made.text
    row = made.json()
    assert {name: row[name] for name in body} == body
    assert row["id"].startswith("blk_")
    path = f"{V1}/blocks/{row['id']}"
    assert (await server.get(path)).json() == row
    assert (await server.post(f"{V1}/blocks", json=body)).status_code == 409
    changed = (await server.patch(path, json={"locales": {}})).json()
    assert (changed["text"], changed["locales"]) == (body["text"], {})
    assert (await server.patch(path, json={"name": "other"})).status_code == 422
    assert [one["id"] for one in (await server.get(f"{V1}/blocks", params={"search": "foot"})).json()["items"]] == [row["id"]]  # fmt: skip
    content = {"title": "Hi. {{ block.footer }}"}
    made = await server.post(f"{V1}/campaigns", json=definition(variants=[{"name": "A", "content": content}]))
    campaign = made.json()["id"]
    (use,) = (await server.get(f"{path}/uses")).json()["items"]
    assert (use["kind"], use["id"], use["name"]) == ("campaign", campaign, "Spring sale")
    refused = await server.delete(path)
    assert (refused.status_code, "the campaign 'Spring sale'" in refused.json()["detail"]) == (409, True)
    assert (await server.delete(f"{V1}/campaigns/{campaign}")).status_code == 204
    assert (await server.delete(path)).status_code == 204
    assert (await server.get(path)).status_code == 404


async def problems(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 422, answer.text
    return answer.json()["errors"]


async def test_a_mistake_has_its_place(server: httpx.AsyncClient):
    (wrong,) = await problems(
        await server.post(f"{V1}/templates", json={"name": "x", "content": {"body": "Hi {{ user.a() }}"}})
    )
    assert (wrong["field"], wrong["at"], wrong["length"]) == ("content.body", 6, 8)
    (wrong,) = await problems(
        await server.post(f"{V1}/templates", json={"name": "x", "content": {"body": "Hi {{ block.nope }}"}})
    )
    assert (wrong["field"], wrong["at"], wrong["length"]) == ("content.body", 3, 16)
    (wrong,) = await problems(await server.post(f"{V1}/blocks", json={"name": "x", "text": "{{ who }}"}))
    assert (wrong["field"], wrong["at"], wrong["length"]) == ("text", 3, 3)
    (wrong,) = await problems(await server.post(f"{V1}/blocks", json={"name": "X", "text": "x"}))
    assert set(wrong) == {"field", "message"}, "where it is not known it is not told"


async def test_a_templates_schema_versions_and_uses(server: httpx.AsyncClient):
    schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
    body = {"name": "Order", "content": {"title": "{{ data.id }} {{ data.x }}"}, "data_schema": schema}
    made = await server.post(f"{V1}/templates", json=body)
    row = made.json()
    assert (made.status_code, row["data_schema"]) == (201, schema)
    assert [(one["field"], one["at"]) for one in row["warnings"]] == [("content.title", 17)]
    path = f"{V1}/templates/{row['id']}"
    assert (await server.patch(path, json={"data_schema": {}})).json()["data_schema"] is None
    back = (await server.post(f"{path}/restore", json={"version": 1})).json()
    assert (back["version"], back["data_schema"]) == (3, schema)
    assert (await server.post(f"{path}/restore", json={"version": 9})).status_code == 404
    versions = (await server.get(f"{path}/versions")).json()["items"]
    assert [(one["version"], one["restored_from"]) for one in versions] == [(3, 1), (2, None), (1, None)]
    assert all(one["created_by"] for one in versions)
    (wrong,) = await problems(
        await server.patch(path, json={"data_schema": {"properties": {"id": {"pattern": "(a+)+"}}}})
    )
    assert wrong["field"] == "data_schema.properties.id.pattern"
    message = {"to": {"user_ids": ["ann"]}, "template_id": row["id"], "data": {"id": 5}}
    (wrong,) = await problems(await server.post(f"{V1}/messages", json=message))
    assert (wrong["field"], wrong["message"]) == ("data.id", "must be string")
    variants = [{"name": "A", "template_id": row["id"]}]
    campaign = (await server.post(f"{V1}/campaigns", json=definition(variants=variants))).json()["id"]
    assert [one["id"] for one in (await server.get(f"{path}/uses")).json()["items"]] == [campaign]
    (wrong,) = await problems(await server.post(f"{V1}/campaigns/{campaign}/launch"))
    assert wrong["field"] == "variants[0].template_id"


async def test_what_texts_may_read(core: Core, app: AppRow, server: httpx.AsyncClient):
    with core.work(OPERATOR, app.number) as work:
        blocks.create(work, "footer", "Bye")
    event = {"name": "cart", "user_id": "ann", "properties": {"sku": "a1"}}
    assert (await server.post(f"{V1}/events", json={"events": [event]})).status_code == 202
    told = (await server.get(f"{V1}/templates/variables")).json()
    assert set(told) == {"profile", "attributes", "device", "event", "app", "blocks", "filters"}
    assert [one["name"] for one in told["blocks"]] == ["block.footer"]
    assert "event.sku" in {one["name"] for one in told["event"]}
    assert told["filters"][0]["example"] == "{{ user.nickname | default('friend') }}"
    assert (await server.get(f"{V1}/templates/variables", params={"event": "other"})).json()["event"] == []
