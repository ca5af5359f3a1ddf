"""People over the API: found, their consents, switched off and on."""

from backend.db import OPERATOR
from backend.services import apps
from tests.services.test_people_search import TOKEN, add_person

USERS = "/api/v1/users"


async def found(server, **asked):
    answer = await server.get(USERS, params=asked)
    assert answer.status_code == 200, answer.text
    return [item["user_id"] for item in answer.json()["items"]]


async def test_people_are_found_by_whatever_one_has(core, app, server):
    add_person(core, app, "ana", hours=1, attributes={"plan": "pro"}, devices=[("ios", "active", "granted", TOKEN)])
    add_person(core, app, "ben", hours=2)
    assert await found(server) == ["ana", "ben"]
    assert await found(server, search="be") == ["ben"]
    assert await found(server, attribute="plan", value="pro") == ["ana"]
    assert await found(server, token=TOKEN) == ["ana"]
    assert await found(server, device="reachable", platform="ios") == ["ana"]
    first = (await server.get(USERS, params={"limit": 1})).json()
    assert await found(server, cursor=first["next"]) == ["ben"]
    assert (await server.get(USERS, params={"attribute": "plan"})).status_code == 422
    health = (await server.get("/api/v1/token-health")).json()
    assert health["platforms"][0]["reachable"] == 1


async def test_a_person_is_told_in_parts_and_by_our_id_too(core, app, server):
    add_person(core, app, None, devices=[("ios",)])
    ours = (await server.get(USERS)).json()["items"][0]["id"]
    for part in ("", "/events", "/pushes", "/segments", "/export", "/preferences", "/consents"):
        assert (await server.get(f"{USERS}/{ours}{part}")).status_code == 200, part
    assert (await server.post(f"{USERS}/{ours}/unsubscribe")).json() == {"devices": 1}
    assert (await server.get(f"{USERS}/{ours}")).json()["devices"][0]["reason"] == "by_team"
    assert (await server.post(f"{USERS}/{ours}/resubscribe")).json() == {"devices": 1}
    assert (await server.post(f"{USERS}/{ours}/resubscribe")).json() == {"devices": 0}


async def test_consents_are_told_by_the_back_end_and_by_the_person_s_own_device(core, app, server, connect, shop_keys):
    made = await server.post(f"{USERS}/ana/consents", json={"purpose": "marketing", "given": True, "how": "form 3"})
    assert (made.status_code, made.json()["recorded_by"]) == (201, "key server")
    device = await server.post("/api/v1/devices", json={"platform": "ios", "token": TOKEN})
    speaks = f"{device.json()['id']}.{device.json()['secret']}"
    own = connect(shop_keys.client, **{"Tocsin-Device": speaks})
    assert (await own.post(f"{USERS}/me/consents", json={"purpose": "profiling", "given": False})).status_code == 201
    assert [one["purpose"] for one in (await own.get(f"{USERS}/me/consents")).json()["items"]] == ["profiling"]
    assert (await own.get(f"{USERS}/ana/consents")).status_code == 401
    assert (await server.post(f"{USERS}/ana/consents", json={"purpose": "x"})).status_code == 422


async def test_retention_is_part_of_the_app(core, app, admin):
    path = f"/api/v1/apps/{app.id}"
    changed = await admin.patch(path, json={"retention": {"events": 90, "audit": None}})
    assert changed.json()["retention"] == {
        "events": 90,
        "deliveries": None,
        "attempts": 30,
        "imports": 30,
        "audit": None,
    }
    assert (await admin.get(path)).json()["retention"]["events"] == 90
    assert (await admin.patch(path, json={"retention": {"events": 0}})).json()["errors"][0][
        "field"
    ] == "retention.events"
    with core.reading(OPERATOR) as work:
        assert apps.get_app(work, app.number).retention["events"] == 90
