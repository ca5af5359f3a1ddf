"""What an attacker with a server key would post where texts, schemas, blocks and pictures are taken."""

import json
import time
from typing import Any

import httpx
import pytest

from backend.bootstrap import Core
from tests.api.conftest import keys_of
from tests.factories import definition

V1 = "/api/v1"
JSON = {"Content-Type": "application/json"}
SAYS = {"title": "{{ data.x | default('') }}"}


async def posted(server: httpx.AsyncClient, path: str, body: Any) -> httpx.Response:
    content = body if isinstance(body, str) else json.dumps(body)
    return await server.post(V1 + path, content=content, headers=JSON)


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ({"format": []}, "data_schema.format"),
        ({"format": {}}, "data_schema.format"),
        ({"properties": {"x": {"format": ["date"]}}}, "data_schema.properties.x.format"),
        ({"properties": []}, "data_schema.properties"),
        ({"properties": {"x": []}}, "data_schema.properties.x"),
        ({"$schema": []}, "data_schema.$schema"),
        ({"type": []}, "data_schema.type"),
        ({"anyOf": []}, "data_schema.anyOf"),
        ({"title": "\0"}, None),
        ({"title": "\ud800"}, None),
    ],
)
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_schema_that_is_none_is_refused_where_it_is_wrong(server, schema, field):
    answer = await posted(server, "/templates", {"name": "x", "content": SAYS, "data_schema": schema})
    assert answer.status_code == 422, answer.text
    assert field is None or answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("number", ["NaN", "1e999", "-Infinity"])
async def test_what_is_no_number_is_kept_nowhere(server, number: str):
    schema = f'{{"name": "x", "content": {{"title": "x"}}, "data_schema": {{"properties": {{"x": {{"maximum": {number}}}}}}}}}'
    data = f'{{"to": {{"user_ids": ["u"]}}, "content": {{"title": "x"}}, "data": {{"x": {number}}}}}'
    for path, body in (("/templates", schema), ("/messages", data)):
        assert 400 <= (await posted(server, path, body)).status_code < 500


@pytest.mark.parametrize("schema", [{"anyOf": [True]}, {"allOf": [True, False]}, {"oneOf": [True], "type": "object"}])
async def test_a_schema_may_have_a_part_that_is_only_yes_or_no(server, schema):
    made = await posted(server, "/templates", {"name": "x", "content": SAYS, "data_schema": schema})
    assert made.status_code == 201, made.text
    body = {"to": {"user_ids": ["u"]}, "template_id": made.json()["id"], "data": {"x": [1]}}
    assert (await posted(server, "/messages", body)).status_code in {202, 422}


@pytest.mark.parametrize("version", [0, -1, 2**31, 2**63, 10**30])
async def test_a_version_that_there_cannot_be(server, version: int):
    made = await posted(server, "/templates", {"name": "x", "content": {"title": "x"}})
    answer = await posted(server, f"/templates/{made.json()['id']}/restore", {"version": version})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "version")


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
@pytest.mark.parametrize("text", ["{{ block.a }} " * 600_000, "{% if " * 1_000_000, "{" * 9_000_000])
async def test_a_block_that_is_far_too_long_is_not_even_read(server, text: str):
    body = json.dumps({"name": "foot", "text": text})
    begun = time.process_time()
    answer = await posted(server, "/blocks", body)
    assert time.process_time() - begun < 4  # it was 50 s
    assert answer.json()["errors"] == [{"field": "text", "message": "is longer than 8192 bytes"}]


@pytest.mark.parametrize(
    ("locales", "field"),
    [
        ({"": "y"}, "locales."),
        ({"pl": "a", "PL": "b"}, "locales.PL"),
        ({"pt-BR": "a", "pt_br": "b"}, "locales.pt_br"),
        ({"no tag": "a"}, "locales.no tag"),
    ],
)
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_no_text_of_a_block_takes_the_place_of_another(server, locales, field):
    answer = await posted(server, "/blocks", {"name": "foot", "text": "x", "locales": locales})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_what_belongs_to_another_app_is_not_there(core: Core, server, connect, other_app):
    """With ids that are real, of every kind that the composer made."""
    theirs = connect(keys_of(core, other_app.number).server)
    await theirs.put(f"{V1}/users/ann", json={})
    blk = (await posted(theirs, "/blocks", {"name": "foot", "text": "theirs"})).json()["id"]
    tpl = (await posted(theirs, "/templates", {"name": "x", "content": {"title": "{{ block.foot }}"}})).json()["id"]
    tst = (await posted(theirs, "/testers", {"user_id": "ann"})).json()["id"]
    cmp = (await posted(theirs, "/campaigns", definition())).json()["id"]
    mine = (await posted(server, "/campaigns", definition())).json()["id"]
    asked = [
        ("GET", f"/blocks/{blk}"), ("GET", f"/blocks/{blk}/uses"), ("PATCH", f"/blocks/{blk}"), ("DELETE", f"/blocks/{blk}"),
        ("GET", f"/templates/{tpl}"), ("GET", f"/templates/{tpl}/versions"), ("GET", f"/templates/{tpl}/uses"),
        ("POST", f"/templates/{tpl}/restore"), ("POST", f"/templates/{tpl}/duplicate"), ("DELETE", f"/testers/{tst}"),
        ("GET", f"/campaigns/{cmp}/tests"), ("POST", f"/campaigns/{cmp}/test"), ("GET", f"/campaigns/{cmp}/approval"),
        ("POST", f"/campaigns/{cmp}/approval"), ("POST", f"/campaigns/{cmp}/approval/withdraw"),
    ]  # fmt: skip
    bodies = {"restore": {"version": 1}, "test": {"user_ids": ["ann"]}}
    for method, path in asked:
        answer = await server.request(method, V1 + path, json=bodies.get(path.rpartition("/")[2], {}))
        assert answer.status_code == 404, (method, path, answer.text)
    for body in ({"tester_ids": [tst]}, {"user_ids": ["ann"]}):
        assert (await posted(server, f"/campaigns/{mine}/test", body)).status_code == 422
    text = {"name": "x", "content": {"title": "{{ block.foot }}"}}
    assert "there is no block 'foot'" in (await posted(server, "/templates", text)).text
    sent = await posted(server, "/messages", {"to": {"user_ids": ["ann"]}, "template_id": tpl})
    assert sent.status_code in {404, 422}
    assert (await server.get(f"{V1}/testers")).json()["items"] == []
