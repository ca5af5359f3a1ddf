"""The admin routes: what they answer, and what they never tell."""

from functools import cache

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import keys, members, passwords

V1 = "/api/v1"
PASSWORD = "correct horse battery"


@cache
def p8() -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*form).decode()


def apns(**changes: object) -> dict[str, object]:
    body = {"topic": "com.example.shop", "team_id": "TEAM123456", "key_id": "KEY1234567", "private_key": p8()}
    return {"provider": "apns", **body, **changes}


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch):
    cheap = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)


async def made(http: httpx.AsyncClient, path: str, **body: object) -> dict:
    answer = await http.post(f"{V1}{path}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def items(http: httpx.AsyncClient, path: str) -> list[dict]:
    answer = await http.get(f"{V1}{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_apps_are_made_read_and_changed(admin: httpx.AsyncClient):
    app = await made(admin, "/apps", slug="store", default_timezone="Europe/Warsaw")
    assert (app["name"], app["identity_verification"], len(app["identity_secret"])) == ("Store", True, 43)
    assert (await admin.get(f"{V1}/apps/{app['id']}")).json() == app
    assert app["error_limit_percent"] == 20
    changes = {"name": "Shop", "allowed_origins": ["https://shop.example"], "identity_verification": False}
    changes |= {"error_limit_percent": 5, "website": "https://shop.example", "link_schemes": ["fjord"]}
    changed = (await admin.patch(f"{V1}/apps/{app['id']}", json=changes)).json()
    assert {name: changed[name] for name in changes} == changes
    assert changed["default_timezone"] == "Europe/Warsaw"
    rows = await items(admin, "/apps")
    assert [row["slug"] for row in rows] == ["shop", "store"]
    assert all("identity_secret" not in row for row in rows)
    assert (await admin.post(f"{V1}/apps", json={"slug": "store"})).status_code == 409


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slug": "new"}, "slug"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"launch_threshold": 0}, "launch_threshold"),
        ({"error_limit_percent": 101}, "error_limit_percent"),
        ({"error_limit_percent": None}, "error_limit_percent"),
        ({"website": "http://shop.example"}, "website"),
        ({"link_schemes": ["javascript"]}, "link_schemes[0]"),
        ({"approval_required": None}, "approval_required"),
    ],
)
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_wrong_change_of_an_app_names_the_field(admin, app, changes: dict, field: str):
    answer = await admin.patch(f"{V1}/apps/{app.id}", json=changes)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_credentials_are_kept_without_ever_telling_their_secrets(admin: httpx.AsyncClient, app):
    path = f"/apps/{app.id}/credentials"
    row = await made(admin, path, **apns())
    assert (row["provider"], row["environment"], row["topic"], row["status"]) == (
        "apns", "production", "com.example.shop", "active",
    )  # fmt: skip
    told = {"held", "held_kind", "reason", "max_per_second", "expires_at", "quarantined_at", "quarantine_reason"}
    assert {name: row[name] for name in told} == dict.fromkeys(told) | {"held": False}
    webpush = await made(admin, path, provider="webpush", subject="mailto:push@shop.example")
    assert webpush["public"]["public_key"]
    told = [(await admin.get(f"{V1}{path}")).text, (await admin.get(f"{V1}{path}/{row['id']}")).text]
    told += [(await admin.get(f"{V1}/audit")).text, str(row), str(webpush)]
    assert all(p8()[40:80] not in text and "private_key" not in text for text in told)
    assert [one["id"] for one in await items(admin, path)] == [row["id"], webpush["id"]]


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_credential_that_does_not_parse_is_refused_and_nothing_is_stored(admin: httpx.AsyncClient, app):
    path = f"{V1}/apps/{app.id}/credentials"
    for body, fields in (
        ({}, ["provider"]),
        ({"provider": "smoke"}, ["provider"]),
        (apns(private_key="no key"), ["private_key"]),
        (apns(topic=None, key_id="x"), ["topic", "key_id"]),
        (apns(endpoint="https://127.0.0.1:8443"), ["endpoint"]),
        (apns(endpoint="https://169.254.169.254/"), ["endpoint"]),
    ):
        answer = await admin.post(path, json=body)
        assert answer.status_code == 422, body
        assert [one["field"] for one in answer.json()["errors"]] == fields
    assert (await admin.post(path, json=["apns"])).status_code == 422
    assert await items(admin, f"/apps/{app.id}/credentials") == []


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_credential_is_retired_taken_up_and_deleted(admin: httpx.AsyncClient, app):
    row = await made(admin, f"/apps/{app.id}/credentials", **apns())
    path = f"{V1}/apps/{app.id}/credentials/{row['id']}"
    for status in ("retiring", "active"):
        assert (await admin.patch(path, json={"status": status})).json()["status"] == status
    assert (await admin.patch(path, json={"status": "asleep"})).status_code == 422
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_verification_says_what_is_wrong(admin: httpx.AsyncClient, core: Core, app):
    """Nobody listens there: the sentence names it, and the credential stays."""
    from backend.services import credentials

    body = {name: value for name, value in apns(endpoint="https://127.0.0.1:9").items() if name != "provider"}
    with core.work(OPERATOR, app.number) as work:
        row = credentials.add_credential(work, "apns", body, trusted=True)
    answer = await admin.post(f"{V1}/apps/{app.id}/credentials/{row.id}/verify")
    assert answer.status_code == 200
    assert answer.json()["verified_at"] is None
    assert answer.json()["reason"]


async def test_keys_are_shown_once_and_end_when_revoked(admin: httpx.AsyncClient, connect):
    key = await made(admin, "/keys", scope="server", name="backend")
    assert key["key"].startswith("tk_server_")
    assert (await connect(key["key"]).get(f"{V1}/campaigns")).status_code == 200
    rows = await items(admin, "/keys")
    assert key["key"] not in str(rows)
    assert rows[-1]["prefix"] == key["key"][:16]
    assert (await admin.delete(f"{V1}/keys/{key['id']}")).status_code == 204
    assert (await admin.delete(f"{V1}/keys/{key['id']}")).status_code == 404
    assert (await connect(key["key"]).get(f"{V1}/campaigns")).status_code == 401
    assert (await admin.post(f"{V1}/keys", json={"scope": "king"})).status_code == 422


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_an_admin_key_manages_the_app_that_it_names(admin: httpx.AsyncClient, core: Core, app, other_app):
    key = await made(admin, f"/keys?app_id={other_app.id}", scope="client")
    category = await made(admin, f"/categories?app_id={other_app.id}", slug="news", name="News", kind="marketing")
    assert key["id"] not in str(await items(admin, "/keys"))
    assert category["id"] not in str(await items(admin, "/categories"))
    assert key["id"] in str(await items(admin, f"/keys?app_id={other_app.id}"))
    assert category["id"] in str(await items(admin, f"/categories?app_id={other_app.id}"))
    with core.reading(OPERATOR) as work:
        assert keys.authenticate(work, key["key"]).app_id == other_app.number
    named = await made(admin, "/keys", scope="client", app_id=other_app.id)
    assert named["id"] in str(await items(admin, f"/keys?app_id={other_app.id}"))
    for wrong in ("app_nonsense", app.slug, key["id"]):
        assert (await admin.get(f"{V1}/keys?app_id={wrong}")).status_code == 404


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_categories_are_made_as_the_contract_says(admin: httpx.AsyncClient):
    row = await made(admin, "/categories", slug="news", name="News", kind="informational", default="opted_out")
    assert (row["slug"], row["kind"], row["opted_in_by_default"]) == ("news", "informational", False)
    body = {"slug": "must", "name": "Must", "kind": "mandatory", "default": "opted_out"}
    answer = await admin.post(f"{V1}/categories", json=body)
    assert [one["field"] for one in answer.json()["errors"]] == ["default"]


async def test_members_are_added_invited_changed_and_removed(core: Core, admin: httpx.AsyncClient, app):
    row = await made(admin, "/members", email="ann@shop.example", role="editor", password=PASSWORD, app_id=app.id)
    assert (row["role"], row["app_id"], row["app_slug"]) == ("editor", app.id, "shop")
    link = await made(admin, "/members", email="bob@shop.example", role="analyst")
    base, _, token = link["invitation"].partition("/setup?token=")
    assert base == core.settings.base_url
    with core.work(OPERATOR) as work:
        session = members.accept_invitation(work, token, email="", name="Bob", password=PASSWORD)
        assert members.viewer(work, session).role == "analyst"
    assert [one["email"] for one in await items(admin, "/members")] == ["ann@shop.example", "bob@shop.example"]
    changed = await admin.patch(f"{V1}/members/{row['id']}", json={"role": "admin", "app_id": app.id})
    assert changed.json()["role"] == "admin"
    assert (await admin.delete(f"{V1}/members/{row['id']}")).status_code == 204
    assert [one["email"] for one in await items(admin, f"/members?app_id={app.id}")] == ["bob@shop.example"]


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_an_admin_key_makes_no_owner(admin: httpx.AsyncClient):
    for body in ({"password": PASSWORD}, {}):
        answer = await admin.post(f"{V1}/members", json={"email": "eve@shop.example", "role": "owner", **body})
        assert answer.status_code == 403
    assert await items(admin, "/members") == []


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_the_audit_trail_names_the_key_that_acted(admin: httpx.AsyncClient, app):
    await made(admin, "/categories", slug="news", name="News", kind="marketing")
    first = (await admin.get(f"{V1}/audit?limit=1")).json()
    assert first["items"][0]["actor"] == "key admin"
    assert (first["items"][0]["action"], first["items"][0]["detail"]["slug"]) == ("category.created", "news")
    second = (await admin.get(f"{V1}/audit", params={"limit": 1, "cursor": first["next"]})).json()
    assert second["items"][0]["id"] != first["items"][0]["id"]
