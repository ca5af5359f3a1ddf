"""Topics over HTTP: a back end's lists, a device's own word, and who may say it."""

import httpx
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.models import Credential
from backend.services.apps import AppRow

V1 = "/api/v1"


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    """What the databases differ in is tested below the API."""
    return sqlite_core


@pytest.fixture
def lane(core: Core, app: AppRow) -> None:
    """An FCM credential without a secret: nothing is sent here."""
    with core.work(OPERATOR, app.number) as work:
        row = Credential(
            app_id=app.number, provider="fcm", environment="production", public={"project_id": "shop"},
            sealed_secret=b"", created_at=work.now, updated_at=work.now,
        )  # fmt: skip
        work.session.add(row)


async def registered(http: httpx.AsyncClient, **given) -> dict:
    body = {"platform": "android", "token": "a-token-of-one-phone", "user_id": "ann", **given}
    return (await http.post(f"{V1}/devices", json=body)).json()


async def test_a_back_end_fills_a_topic_and_reads_it(lane, server: httpx.AsyncClient):
    await registered(server)
    await registered(server, platform="ios", token="ab" * 32)
    answer = await server.post(f"{V1}/topics/news/subscribe", json={"user_ids": ["ann", "bob"]})
    assert (answer.status_code, answer.json()) == (202, {"changed": 1, "unsupported": 1, "unknown": ["bob"]})
    topic = {"name": "news", "subscribed": 0, "pending": 1, "failed": 0}
    assert (await server.get(f"{V1}/topics")).json() == {"items": [topic], "next": None}
    assert (await server.get(f"{V1}/topics/news")).json() == topic
    again = await server.post(f"{V1}/topics/news/unsubscribe", json={"user_ids": ["ann"]})
    assert again.json()["changed"] == 1
    assert (await server.get(f"{V1}/topics/sport")).status_code == 404


@pytest.mark.parametrize("name", ["50%25_off", "a.b-c_d~e"])
async def test_every_letter_of_a_name_can_be_in_an_address(lane, server: httpx.AsyncClient, name: str):
    await registered(server)
    assert (await server.post(f"{V1}/topics/{name}/subscribe", json={"user_ids": ["ann"]})).status_code == 202
    assert (await server.get(f"{V1}/topics/{name}")).json()["name"] == name.replace("%25", "%")


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("news", {}, "body"),
        ("two%20words", {"user_ids": ["ann"]}, "topic"),
        ("x" * 901, {"user_ids": ["ann"]}, "topic"),
        ("news", {"user_ids": "ann"}, "user_ids"),
        ("news", {"users": ["ann"]}, "users"),
    ],
)
async def test_what_is_wrong_is_named(lane, server: httpx.AsyncClient, name: str, body: dict, field: str):
    answer = await server.post(f"{V1}/topics/{name}/subscribe", json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_name_with_the_old_prefix_is_nowhere(lane, server: httpx.AsyncClient):
    assert (await server.post(f"{V1}/topics//topics/news/subscribe", json={"user_ids": ["ann"]})).status_code == 404


async def test_a_device_joins_and_leaves_for_itself(lane, connect, shop_keys):
    made = await registered(connect(shop_keys.client), user_id=None)
    headers = {"Tocsin-Device": f"{made['id']}.{made['secret']}"}
    device = connect(shop_keys.client, **headers)
    joined = await device.put(f"{V1}/devices/{made['id']}/topics/news")
    assert joined.status_code == 202
    place = joined.json()
    assert (place["name"], place["state"], place["wanted"], place["reason"]) == ("news", "pending", True, None)
    assert (await device.get(f"{V1}/devices/{made['id']}")).json()["topics"] == [place]
    left = await device.delete(f"{V1}/devices/{made['id']}/topics/news")
    assert (left.status_code, left.json()["wanted"]) == (202, False)


async def test_a_device_speaks_for_no_other(lane, connect, shop_keys):
    http = connect(shop_keys.client)
    one = await registered(http, user_id=None)
    other = await registered(http, user_id=None, token="another-phones-token")
    device = connect(shop_keys.client, **{"Tocsin-Device": f"{one['id']}.{one['secret']}"})
    for method in ("PUT", "DELETE"):
        path = f"{V1}/devices/{other['id']}/topics/news"
        assert (await device.request(method, path)).status_code == 403
        assert (await http.request(method, path)).status_code == 401


async def test_only_firebase_devices_have_topics(server: httpx.AsyncClient):
    made = await registered(server, platform="ios", token="ab" * 32)
    answer = await server.put(f"{V1}/devices/{made['id']}/topics/news")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "device_id")


async def test_a_dead_device_joins_nothing(core: Core, lane, server: httpx.AsyncClient):
    made = await registered(server)
    assert (await server.patch(f"{V1}/devices/{made['id']}", json={"state": "unsubscribed"})).status_code == 200
    assert (await server.put(f"{V1}/devices/{made['id']}/topics/news")).status_code == 409
    assert (await server.delete(f"{V1}/devices/{made['id']}/topics/news")).status_code == 202


async def test_a_profile_tells_of_topics(lane, server: httpx.AsyncClient):
    await registered(server)
    await server.post(f"{V1}/topics/news/subscribe", json={"user_ids": ["ann"]})
    for path in ("", "/export"):
        told = (await server.get(f"{V1}/users/ann{path}")).json()
        assert [place["name"] for place in told["devices"][0]["topics"]] == ["news"]
