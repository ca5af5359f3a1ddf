"""The ingest routes: what they answer, and that an outsider is refused by each."""

import asyncio
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from push_rows import add_deliveries, add_run, signed

from backend.api.groups import close_groups
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import apps, credentials, keys

TOKEN = "00ff" * 16
OTHER_TOKEN = "aa" * 32
PHONE = {"platform": "ios", "token": TOKEN}
V1 = "/api/v1"


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    """What the databases differ in is tested below the API."""
    return sqlite_core


@pytest.fixture(autouse=True)
def closing(api):
    yield
    close_groups(api)


@pytest.fixture
def prove(core, app):
    """Headers by which the app's back end proves a user."""

    def headers(user: str, hours: float = 1) -> dict[str, str]:
        with core.reading(OPERATOR, app.number) as work:
            secret = apps.identity_secret(work, app.number)
        claims = {"sub": user, "exp": datetime.now(UTC) + timedelta(hours=hours)}
        return {"Tocsin-User": jwt.encode(claims, secret, algorithm="HS256")}

    return headers


def key(core: Core, app, scope: str) -> str:
    with core.work(OPERATOR, app.number) as work:
        return keys.add_key(work, scope=scope)[1]


async def register(http, headers=None, **body) -> dict[str, str]:
    """The headers by which the registered device speaks."""
    answer = await http.post(f"{V1}/devices", json={**PHONE, **body}, headers=headers or {})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return {"id": made["id"], "Tocsin-Device": f"{made['id']}.{made['secret']}"}


def device_headers(registered: dict[str, str]) -> dict[str, str]:
    return {"Tocsin-Device": registered["Tocsin-Device"]}


def problem(answer, status: int, *fields: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert [one["field"] for one in answer.json().get("errors", [])] == list(fields)


async def test_a_device_registers_and_speaks_for_itself(client):
    phone = await register(client, locale="pl", app_version="1.2")
    me = device_headers(phone)
    shown = (await client.get(f"{V1}/devices/{phone['id']}", headers=me)).json()
    assert (shown["id"], shown["user_id"], shown["locale"]) == (phone["id"], None, "pl")
    assert shown.keys() >= {"platform", "provider", "environment", "state", "reason", "permission", "last_seen"}
    assert TOKEN not in str(shown)
    changed = await client.patch(f"{V1}/devices/{phone['id']}", headers=me, json={"permission": "granted"})
    assert (changed.status_code, changed.json()["permission"]) == (200, "granted")
    assert (await client.delete(f"{V1}/devices/{phone['id']}", headers=me)).status_code == 204
    problem(await client.get(f"{V1}/devices/{phone['id']}", headers=me), 401)


async def test_the_same_address_answers_200_and_the_secret_to_those_who_may_know_it(client, server):
    first = (await client.post(f"{V1}/devices", json=PHONE)).json()
    stranger = await client.post(f"{V1}/devices", json=PHONE)
    assert (stranger.status_code, stranger.json()) == (200, {"id": first["id"]})
    holder = await client.post(
        f"{V1}/devices", json=PHONE, headers={"Tocsin-Device": f"{first['id']}.{first['secret']}"}
    )
    assert (holder.status_code, holder.json()) == (200, first)
    back_end = await server.post(f"{V1}/devices", json=PHONE)
    assert (back_end.status_code, back_end.json()["id"]) == (200, first["id"])
    assert back_end.json()["secret"] not in {None, first["secret"]}


async def test_a_device_that_is_gone_registers_anew_with_its_old_header(client):
    gone = await register(client)
    assert (await client.delete(f"{V1}/devices/{gone['id']}", headers=device_headers(gone))).status_code == 204
    again = await register(client, headers=device_headers(gone))
    assert again["id"] != gone["id"]


async def test_a_wrong_field_is_named(client, server):
    problem(await client.post(f"{V1}/devices", json={**PHONE, "platform": "tv"}), 422, "platform")
    problem(await client.post(f"{V1}/devices", json={**PHONE, "token": "zz"}), 422, "token")
    problem(await client.post(f"{V1}/devices", json={**PHONE, "colour": "red"}), 422, "colour")
    problem(await client.post(f"{V1}/events", json={"events": [{"user_id": "ana"}]}), 422, "events[0].name")
    problem(await server.put(f"{V1}/users/ana", json={"attributes": {"a": {}}}), 422, "attributes.a")
    problem(await server.put(f"{V1}/users/me", json={}), 422, "user_id")
    wish = {"categories": {"transactional": False}}
    problem(await server.put(f"{V1}/users/ana/preferences", json=wish), 422, "categories.transactional")
    many = {"users": [{"user_id": f"u{n}"} for n in range(1001)]}
    problem(await server.post(f"{V1}/users/batch", json=many), 422, "users")


async def test_without_a_key_or_with_a_wrong_one_nothing_but_receipts_is_open(connect, client):
    phone = await register(client)
    calls = [
        ("POST", "/devices"), ("GET", f"/devices/{phone['id']}"), ("PATCH", f"/devices/{phone['id']}"),
        ("DELETE", f"/devices/{phone['id']}"), ("PUT", "/users/ana"), ("POST", "/events"),
        ("GET", "/users/ana/preferences"), ("PUT", "/users/ana/preferences"), ("GET", "/webpush-key"),
        ("POST", "/users/batch"), ("POST", "/devices/batch"), ("GET", "/users/ana"), ("GET", "/users/ana/export"),
        ("DELETE", "/users/ana"), ("POST", "/lists"), ("GET", "/lists"), ("POST", "/lists/lst_x/members"),
        ("DELETE", "/lists/lst_x/members"),
    ]  # fmt: skip
    for method, path in calls:
        for shown in (None, "tk_client_" + "x" * 43):
            problem(await connect(shown).request(method, V1 + path, json={}), 401)


async def test_what_is_the_back_ends_is_not_for_a_client_key(client, prove):
    for method, path in (
        ("POST", "/users/batch"), ("POST", "/devices/batch"), ("GET", "/users/ana"), ("GET", "/users/ana/export"),
        ("DELETE", "/users/ana"), ("POST", "/lists"), ("GET", "/lists"), ("GET", "/lists/lst_x"),
        ("POST", "/lists/lst_x/members"), ("DELETE", "/lists/lst_x/members"),
    ):  # fmt: skip
        problem(await client.request(method, V1 + path, json={}, headers=prove("ana")), 403)


async def test_a_device_is_shown_changed_and_removed_by_itself_only(client, connect, core, other_app):
    mine, theirs = await register(client), await register(client, token=OTHER_TOKEN)
    stranger = connect(key(core, other_app, "client"))
    abroad = await register(stranger)
    for method in ("GET", "PATCH", "DELETE"):
        path = f"{V1}/devices/{mine['id']}"
        problem(await client.request(method, path, json={}), 401)
        problem(await client.request(method, path, json={}, headers=device_headers(theirs)), 403)
        problem(await client.request(method, path, json={}, headers={"Tocsin-Device": f"{mine['id']}.x"}), 401)
        problem(await stranger.request(method, path, json={}, headers=device_headers(mine)), 401)
        problem(await stranger.request(method, path, json={}, headers=device_headers(abroad)), 404)
        problem(await connect(key(core, other_app, "server")).request(method, path, json={}), 404)


async def test_a_person_is_named_with_proof_only(client, prove):
    body = {**PHONE, "user_id": "ana"}
    problem(await client.post(f"{V1}/devices", json=body), 401)
    problem(await client.post(f"{V1}/devices", json=body, headers=prove("ben")), 403)
    problem(await client.post(f"{V1}/devices", json=body, headers=prove("ana", hours=-1)), 401)
    phone = await register(client, headers=prove("ana"), user_id="ana")
    me = device_headers(phone)
    for method, path, content in (
        ("PUT", "/users/ana", {}), ("GET", "/users/ana/preferences", None), ("PUT", "/users/ana/preferences", {}),
        ("POST", "/events", {"events": [{"name": "seen", "user_id": "ana"}]}),
    ):  # fmt: skip
        problem(await client.request(method, V1 + path, json=content), 401)
        problem(await client.request(method, V1 + path, json=content, headers={**me, **prove("ben")}), 403)
        accepted = await client.request(method, V1 + path, json=content, headers={**me, **prove("ana")})
        assert accepted.status_code in {200, 202}
    problem(await client.patch(f"{V1}/devices/{phone['id']}", headers=me, json={"user_id": "ben"}), 401)
    problem(
        await client.patch(f"{V1}/devices/{phone['id']}", headers={**me, **prove("ana")}, json={"user_id": "ben"}), 403
    )


async def test_me_is_the_proven_user_or_else_the_devices(client, server, prove):
    phone = await register(client)
    me = device_headers(phone)
    problem(await client.put(f"{V1}/users/me", json={}), 401)
    problem(await client.get(f"{V1}/users/me/preferences"), 401)
    guest = await client.put(f"{V1}/users/me", headers=me, json={"attributes": {"from": "ad"}})
    assert (guest.json()["user_id"], guest.json()["attributes"]) == (None, {"from": "ad"})
    ana = await client.put(f"{V1}/users/me", headers=prove("ana"), json={"country": "PL"})
    assert (ana.json()["user_id"], ana.json()["country"]) == ("ana", "PL")
    signing_in = await client.patch(
        f"{V1}/devices/{phone['id']}", headers={**me, **prove("ana")}, json={"user_id": "ana"}
    )
    assert signing_in.json()["user_id"] == "ana"
    profile = (await server.get(f"{V1}/users/ana")).json()
    assert (profile["attributes"], profile["country"]) == ({"from": "ad"}, "PL")
    assert [device["id"] for device in profile["devices"]] == [phone["id"]]
    wish = await client.put(f"{V1}/users/me/preferences", headers=me, json={"categories": {"marketing": False}})
    assert wish.json()["categories"]["marketing"] is False
    assert (await server.get(f"{V1}/users/ana/preferences")).json() == wish.json()
    signing_out = await client.patch(f"{V1}/devices/{phone['id']}", headers=me, json={"user_id": None})
    assert signing_out.json()["user_id"] is None


async def test_an_app_may_take_user_ids_at_their_word(client, core, app):
    with core.work(OPERATOR) as work:
        apps.update_app(work, app.number, identity_verification=False)
    await register(client, user_id="ana")
    assert (await client.put(f"{V1}/users/ana", json={"country": "pl"})).json()["country"] == "PL"
    told = {"events": [{"name": "seen", "user_id": "ana"}]}
    assert (await client.post(f"{V1}/events", json=told)).status_code == 202


async def test_events_of_a_device_are_its_own(client, server, connect, core, other_app):
    mine, theirs = await register(client), await register(client, token=OTHER_TOKEN)
    me = device_headers(mine)
    event = {"name": "seen", "id": "e1"}
    problem(await client.post(f"{V1}/events", json={"events": [event]}), 401)
    own = await client.post(f"{V1}/events", headers=me, json={"events": [event, {**event, "device_id": mine["id"]}]})
    assert (own.status_code, own.json()) == (202, {"accepted": 1, "duplicates": 1})
    foreign = {"events": [{**event, "device_id": theirs["id"]}]}
    problem(await client.post(f"{V1}/events", headers=me, json=foreign), 403)
    assert (await server.post(f"{V1}/events", json=foreign)).json() == {"accepted": 0, "duplicates": 1}
    abroad = connect(key(core, other_app, "server"))
    problem(await abroad.post(f"{V1}/events", json=foreign), 422, "events[0].device_id")


async def test_a_user_of_another_app_is_not_found(server, connect, core, other_app):
    await server.put(f"{V1}/users/ana", json={})
    made = (await server.post(f"{V1}/lists", json={"name": "VIP"})).json()
    abroad = connect(key(core, other_app, "server"))
    for method, path in (
        ("GET", "/users/ana"), ("GET", "/users/ana/export"), ("DELETE", "/users/ana"),
        ("GET", "/users/ana/preferences"), ("GET", f"/lists/{made['id']}"),
    ):  # fmt: skip
        problem(await abroad.request(method, V1 + path), 404)
    for method in ("POST", "DELETE"):
        answer = await abroad.request(method, f"{V1}/lists/{made['id']}/members", json={"user_ids": ["ana"]})
        problem(answer, 404)
    assert (await abroad.get(f"{V1}/lists")).json() == {"items": [], "next": None}


async def test_batches_tell_of_each_item(server):
    users = {"users": [{"user_id": "ana", "country": "PL"}, {"user_id": "ben", "country": "Poland"}]}
    results = (await server.post(f"{V1}/users/batch", json=users)).json()["results"]
    assert results[0] == {"index": 0, "status": 200, "id": "ana"}
    assert (results[1]["index"], results[1]["status"], "id" in results[1]) == (1, 422, False)
    assert results[1]["errors"][0]["field"] == "country"
    devices = {"devices": [{**PHONE, "user_id": "ana"}, {"platform": "web"}]}
    results = (await server.post(f"{V1}/devices/batch", json=devices)).json()["results"]
    assert [(one["index"], one["status"]) for one in results] == [(0, 201), (1, 422)]
    assert (await server.get(f"{V1}/devices/{results[0]['id']}")).json()["user_id"] == "ana"


async def test_a_person_is_exported_and_erased(server):
    await server.put(f"{V1}/users/ana", json={"attributes": {"plan": "pro"}})
    phone = await server.post(f"{V1}/devices", json={**PHONE, "user_id": "ana"})
    held = (await server.get(f"{V1}/users/ana/export")).json()
    assert (held["user"]["attributes"], held["devices"][0]["id"]) == ({"plan": "pro"}, phone.json()["id"])
    assert (await server.delete(f"{V1}/users/ana")).status_code == 204
    problem(await server.get(f"{V1}/users/ana"), 404)
    problem(await server.get(f"{V1}/devices/{phone.json()['id']}"), 404)
    problem(await server.delete(f"{V1}/users/ana"), 404)


async def test_lists(server):
    await server.put(f"{V1}/users/ana", json={})
    made = await server.post(f"{V1}/lists", json={"name": "VIP"})
    assert made.status_code == 201
    path = f"{V1}/lists/{made.json()['id']}"
    added = await server.post(f"{path}/members", json={"user_ids": ["ana", "nobody"]})
    assert added.json() == {"changed": 1, "members": 1, "unknown": ["nobody"]}
    assert (await server.get(path)).json()["members"] == 1
    assert [one["name"] for one in (await server.get(f"{V1}/lists")).json()["items"]] == ["VIP"]
    removed = await server.request("DELETE", f"{path}/members", json={"user_ids": ["ana"]})
    assert removed.json()["members"] == 0
    problem(await server.post(f"{V1}/lists", json={"name": " "}), 422, "name")


async def test_the_key_that_browsers_subscribe_with(client, core, app):
    problem(await client.get(f"{V1}/webpush-key"), 404)
    with core.work(OPERATOR, app.number) as work:
        made = credentials.add_credential(work, "webpush", {"subject": "mailto:push@shop.example"})
    assert (await client.get(f"{V1}/webpush-key")).json() == {"public_key": made.public["public_key"]}


@pytest.fixture
def pushes(core, app):
    """What ten accepted pushes carried."""
    due = datetime.now(UTC) - timedelta(hours=1)
    numbers = add_deliveries(core, add_run(core, app.number), ["accepted"] * 10, due_at=due)
    return [{**signed(core, app.number, number), "type": "opened"} for number in numbers]


async def test_receipts_need_no_key_and_are_counted_once(visitor, pushes):
    told = {"receipts": [*pushes[:2], pushes[0], {**pushes[1], "t": "x" * 40}]}
    answer = await visitor.post(f"{V1}/receipts", json=told)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "duplicates": 1, "refused": 1})
    again = await visitor.post(f"{V1}/receipts", json=told, headers={"Content-Type": "text/plain"})
    assert again.json() == {"accepted": 0, "duplicates": 3, "refused": 1}


async def test_receipts_sent_at_once_are_each_answered(visitor, pushes):
    calls = [visitor.post(f"{V1}/receipts", json={"receipts": [push]}) for push in pushes]
    answers = [answer.json() for answer in await asyncio.gather(*calls)]
    assert answers == [{"accepted": 1, "duplicates": 0, "refused": 0}] * 10


async def test_receipts_that_cannot_be_read_are_refused_with_the_place(visitor, pushes):
    problem(await visitor.post(f"{V1}/receipts", content=b"{"), 422, "body")
    problem(
        await visitor.post(f"{V1}/receipts", json={"receipts": [{**pushes[0], "type": "eaten"}]}),
        422,
        "receipts[0].type",
    )
    problem(
        await visitor.post(f"{V1}/receipts", json={"receipts": [{"m": "x", "type": "opened"}]}), 422, "receipts[0].t"
    )
    problem(await visitor.post(f"{V1}/receipts", json={"receipts": [pushes[0]] * 1001}), 422, "receipts")
