"""Whatever is sent to the ingest and segment routes is taken as it is or refused in a sentence: never a 5xx, never slow."""

import asyncio
import copy
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from backend.bootstrap import Core

pytestmark = pytest.mark.slow
V1 = "/api/v1"
SLOW = 2.0
SQL = 'Robert\'); DROP TABLE "user"; -- %s :x $1 {0}'
TREE = {"combinator": "and", "rules": [{"field": "attr.plan", "operator": "=", "value": "pro"}]}
HAPPENED = {
    "field": "event.bought",
    "operator": "countAtLeast",
    "value": {"times": 2, "days": 30, "where": {"sku": "A"}},
}
DEVICE = {
    "platform": "android", "token": "token-of-somebody", "user_id": "ana", "locale": "pl", "timezone": "Europe/Warsaw",
    "country": "PL", "app_version": "1.2", "os_version": "15", "model": "Pixel", "permission": "granted",
}  # fmt: skip
USER = {
    "attributes": {"plan": "pro", "tags": ["a"]},
    "language": "pl",
    "country": "PL",
    "location": {"lat": 1, "lon": 2},
}
EVENT = {
    "id": "e1", "name": "bought", "user_id": "ana", "properties": {"sku": "A", "tags": ["a"]}, "value": 1.5,
    "currency": "EUR", "at": "2026-11-20T12:00:00Z",
}  # fmt: skip
RULES = {"combinator": "or", "not": False, "rules": [*TREE["rules"], HAPPENED]}
ROUTES: dict[str, Any] = {
    "POST /devices": DEVICE,
    "POST /devices/batch": {"devices": [DEVICE]},
    "PUT /users/ana": USER,
    "POST /users/batch": {"users": [{**USER, "user_id": "ana"}]},
    "PUT /users/ana/preferences": {"categories": {"marketing": False}, "paused_until": "2026-12-01T00:00:00Z"},
    "POST /events": {"events": [EVENT]},
    "POST /receipts": {"receipts": [{"m": "dlv_x", "t": "x", "type": "opened", "action": "buy"}]},
    "POST /lists": {"name": "VIP"},
    "POST /segments": {"name": "Loyal", "rules": RULES},
    "POST /segments/estimate": {"rules": RULES},
}
STORED: tuple[Any, ...] = (
    SQL,
    "a\u0000b",
    "\ud800",
    2**63,
    10**400,
    1e308,
    {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}},
)
"""What a database might choke on."""
HOSTILE: tuple[Any, ...] = (
    *STORED, "", "x" * 70_000, "\u202e\u0007", None, True, -1, float("nan"), [], {}, [[[[[[[[1]]]]]]]], ["x"] * 2_000,
)  # fmt: skip
UNSTORABLE = ("a\u0000b", "\ud800")
RENAMED = (SQL, *UNSTORABLE)
lite = pytest.mark.parametrize("core", ["sqlite"], indirect=True)
"""For what is refused before any database hears of it."""


@pytest.fixture(autouse=True)
def intact(core: Core) -> Iterator[None]:
    """After it all every table is still there."""
    yield
    with core.engine.connect() as connection:
        for table in ('"user"', "device", "event", "segment", "receipt", "attribute_key"):
            connection.execute(text(f"SELECT count(*) FROM {table}"))


async def send(http: httpx.AsyncClient, route: str, body: Any, **options: Any) -> httpx.Response:
    """What is answered within two seconds: a success, or a problem that is the sender's."""
    method, path = route.split()
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    begun = time.perf_counter()
    answer = await http.request(method, V1 + path, content=raw, headers=headers, **options)
    assert time.perf_counter() - begun < SLOW, (route, raw[:200])
    assert answer.status_code < 500, (route, raw[:200], answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"], answer.text
    return answer


def replaced(body: Any, value: Any) -> Iterator[Any]:
    """The body with each of its values, and each of its names, replaced in turn."""
    for path in paths(body):
        changed = copy.deepcopy(body)
        parent = changed
        for step in path[:-1]:
            parent = parent[step]
        if value in RENAMED and isinstance(parent, dict):
            renamed = copy.deepcopy(changed)
            holder = renamed
            for step in path[:-1]:
                holder = holder[step]
            holder[value] = holder.pop(path[-1])
            yield renamed
        parent[path[-1]] = value
        yield changed


def paths(body: Any) -> Iterator[tuple[Any, ...]]:
    places = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for step, inner in places:
        yield (step,)
        yield from ((step, *rest) for rest in paths(inner))


@pytest.mark.parametrize("route", ROUTES)
async def test_wrong_values_in_every_place_are_answered(core, server, route):
    """What no database stores is refused wherever it stands."""
    for value in HOSTILE if core.settings.is_sqlite else STORED:
        for body in replaced(ROUTES[route], value):
            answer = await send(server, route, body)
            if value in UNSTORABLE:
                assert answer.status_code == 422, (route, body)


@lite
@pytest.mark.parametrize("route", ROUTES)
async def test_bodies_that_are_no_json_objects_are_answered(server, route):
    deep = b'{"a":' * 100_000
    for raw in (
        b"", b"{", b"nonsense", b"\xff\xfe{}", b'{"name": "\xc3\x28"}', b"[]", b'"text"', b"5", b"null", b"NaN", b"1e999",
        deep, deep + b"1" + b"}" * 100_000, b"[" * 100_000, b"9" * 100_000, b'{"events": [{"value": ' + b"9" * 5_000 + b"}]}",
    ):  # fmt: skip
        answer = await send(server, route, raw)
        assert answer.status_code in (400, 422), (raw[:40], answer.text)


@lite
@pytest.mark.parametrize("route", ROUTES)
async def test_bodies_beyond_the_limit_are_refused_before_they_are_read(server, route):
    answer = await send(server, route, b'{"name": "' + b"x" * (10 * 1024 * 1024) + b'"}')
    assert answer.status_code == 413


@lite
async def test_what_is_too_long_is_named(server):
    huge = "x" * (5 * 1024 * 1024)
    put = await send(server, "PUT /users/ana", {"attributes": {"plan": huge}})
    assert (put.status_code, put.json()["errors"][0]["field"]) == (422, "attributes.plan")
    told = [EVENT, {**EVENT, "properties": {"sku": huge}}, {**EVENT, "name": "x" * 1024 * 1024}]
    events = await send(server, "POST /events", {"events": told[:2]})
    assert (events.status_code, events.json()["errors"][0]["field"]) == (422, "events[1].properties.sku")
    events = await send(server, "POST /events", {"events": [told[0], told[2]]})
    assert (events.status_code, events.json()["errors"][0]["field"]) == (422, "events[1].name")
    events = await send(
        server, "POST /events", {"events": [{**EVENT, "properties": {f"p{n}": "x" * 999 for n in range(17)}}]}
    )
    assert (events.status_code, events.json()["errors"][0]["field"]) == (422, "events[0].properties")
    events = await send(server, "POST /events", {"events": [EVENT] * 1001})
    assert (events.status_code, events.json()["errors"][0]["field"]) == (422, "events")
    batch = await send(server, "POST /users/batch", {"users": [{"user_id": "ana", "attributes": {"plan": huge}}]})
    assert batch.json()["results"][0]["errors"][0]["field"] == "attributes.plan"
    name = await send(server, "POST /segments", {"name": "x" * 1024 * 1024, "rules": TREE})
    assert (name.status_code, name.json()["errors"][0]["field"]) == (422, "name")


async def test_one_bad_event_spoils_its_own_request_only(core, server):
    good, bad = {"events": [{**EVENT, "id": None}]}, {"events": [{**EVENT, "id": None}, {**EVENT, "user_id": "me"}]}
    unknown = {"events": [{"name": "seen", "device_id": "dev_nobodys"}]}
    answers = await asyncio.gather(*(send(server, "POST /events", body) for body in (good, bad, good, unknown, good)))
    assert [answer.status_code for answer in answers] == [202, 422, 202, 422, 202]
    assert answers[1].json()["errors"][0]["field"] == "events[1].user_id"
    assert answers[3].json()["errors"][0]["field"] == "events[0].device_id"
    with core.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM event")).scalar_one() == 3


async def test_sql_is_text_like_any_other(server):
    assert (
        await send(server, "POST /events", {"events": [{**EVENT, "name": SQL, "properties": {SQL: SQL}}]})
    ).status_code == 202
    assert (await send(server, "PUT /users/ana", {"attributes": {"plan": SQL}})).json()["attributes"] == {"plan": SQL}
    rules = {"combinator": "and", "rules": [{"field": "attr.plan", "operator": "=", "value": SQL}]}
    assert (await send(server, "POST /segments/estimate", {"rules": rules})).json()["users"] == 1
    where = {"field": f"event.{SQL}", "operator": "countAtLeast", "value": {"times": 1, "where": {SQL: SQL}}}
    found = await send(server, "POST /segments/estimate", {"rules": {"combinator": "and", "rules": [where]}})
    assert found.json()["users"] == 1
    for field in (SQL, f"user.{SQL}", f"attr.{SQL}", f"device.{SQL}", "attr.plan"):
        for start in (SQL, "%", "a\u0000b"):
            await send(server, "GET /catalogue/values", b"", params={"field": field, "start": start})


def nested(depth: int) -> dict[str, Any]:
    tree = copy.deepcopy(TREE)
    for _ in range(depth - 1):
        tree = {"combinator": "and", "rules": [tree]}
    return tree


@lite
@pytest.mark.parametrize(
    "rules",
    [
        {"combinator": "and", "rules": TREE["rules"] * 10_000}, {"combinator": "and", "rules": TREE["rules"] * 101},
        nested(100), nested(9), {"combinator": "and", "rules": [nested(8)] * 5_000},
        {"combinator": "and", "rules": [{"field": "attr.plan", "operator": "in", "value": ["x"] * 100_000}]},
        {"combinator": "and", "rules": [{**HAPPENED, "value": {"times": 10**400}}]},
        {"combinator": "and", "rules": [{**HAPPENED, "value": {"times": 1, "days": 10**30}}]},
        {"combinator": "and", "rules": [{"field": "sample", "operator": "<", "value": 10**400}]},
        {"combinator": "and", "rules": [{"field": "user.location", "operator": "withinKm", "value": {"lat": 1, "lon": 2, "km": 1e308}}]},
    ],
)  # fmt: skip
async def test_trees_beyond_the_bounds_are_refused(server, rules):
    for route, body in (
        ("POST /segments/estimate", {"rules": rules}),
        ("POST /segments", {"name": "x", "rules": rules}),
    ):
        assert (await send(server, route, body)).status_code == 422
