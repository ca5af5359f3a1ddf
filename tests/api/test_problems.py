"""Every refusal is a problem that says what is wrong, and none says how we are made."""

import logging

import httpx
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from backend import errors
from backend.api import problems
from backend.bootstrap import Core
from backend.errors import FieldError

V1 = "/api/v1"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    return sqlite_core


@pytest.fixture
def own_api() -> FastAPI:
    """The same walls around routes of a test's own."""
    app = FastAPI()
    problems.install(app)
    return app


def over(api: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://tocsin.test")


def problem(answer: httpx.Response, status: int, code: str) -> dict:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    body = answer.json()
    assert body["type"] == f"/api/docs#{code}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    ("error", "status", "code", "headers"),
    [
        (errors.NotFound("There is no such thing."), 404, "not_found", {}),
        (errors.NotAuthenticated(), 401, "not_authenticated", {"www-authenticate": 'Bearer realm="tocsin"'}),
        (errors.NotAllowed(), 403, "not_allowed", {}),
        (errors.WrongState("launch", "running", ["draft"]), 409, "wrong_state", {}),
        (errors.StillRunning(), 409, "still_running", {"retry-after": "1"}),
        (errors.TooManyRequests(17), 429, "too_many_requests", {"retry-after": "17"}),
        (errors.TooMuch(), 413, "too_much", {}),
        (errors.Invalid([FieldError("a[0].b", "must be red")]), 422, "invalid", {}),
        (HTTPException(418, "I am short and stout."), 418, "im_a_teapot", {}),
    ],
)
async def test_expected_errors_leave_as_problems(own_api: FastAPI, error, status, code, headers):
    def fail() -> None:
        raise error

    own_api.add_api_route("/auth/fail", fail)
    async with over(own_api) as http:
        answer = await http.get("/auth/fail")
    body = problem(answer, status, code)
    for name, value in headers.items():
        assert answer.headers[name] == value
    if status == 422:
        assert body["errors"] == [{"field": "a[0].b", "message": "must be red"}]
    else:
        assert "errors" not in body


async def test_what_nobody_expected_is_logged_and_told_by_number_only(own_api: FastAPI, caplog):
    def fail() -> None:
        raise RuntimeError("the secret is hunter2")

    own_api.add_api_route("/auth/fail", fail)
    with caplog.at_level(logging.ERROR, logger="tocsin.api"):
        async with over(own_api) as http:
            answer = await http.get("/auth/fail")
    body = problem(answer, 500, "error")
    assert "hunter2" not in answer.text
    number = body["detail"].split()[-1].rstrip(".")
    assert number in caplog.text
    assert "hunter2" in caplog.text


async def test_pages_that_are_not_ours_keep_their_own_errors(own_api: FastAPI):
    async def page(scope, receive, send) -> None:
        raise RuntimeError("a page's own affair")

    own_api.mount("/", page)
    async with over(own_api) as http:
        with pytest.raises(RuntimeError):
            await http.get("/campaigns")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v1/nothing", "/api/v2/apps", "/api/v1/apps/"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_unknown_addresses_are_problems_too(connect, path: str, method: str):
    problem(await connect().request(method, path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/apps", "GET, POST"),
        ("PUT", "/campaigns/x", "DELETE, GET, PATCH"),
        ("GET", "/receipts", "POST"),
        ("POST", "/users/ann", "DELETE, GET, PUT"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(connect, method: str, path: str, allow: str):
    answer = await connect().request(method, f"{V1}{path}")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize("body", [b"{", b"", b'{"slug": "a"', b"[1,]", b"\xff\xfe", b"nope"])
async def test_a_body_that_is_not_json_is_refused(admin: httpx.AsyncClient, body: bytes):
    answer = await admin.post(f"{V1}/apps", content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    problem(answer, answer.status_code, {400: answer.json()["type"].split("#")[1], 422: "invalid"}[answer.status_code])


async def test_malformed_json_says_where(admin: httpx.AsyncClient):
    body = problem(await admin.post(f"{V1}/apps", content=b'{"slug" 1}', headers=JSON), 400, "malformed")
    assert "character 8" in body["detail"]


async def test_a_form_is_not_taken_for_json(admin: httpx.AsyncClient):
    answer = await admin.post(f"{V1}/apps", content=b'{"slug": "sneaked"}', headers={"Content-Type": "text/plain"})
    problem(answer, 422, "invalid")


async def test_wrong_fields_are_named_by_their_path(admin: httpx.AsyncClient):
    body = {"slug": 5, "allowed_origins": ["https://a.example", 7], "colour": "red"}
    found = problem(await admin.post(f"{V1}/apps", json=body), 422, "invalid")["errors"]
    assert [one["field"] for one in found] == ["slug", "allowed_origins[1]", "colour"]
    found = problem(await admin.get(f"{V1}/audit?limit=0"), 422, "invalid")["errors"]
    assert [one["field"] for one in found] == ["limit"]
    found = problem(await admin.get(f"{V1}/audit?cursor=xxx"), 422, "invalid")["errors"]
    assert [one["field"] for one in found] == ["cursor"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (rb'{"slug": "a\u0000b"}', ["slug"]),
        (rb'{"slug": "a", "allowed_origins": ["x", "\ud800"]}', ["allowed_origins[1]"]),
        (rb'{"a\u0000": 1}', ["body"]),
        (rb'{"slug": NaN, "n": [1e999]}', ["n[0]", "slug"]),
    ],
)
async def test_what_no_database_stores_is_refused_with_its_place(
    admin: httpx.AsyncClient, body: bytes, fields: list[str]
):
    found = problem(await admin.post(f"{V1}/apps", content=body, headers=JSON), 422, "invalid")["errors"]
    assert sorted(one["field"] for one in found) == fields


async def test_escapes_that_only_look_alike_are_taken(admin: httpx.AsyncClient):
    body = rb'{"slug": "fine", "name": "\\u0000 and \ud83d\ude00 NaN 1e999"}'
    answer = await admin.post(f"{V1}/apps", content=body, headers=JSON)
    assert answer.status_code == 201
    assert answer.json()["name"] == "\\u0000 and \U0001f600 NaN 1e999"


@pytest.mark.parametrize("path", ["/apps/%00", "/users/a%00b", "/deliveries?user_id=a%00b", "/campaigns/%00"])
async def test_nul_in_an_address_is_refused(server: httpx.AsyncClient, admin: httpx.AsyncClient, path: str):
    problem(await admin.get(f"{V1}{path}"), 422, "invalid")


async def test_deep_nesting_breaks_nothing(server: httpx.AsyncClient):
    body = b'{"rules": ' + b"[" * 100_000 + rb'"\u0000"' + b"]" * 100_000 + b"}"
    answer = await server.post(f"{V1}/segments/estimate", content=body, headers=JSON)
    assert answer.status_code in (400, 422)


async def test_a_body_over_the_limit_is_refused_announced_or_not(admin: httpx.AsyncClient):
    big = b'{"slug": "' + b"a" * problems.MAX_BODY + b'"}'
    problem(await admin.post(f"{V1}/apps", content=big, headers=JSON), 413, "too_much")

    async def pieces():
        for start in range(0, len(big), 1 << 20):
            yield big[start : start + (1 << 20)]

    problem(await admin.post(f"{V1}/apps", content=pieces(), headers=JSON), 413, "too_much")


async def test_an_announced_body_over_the_limit_is_refused_unread(admin: httpx.AsyncClient):
    async def never():
        raise AssertionError("it was read")
        yield b""

    headers = {**JSON, "Content-Length": str(problems.MAX_BODY + 1)}
    problem(await admin.post(f"{V1}/apps", content=never(), headers=headers), 413, "too_much")
