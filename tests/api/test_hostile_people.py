"""What an attacker with a key, or with somebody else's, would try on the routes about people."""

import asyncio
import time
from random import Random
from typing import Any

import jwt
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import apps, import_runner

V1 = "/api/v1"
JSON = {"Content-Type": "application/json"}
SURROGATE = b"\xed\xa0\x80"
"""Half of a pair, as the bytes that Python's own JSON reader would take."""


def signed(core: Core, number: int, subject: str, **claims: Any) -> str:
    with core.reading(OPERATOR, number) as work:
        secret = apps.identity_secret(work, number)
    return jwt.encode({"sub": subject, "exp": time.time() + 600, **claims}, secret, algorithm="HS256")


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "x", "rules": {"combinator": "and", "rules": [], "x' + SURROGATE + b'": 1}}',
        '{"name": "x", "rules": {"combinator": "and", "rules": []}}'.encode("utf-16"),
        '{"name": "x", "rules": {"combinator": "and", "rules": []}}'.encode("utf-16-le"),
    ],
)
async def test_a_body_that_is_not_utf8_is_refused_in_a_sentence(server, body):
    answer = await server.post(f"{V1}/segments", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "body", "message": "must be JSON in UTF-8"}]


@pytest.mark.parametrize("subject", ["a\0b", "\ud800", "x" * 256, "me", " "])
async def test_a_token_for_somebody_whom_nobody_can_be_proves_nothing(core, app, connect, shop_keys, subject):
    """It was signed by the app's own back end, which may have taken what its user typed."""
    client = connect(shop_keys.client, **{"Tocsin-User": signed(core, app.number, subject)})
    for method, path, body in (
        ("POST", "/events", {"events": [{"name": "seen"}]}),
        ("GET", "/users/me/preferences", None),
        ("GET", "/users/me/consents", None),
        ("PUT", "/users/me", {"language": "pl"}),
    ):
        answer = await client.request(method, V1 + path, json=body)
        assert answer.status_code == 401, (path, answer.text)


def tree(*rules: Any, combinator: str = "and", **more: Any) -> dict[str, Any]:
    return {"combinator": combinator, "rules": list(rules), **more}


def attribute(operator: str, value: Any, name: str = "plan") -> dict[str, Any]:
    return {"field": f"attr.{name}", "operator": operator, "value": value}


async def users_of(server, rules) -> int:
    answer = await server.post(f"{V1}/segments/estimate", json={"rules": rules})
    assert answer.status_code == 200, answer.text
    return answer.json()["users"]


async def kept(server, rules, status: int = 201) -> Any:
    answer = await server.post(f"{V1}/segments", json={"name": "x", "rules": rules})
    assert answer.status_code == status, answer.text
    return answer.json()["id"] if status == 201 else answer.json()["errors"]


async def test_rules_as_large_as_they_may_be_are_one_statement(server):
    """PostgreSQL takes 65,535 values a statement, SQLite a thousand terms in a row."""
    await server.put(f"{V1}/users/ana", json={"attributes": {"plan": "v7_999"}, "country": "PL"})
    await server.put(f"{V1}/users/ben", json={"attributes": {"plan": "Zażółć \\ \" '"}})
    many = [[f"v{one}_{two}" for two in range(1000)] for one in range(70)]
    for field, found in (("attr.plan", 1), ("device.model", 0)):
        asked = [{"field": field, "operator": "in", "value": values} for values in many]
        assert await users_of(server, tree(*asked, combinator="or")) == found
    refused = [attribute("notIn", values) for values in many]
    assert await users_of(server, tree(*refused)) == 1
    names = [f"x{one}" for one in range(30)]
    assert await users_of(server, tree({"field": "user.id", "operator": "in", "value": [*names, "ana"]})) == 1
    assert await users_of(server, tree(attribute("in", [*names, "Zażółć \\ \" '"]))) == 1
    short = [attribute("in", [f"v{one}_{two}" for two in range(16)]) for one in range(100)]
    assert await users_of(server, tree(*short, combinator="or")) == 0


async def test_many_rules_in_a_row_through_segments_are_one_statement(server):
    await server.put(f"{V1}/users/ana", json={"attributes": {"plan": "pro", "age": 30}})
    rules = [attribute("=", "pro"), attribute("between", [20, 40], "age")] * 49
    parts = [await kept(server, tree(*rules)) for _ in range(5)]
    assert await users_of(server, tree(*({"field": "segment", "operator": "in", "value": [one]} for one in parts))) == 1


async def test_depth_is_counted_through_segments(server):
    rules = attribute("!=", "free")
    for _ in range(3):
        rules = tree(rules, any_device=True, **{"not": True})
    await server.put(f"{V1}/users/ana", json={"attributes": {"plan": "pro"}})
    assert await users_of(server, tree(rules)) == 1
    errors = await kept(server, tree(tree(rules)), 422)
    assert errors == [{"field": "rules", "message": "is nested too deeply with all segments that it names"}]
    named, deep = await kept(server, tree(attribute("=", "pro"))), 1
    while deep < 10:
        named, deep = await kept(server, tree({"field": "segment", "operator": "in", "value": [named]})), deep + 1
    one_more = tree({"field": "segment", "operator": "in", "value": [named]})
    assert (await kept(server, one_more, 422))[0]["message"] == "is nested too deeply with all segments that it names"


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_groups_of_nothing_count_as_rules_do(server):
    empty = tree()
    assert "at most 100" in (await kept(server, tree(*[empty] * 101), 422))[0]["message"]
    nothing = await kept(server, empty)
    named = {"field": "segment", "operator": "in", "value": [nothing] * 50}
    assert "more than 500 rules" in (await kept(server, tree(*[named] * 100), 422))[0]["message"]


async def test_our_own_id_of_somebody_who_is_gone_makes_nobody_new(server):
    """A late call for an erased person would else bring up a user whose id of the app's is ours."""
    await server.put(f"{V1}/users/ana", json={"language": "pl"})
    ours = (await server.get(f"{V1}/users/ana")).json()["id"]
    assert (await server.put(f"{V1}/users/{ours}", json={"language": "de"})).json()["user_id"] == "ana"
    assert (await server.delete(f"{V1}/users/{ours}")).status_code == 204
    assert (await server.put(f"{V1}/users/{ours}", json={"language": "pl"})).status_code == 404
    consent = {"purpose": "news", "given": True}
    assert (await server.post(f"{V1}/users/{ours}/consents", json=consent)).status_code == 404
    assert (await server.get(f"{V1}/users")).json()["items"] == []


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_forms_beyond_all_measure_are_refused(server):
    kind = {"Content-Type": "multipart/form-data; boundary=" + "b" * 5000}
    answer = await server.post(f"{V1}/imports", content=b"x", headers=kind)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "file")
    many = {f"field{number}": (None, "x") for number in range(21)}
    answer = await server.post(f"{V1}/imports", files={**many, "file": ("a.csv", b"user_id\nana\n")})
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (422, "has more than 20 fields")


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_number_too_large_for_a_place_refuses_its_row_only(server):
    rows = b'{"user_id": "ana", "lat": ' + b"9" * 400 + b', "lon": 1}\n{"user_id": "ben", "lat": 1, "lon": 1}\n'
    made = (await server.post(f"{V1}/imports?kind=users", content=rows)).json()
    checked = (await server.post(f"{V1}/imports/{made['id']}/check")).json()
    assert (checked["added"], checked["refused"]) == (1, 1)
    assert checked["refusals"][0]["problems"] == [{"field": "lat", "message": "is too large"}]


@pytest.mark.parametrize("core", ["postgresql"], indirect=True)
async def test_people_who_are_told_of_erased_and_merged_at_once_are_never_an_error(server):
    """Only PostgreSQL has several writers. Deadlocks and rows that have just gone are met by beginning anew."""
    answers = await asyncio.gather(*(_bustle(server, Random(seed)) for seed in range(5)))
    assert {status for told in answers for status in told} <= {200, 201, 204, 404}


async def _bustle(server, dice) -> list[int]:
    """The statuses of some calls about the same four people on the same four devices."""
    found = []
    for _ in range(16):
        name, token = f"user-{dice.randrange(4)}", f"token-{dice.randrange(4)}-abcdef"
        devices = [
            {"platform": "android", "token": f"token-{n}-abcdef", "user_id": f"user-{dice.randrange(4)}"}
            for n in dice.sample(range(4), 3)
        ]
        users = [{"user_id": f"user-{n}", "attributes": {"a": n}} for n in dice.sample(range(4), 4)]
        method, path, body = dice.choice(
            [
                ("POST", "/devices", {"platform": "android", "token": token, "user_id": name}),
                ("POST", "/devices", {"platform": "android", "token": token}),
                ("POST", "/devices/batch", {"devices": devices}),
                ("POST", "/users/batch", {"users": users}),
                ("DELETE", f"/users/{name}", None),
            ]
        )
        found.append((await server.request(method, V1 + path, json=body)).status_code)
    return found


async def test_erasing_somebody_takes_the_rows_of_theirs_that_imports_refused(core, server):
    rows = b'login;country;note\n" ana ";Polska;anas-secret\nben;Polska;bens-secret\n'
    made = (await server.post(f"{V1}/imports?kind=users", content=rows)).json()
    fields = [
        {"column": "login", "to": "user_id"},
        {"column": "country", "to": "country"},
        {"column": "note", "to": "attribute", "name": "note"},
    ]
    await server.patch(f"{V1}/imports/{made['id']}", json={"fields": fields})
    assert (await server.post(f"{V1}/imports/{made['id']}/start")).status_code == 200
    import_runner.tick(core, "test")
    await server.put(f"{V1}/users/ana", json={"language": "pl"})
    told = (await server.get(f"{V1}/imports/{made['id']}/refusals.csv")).text
    assert ("anas-secret" in told, "bens-secret" in told) == (True, True)
    assert (await server.delete(f"{V1}/users/ana")).status_code == 204
    told = (await server.get(f"{V1}/imports/{made['id']}/refusals.csv")).text
    assert ("anas-secret" in told, "bens-secret" in told) == (False, True)
    assert (await server.get(f"{V1}/imports/{made['id']}")).json()["rows_refused"] == 2
