"""A save on stale text is refused, and says what differs from what."""

import httpx

from tests.api.test_server import V1, draft

CONTENT = {"title": "Hi", "body": "There"}


async def test_a_late_save_is_told_what_it_would_have_undone(server: httpx.AsyncClient):
    made = await draft(server, variants=[{"content": CONTENT}])
    path = f"{V1}/campaigns/{made}"
    assert (await server.patch(path, json={"variants": [{"content": {**CONTENT, "title": "Theirs"}}]})).is_success
    mine = {"name": "Mine", "variants": [{"content": {**CONTENT, "title": "Mine", "ios": {"badge": 3}}}], "version": 1}
    answer = await server.patch(path, json=mine)
    body = answer.json()
    assert (answer.status_code, body["type"].rpartition("#")[2], body["version"]) == (409, "stale", 2)
    assert {one["field"] for one in body["errors"]} == {
        "name",
        "variants[0].content.title",
        "variants[0].content.ios.badge",
    }
    assert body["current"]["variants"][0]["content"]["title"] == "Theirs"
    assert (await server.patch(path, json={**mine, "version": body["version"]})).json()["version"] == 3


async def test_what_cannot_be_read_is_late_all_the_same(server: httpx.AsyncClient):
    made = await draft(server)
    path = f"{V1}/campaigns/{made}"
    await server.patch(path, json={"name": "Theirs"})
    answer = await server.patch(path, json={"variants": [{"name": "A", "weight": "much"}], "version": 1})
    assert answer.status_code == 409
    assert all(one["field"].startswith("variants[0]") for one in answer.json()["errors"])


async def test_a_late_save_of_a_template_is_told_the_same(server: httpx.AsyncClient):
    made = (await server.post(f"{V1}/templates", json={"name": "T", "content": CONTENT})).json()
    path = f"{V1}/templates/{made['id']}"
    assert (await server.patch(path, json={"content": {**CONTENT, "title": "Theirs"}, "version": 1})).is_success
    answer = await server.patch(path, json={"content": {**CONTENT, "title": "Mine"}, "version": 1})
    body = answer.json()
    assert (answer.status_code, body["version"], body["current"]["content"]["title"]) == (409, 2, "Theirs")
    assert [one["field"] for one in body["errors"]] == ["content.title"]
    assert (await server.delete(path)).status_code == 204
    assert (await server.post(f"{path}/bring-back")).json()["saved_by"].startswith("key ")
