"""Who is let in: API keys by scope and origin, members by form and cookie."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware

from backend.api.cors import CorsByApp
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import apps, keys, members, passwords, sessions

V1 = "/api/v1"
PASSWORD = "correct horse battery"
HOME = "http://tocsin.test"


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    return sqlite_core


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch):
    cheap = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
    monkeypatch.setattr(passwords, "_NOBODY", cheap.hash("somebody else's"))


@pytest.fixture
def ann(core: Core) -> str:
    with core.work(OPERATOR) as work:
        return members.add_member(work, "ann@shop.example", "owner", password=PASSWORD).id


async def sign_in(http: httpx.AsyncClient, password: str = PASSWORD, **form: str) -> httpx.Response:
    return await http.post("/auth/login", data={"email": "ann@shop.example", "password": password, **form})


def sent_to(answer: httpx.Response) -> tuple[str, dict[str, list[str]]]:
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    assert not target.netloc
    return target.path, parse_qs(target.query)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer tk_admin_nonsense", "Basic dG9jc2luOg==", "Bearer tk_admin_" + "A" * 43]
)
async def test_a_missing_or_unknown_key_is_401(connect, header: str):
    answer = await connect(Authorization=header).get(f"{V1}/apps")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_out_of_scope_is_403(client, server, admin):
    assert (await client.get(f"{V1}/campaigns")).status_code == 403
    assert (await client.get(f"{V1}/apps")).status_code == 403
    assert (await server.get(f"{V1}/apps")).status_code == 403
    assert (await server.get(f"{V1}/campaigns")).status_code == 200
    assert (await admin.get(f"{V1}/campaigns")).status_code == 200


async def test_a_revoked_key_is_401_at_once(core: Core, app, connect):
    with core.work(OPERATOR, app.number) as work:
        row, secret = keys.add_key(work, scope="server")
    http = connect(secret)
    assert (await http.get(f"{V1}/campaigns")).status_code == 200
    with core.work(OPERATOR, app.number) as work:
        keys.revoke_key(work, row.id)
    assert (await http.get(f"{V1}/campaigns")).status_code == 401


async def test_the_use_of_a_key_is_seen(core: Core, app, server):
    await server.get(f"{V1}/campaigns")
    with core.reading(OPERATOR, app.number) as work:
        used = {row.scope: row.last_used for row in keys.list_keys(work)}
    assert used["server"] is not None
    assert used["admin"] is None


async def test_signing_in_sets_a_cookie_that_scripts_cannot_read(core: Core, ann: str, visitor):
    answer = await sign_in(visitor, next="/campaigns?state=draft")
    assert answer.headers["location"] == "/campaigns?state=draft"
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age="))
    assert "Secure" not in cookie
    with core.reading(OPERATOR) as work:
        assert members.viewer(work, answer.cookies[members.COOKIE]).email == "ann@shop.example"


async def test_the_cookie_is_secure_where_the_console_is(core: Core, ann: str, api, connect):
    api.state.core = replace(core, settings=replace(core.settings, base_url="https://push.shop.example"))
    assert "Secure" in (await sign_in(connect())).headers["set-cookie"]


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "evil.example", "",
     "/\t/evil.example", "\\\\evil.example", "///evil.example", "/a\r\nSet-Cookie: x=y"],
)  # fmt: skip
async def test_signing_in_never_leads_to_another_site(ann: str, visitor, target: str):
    assert (await sign_in(visitor, next=target)).headers["location"] == "/"


async def test_a_wrong_password_leads_back_with_the_reason_and_no_cookie(ann: str, visitor):
    answer = await sign_in(visitor, "wrong", next="/campaigns")
    path, query = sent_to(answer)
    assert (path, query["problem"], query["next"]) == ("/login", ["refused"], ["/campaigns"])
    assert "set-cookie" not in answer.headers
    assert "wrong" not in answer.headers["location"]


async def test_after_many_failures_the_form_says_wait(ann: str, visitor):
    for _ in range(sessions.TRIES_BY_EMAIL):
        await sign_in(visitor, "wrong")
    answer = await sign_in(visitor)
    assert sent_to(answer)[1]["problem"] == ["wait"]
    assert int(answer.headers["retry-after"]) > 0
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://tocsin.test.evil.example"},
        {"Origin": "http://tocsin.test:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_from_another_site_is_refused(core: Core, ann: str, connect, headers: dict[str, str]):
    http = connect(**headers)
    answer = await sign_in(http)
    assert sent_to(answer) == ("/login", {"problem": ["origin"]})
    assert "set-cookie" not in answer.headers
    with core.work(OPERATOR) as work:
        token = members.sign_in(work, "ann@shop.example", PASSWORD)
    await http.post("/auth/logout", headers={"Cookie": f"{members.COOKIE}={token}"})
    with core.reading(OPERATOR) as work:
        assert members.viewer(work, token) is not None


@pytest.mark.parametrize(
    "headers", [{"Origin": HOME}, {"Origin": "http://127.0.0.1:3000"}, {"Sec-Fetch-Site": "same-origin"}, {}]
)
async def test_our_own_forms_are_taken(ann: str, connect, headers: dict[str, str]):
    assert "set-cookie" in (await sign_in(connect(**headers))).headers


async def test_signing_out_ends_the_session(core: Core, ann: str, visitor):
    token = (await sign_in(visitor)).cookies[members.COOKIE]
    answer = await visitor.post("/auth/logout")
    assert sent_to(answer)[0] == "/login"
    assert 'tocsin_session=""' in answer.headers["set-cookie"]
    with core.reading(OPERATOR) as work:
        assert members.viewer(work, token) is None
    assert sent_to(await visitor.post("/auth/logout"))[0] == "/login"


async def test_the_set_up_form_makes_the_owner_and_signs_in(core: Core, visitor):
    with core.work(OPERATOR) as work:
        token = members.setup_token(work)
    form = {"token": token, "email": "ann@shop.example", "name": "Ann", "password": PASSWORD}
    answer = await visitor.post("/auth/setup", data=form)
    assert sent_to(answer)[0] == "/"
    with core.reading(OPERATOR) as work:
        assert members.viewer(work, answer.cookies[members.COOKIE]).is_owner
    again = await visitor.post("/auth/setup", data=form)
    assert sent_to(again) == ("/setup", {"problem": ["link"], "token": [token]})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"token": "nonsense"}, "link"),
        ({"token": ""}, "link"),
        ({"password": "short"}, "password"),
        ({"email": "ann"}, "email"),
        ({"name": "A" * 300}, "name"),
    ],
)
async def test_a_refused_set_up_says_why_and_keeps_the_link(core: Core, visitor, changes: dict[str, str], problem: str):
    with core.work(OPERATOR) as work:
        token = members.setup_token(work)
    form = {"token": token, "email": "ann@shop.example", "name": "Ann", "password": PASSWORD, **changes}
    answer = await visitor.post("/auth/setup", data=form)
    assert sent_to(answer)[1]["problem"] == [problem]
    assert "set-cookie" not in answer.headers
    with core.reading(OPERATOR) as work:
        assert members.invitation_problem(work, token) is None


async def test_a_set_up_form_from_another_site_is_refused(core: Core, connect):
    with core.work(OPERATOR) as work:
        token = members.setup_token(work)
    form = {"token": token, "email": "eve@evil.example", "name": "Eve", "password": PASSWORD}
    answer = await connect(Origin="https://evil.example").post("/auth/setup", data=form)
    assert sent_to(answer) == ("/setup", {"problem": ["origin"]})


async def test_nobody_signs_in_by_address(ann: str, visitor):
    answer = await visitor.get(f"/auth/login?email=ann@shop.example&password={PASSWORD}")
    assert answer.status_code in (404, 405)


async def test_a_session_opens_no_api_route(ann: str, visitor):
    await sign_in(visitor)
    assert (await visitor.get(f"{V1}/apps")).status_code == 401


# --- origins ----------------------------------------------------------------------------------

SHOP = "https://shop.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture
def allowing(core: Core, app):
    with core.work(OPERATOR) as work:
        apps.update_app(work, app.number, allowed_origins=[SHOP])
        apps.create_app(work, slug="other", allowed_origins=["https://other.example"])


@pytest.mark.parametrize("path", ["/devices", "/devices/dev_x", "/users/me", "/events", "/webpush-key"])
async def test_a_preflight_is_held_against_every_apps_origins(allowing, connect, path: str):
    for origin in (SHOP, "https://other.example"):
        answer = await connect(Origin=origin, **PREFLIGHT).options(f"{V1}{path}")
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, origin)
        assert "Authorization" in answer.headers["access-control-allow-headers"]
        assert "PATCH" in answer.headers["access-control-allow-methods"]
        assert answer.headers["vary"] == "Origin"
    answer = await connect(Origin="https://evil.example", **PREFLIGHT).options(f"{V1}{path}")
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/campaigns", "/apps", "/messages"])
async def test_the_other_routes_are_for_no_page(allowing, connect, path: str):
    answer = await connect(Origin=SHOP, **PREFLIGHT).options(f"{V1}{path}")
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


async def test_receipts_are_taken_from_any_page(connect):
    answer = await connect(Origin="https://anywhere.example", **PREFLIGHT).options(f"{V1}/receipts")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    answer = await connect(Origin="https://anywhere.example").post(f"{V1}/receipts", json={})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (422, "*")


async def test_a_client_key_works_only_from_its_own_apps_origins(allowing, connect, shop_keys):
    answer = await connect(shop_keys.client, Origin=SHOP).post(f"{V1}/events", json={"events": []})
    assert answer.status_code != 403
    assert answer.headers["access-control-allow-origin"] == SHOP
    for origin in ("https://other.example", "https://evil.example", "null"):
        answer = await connect(shop_keys.client, Origin=origin).post(f"{V1}/events", json={"events": []})
        assert answer.status_code == 403
    answer = await connect(shop_keys.client, Origin="https://evil.example").post(f"{V1}/events", json={"events": []})
    assert "access-control-allow-origin" not in answer.headers


async def test_phones_and_our_own_pages_need_no_allowed_origin(core: Core, connect, shop_keys):
    for headers in ({}, {"Origin": core.settings.base_url}):
        answer = await connect(shop_keys.client, **headers).post(f"{V1}/events", json={"events": []})
        assert answer.status_code != 403


async def test_a_page_of_an_allowed_origin_may_read_why_it_was_refused(allowing, connect):
    answer = await connect("tk_client_" + "A" * 43, Origin=SHOP).post(f"{V1}/events", json={"events": []})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, SHOP)


async def test_inside_a_framework_that_answers_preflights_the_outermost_word_is_ours(allowing, api: FastAPI, shop_keys):
    """As Reflex mounts us: its own CORS layer knows no app and would refuse them all."""
    frame = Starlette()
    frame.add_middleware(CORSMiddleware, allow_origins=[], allow_credentials=True)
    frame.mount("", api)
    outside = CorsByApp(frame, lambda: api.state.core)
    key = {"Authorization": f"Bearer {shop_keys.client}"}
    for app, works in ((frame, False), (outside, True)):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=HOME, headers={"Origin": SHOP}
        ) as http:
            preflight = await http.options(f"{V1}/events", headers=PREFLIGHT)
            assert (preflight.status_code == 204) is works
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(outside), base_url=HOME, headers={"Origin": SHOP}
    ) as http:
        answer = await http.post(f"{V1}/events", json={"events": []}, headers=key)
    assert answer.headers.get_list("access-control-allow-origin") == [SHOP]
    assert "access-control-allow-credentials" not in answer.headers
