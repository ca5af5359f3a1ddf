"""Preferences by API: who may, for whom, for which device."""

import httpx
import jwt
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import apps
from backend.services.apps import AppRow

V1 = "/api/v1"


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    return sqlite_core


async def device(http: httpx.AsyncClient, token: str, **given) -> dict[str, str]:
    body = {"platform": "ios", "token": token * 64, **given}
    answer = await http.post(f"{V1}/devices", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def proof(core: Core, app: AppRow, user: str) -> dict[str, str]:
    with core.reading(OPERATOR) as work:
        secret = apps.identity_secret(work, app.number)
    return {"Tocsin-User": jwt.encode({"sub": user, "exp": 2**31}, secret, "HS256")}


def shows(device: dict[str, str]) -> dict[str, str]:
    return {"Tocsin-Device": f"{device['id']}.{device['secret']}"}


async def test_a_device_speaks_for_itself_and_for_nobody_else(client: httpx.AsyncClient):
    mine, other = await device(client, "a"), await device(client, "b")
    path, said = f"{V1}/devices/{mine['id']}/preferences", {"categories": {"marketing": False}}
    assert (await client.get(path)).status_code == 401
    assert (await client.put(path, json=said)).status_code == 401
    assert (await client.put(path, json=said, headers=shows(other))).status_code == 403
    assert (await client.get(path, headers=shows(other))).status_code == 403
    answer = await client.put(path, json=said, headers=shows(mine))
    assert answer.json() == {
        "categories": {"transactional": None, "updates": None, "marketing": False},
        "holds": {"transactional": True, "updates": True, "marketing": False},
    }
    history = await client.get(f"{V1}/users/me/preferences/history", headers=shows(mine))
    (change,) = history.json()["items"]
    assert (change["what"], change["device_id"], change["before"], change["after"]) == (
        "category:marketing", mine["id"], None, False,
    )  # fmt: skip
    assert change["by"].startswith("key ")
    assert (await client.get(f"{V1}/users/me/preferences/history", headers=shows(other))).json()["items"] == []
    for wrong in ({}, {"categories": {"marketing": "perhaps"}}, {"categories": {}, "quiet_hours": None}):
        assert (await client.put(path, json=wrong, headers=shows(mine))).status_code == 422


async def test_a_link_is_given_to_the_person_themselves_and_to_their_back_end(
    core: Core, app: AppRow, client: httpx.AsyncClient, server: httpx.AsyncClient
):
    mine = await device(server, "a", user_id="ana")
    path = f"{V1}/users/ana/preferences-link"
    assert (await client.post(path)).status_code == 401
    assert (await client.post(path, headers=shows(mine))).status_code == 401  # a device proves no person by name
    assert (await client.post(path, headers=proof(core, app, "ben"))).status_code == 403
    links = [
        await client.post(path, headers=proof(core, app, "ana")),
        await client.post(f"{V1}/users/me/preferences-link", json={}, headers=shows(mine)),
        await server.post(path, json={"expires_in_days": 1}),
    ]
    assert [one.status_code for one in links] == [200] * 3
    for link in links:
        url = link.json()["url"]
        assert url.startswith(f"{core.settings.base_url}/preferences/")
        page = await server.get(url.removeprefix(core.settings.base_url))
        assert page.status_code == 200
    assert links[2].json()["expires_at"] < links[0].json()["expires_at"]
    assert (await server.post(f"{V1}/users/nobody/preferences-link")).status_code == 404
    for days in (0, 366, "x"):
        assert (await server.post(path, json={"expires_in_days": days})).status_code == 422


async def test_quiet_hours_have_days(server: httpx.AsyncClient):
    path = f"{V1}/users/ana/preferences"
    night = {"start": "22:00", "end": "07:00", "days": ["sun", "fri"]}
    answer = await server.put(path, json={"quiet_hours": night})
    assert answer.json()["quiet_hours"] == {**night, "days": ["fri", "sun"], "timezone": None}
    assert (await server.put(path, json={"quiet_hours": {**night, "days": ["Friday"]}})).status_code == 422


async def test_categories_are_changed_archived_and_brought_back(admin: httpx.AsyncClient):
    made = await admin.post(f"{V1}/categories", json={"slug": "news", "name": "News", "kind": "marketing"})
    assert made.status_code == 201
    path = f"{V1}/categories/news"
    changed = await admin.patch(path, json={"description": "Weekly", "caps": [{"kind": "daily", "pushes": 1}]})
    assert (changed.json()["description"], changed.json()["caps"]) == ("Weekly", [{"kind": "daily", "pushes": 1}])
    assert (await admin.patch(path, json={"slug": "other"})).status_code == 422
    assert (await admin.delete(path)).json()["archived_at"] is not None
    assert "news" not in (await admin.get(f"{V1}/categories")).text
    assert "news" in (await admin.get(f"{V1}/categories?archived=true")).text
    assert (await admin.post(f"{path}/restore")).json()["archived_at"] is None
    assert (await admin.delete(f"{V1}/categories/nothing")).status_code == 404
