"""Tests of campaigns and pictures, for programs; and our copies of pictures, for members."""

import httpx
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import credentials, ids, members, picture_shelf, sessions
from backend.services.registration import DeviceIn
from backend.services.subscribers import register_device
from tests.factories import definition

V1 = "/api/v1"
POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    return sqlite_core


@pytest.fixture
def people(core: Core, app) -> None:
    """Ann has a browser, Bob has nothing."""
    with core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, "webpush", {"subject": "mailto:push@shop.example"})
        point = {"endpoint": "https://fcm.googleapis.com/wp/ann", "keys": {"p256dh": POINT, "auth": "A" * 22}}
        body = {"platform": "web", "subscription": point, "user_id": "ann", "permission": "granted"}
        register_device(work, DeviceIn.model_validate(body), holder=None, trusted=True)


async def test_a_tester_is_added_tried_and_removed(server: httpx.AsyncClient, people):
    await server.put(f"{V1}/users/bob", json={})
    ann, bob = [
        (await server.post(f"{V1}/testers", json={"user_id": name, "name": name.title()})).json()
        for name in ("ann", "bob")
    ]
    assert [one["platform"] for one in ann["devices"]] == ["web"]
    assert bob["devices"] == []
    listed = (await server.get(f"{V1}/testers")).json()["items"]
    assert [(one["name"], one["member"]) for one in listed] == [("Ann", None), ("Bob", None)]
    campaign = f"{V1}/campaigns/{(await server.post(f'{V1}/campaigns', json=definition())).json()['id']}"
    sent = await server.post(f"{campaign}/test", json={"tester_ids": [ann["id"], bob["id"]], "variant": "A"})
    assert sent.status_code == 202
    assert sent.json()["unreached"] == [{"field": "tester_ids[1]", "name": "Bob", "reason": "has no device."}]
    (trial,) = (await server.get(f"{campaign}/tests")).json()["items"]
    assert (trial["run_id"], trial["open"]) == (sent.json()["run_id"], 1)
    one = (await server.get(f"{campaign}/tests/{trial['run_id']}")).json()["results"][0]
    assert (one["person"], one["state"], one["reply"]) == ("Ann", "planned", "Waits for its turn.")
    nobody = await server.post(f"{campaign}/test", json={"tester_ids": [bob["id"]]})
    assert nobody.status_code == 422
    assert nobody.json()["errors"][0]["message"] == "Bob has no device."
    wrong = await server.post(f"{campaign}/test", json={"user_ids": ["ann"], "variant": "Z"})
    assert wrong.json()["errors"][0]["field"] == "variant"
    assert (await server.get(f"{campaign}/tests/{sent.json()['deliveries'][0]}")).status_code == 404
    assert (await server.delete(f"{V1}/testers/{ann['id']}")).status_code == 204
    assert (await server.delete(f"{V1}/testers/{ann['id']}")).status_code == 404
    assert (await server.post(f"{V1}/testers", json={"user_id": "nobody"})).status_code == 404


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://shop.example/a.jpg", "must begin with https://"), ("https://127.0.0.1/a.jpg", "private network")],
)
async def test_a_picture_that_cannot_be_looked_at_is_told_why(server: httpx.AsyncClient, url: str, said: str):
    answer = await server.post(f"{V1}/pictures/check", json={"url": url})
    (wrong,) = answer.json()["errors"]
    assert (answer.status_code, wrong["field"]) == (422, "url")
    assert said in wrong["message"]


async def test_our_copies_are_for_members_of_their_app(core: Core, app, other_app, connect):
    key = picture_shelf.put(core, app.number, b"RIFF copy")
    theirs = picture_shelf.put(core, other_app.number, b"RIFF copy")
    assert (await connect().get(f"/pictures/{key}")).status_code == 401
    editor, analyst = (connect(Cookie=session(core, role, app)) for role in (Role.EDITOR, Role.ANALYST))
    assert (await analyst.get(f"/pictures/{key}")).status_code == 403
    shown = await editor.get(f"/pictures/{key}")
    assert (shown.status_code, shown.content, shown.headers["content-type"]) == (200, b"RIFF copy", "image/webp")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert shown.headers["cache-control"] == "private, max-age=86400, immutable"
    for gone in (theirs, "0" * 64, "..%2F..%2Fsecret_keys"):
        assert (await editor.get(f"/pictures/{gone}")).status_code == 404
    elsewhere = await editor.get(f"/pictures/{key}", headers={"Origin": "https://evil.example"})
    assert elsewhere.status_code == 403


def session(core: Core, role: Role, app) -> str:
    with core.work(OPERATOR, app.number) as work:
        made = members.add_member(work, f"{role}@shop.example", role, app_number=app.number, password="correct horse")
        token = sessions.start(work, ids.number(work, ids.MEMBER, made.id))
    return f"{members.COOKIE}={token}"
