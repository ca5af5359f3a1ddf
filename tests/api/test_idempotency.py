"""A request that is sent again acts once."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from backend.bootstrap import Core, build
from backend.db import OPERATOR
from backend.services import campaigns, idempotency
from tests.factories import definition

V1 = "/api/v1"
KEY = {"Idempotency-Key": "order-1"}


async def drafts(http: httpx.AsyncClient) -> list[str]:
    return [row["id"] for row in (await http.get(f"{V1}/campaigns")).json()["items"]]


async def test_fifty_equal_requests_at_once_make_one_campaign(server: httpx.AsyncClient):
    posts = (server.post(f"{V1}/campaigns", json=definition(), headers=KEY) for _ in range(50))
    answers = await asyncio.gather(*posts)
    made = await drafts(server)
    assert len(made) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["id"] for answer in answers if answer.status_code == 201} == set(made)
    assert {answer.headers["retry-after"] for answer in answers if answer.status_code == 409} <= {"1"}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} <= {"/api/docs#still_running"}


async def test_the_same_answer_comes_again_also_from_another_process(
    api: FastAPI, core: Core, server: httpx.AsyncClient
):
    first = await server.post(f"{V1}/campaigns", json=definition(), headers=KEY)
    await server.patch(f"{V1}/campaigns/{first.json()['id']}", json={"name": "Changed since"})
    spaced = dict(reversed(definition().items()))
    with contextlib.closing(build(core.settings)) as restarted:
        api.state.core = restarted
        again = await server.post(f"{V1}/campaigns", json=spaced, headers=KEY)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_another_body_under_the_same_key_is_refused(server: httpx.AsyncClient):
    await server.post(f"{V1}/campaigns", json=definition(), headers=KEY)
    answer = await server.post(f"{V1}/campaigns", json=definition(name="Other"), headers=KEY)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == ["Idempotency-Key"]
    assert len(await drafts(server)) == 1


async def test_a_refusal_leaves_the_key_free(server: httpx.AsyncClient):
    assert (await server.post(f"{V1}/campaigns", json=definition(category="none"), headers=KEY)).status_code == 422
    assert (await server.post(f"{V1}/campaigns", json=definition(), headers=KEY)).status_code == 201


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_without_a_key_each_request_acts(server: httpx.AsyncClient):
    for _ in range(2):
        await server.post(f"{V1}/campaigns", json=definition())
    assert len(await drafts(server)) == 2


async def test_a_launch_sent_again_launches_once(server: httpx.AsyncClient):
    made = (await server.post(f"{V1}/campaigns", json=definition())).json()["id"]
    answers = [await server.post(f"{V1}/campaigns/{made}/launch", headers=KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    other = await server.post(f"{V1}/campaigns/{made}/launch", headers=KEY, json={"expected_audience": 5})
    assert other.status_code == 422


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_message_sent_again_is_sent_once(server: httpx.AsyncClient):
    body = {"to": {"user_ids": ["ann"]}, "content": {"title": "Your order"}}
    answers = [await server.post(f"{V1}/messages", json=body, headers=KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["message_id"] == answers[1].json()["message_id"]


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_the_key_of_a_process_that_died_works_again_after_a_minute(
    api: FastAPI, core: Core, app, server: httpx.AsyncClient
):
    first = await server.post(f"{V1}/campaigns", json=definition(), headers=KEY)
    with core.work(OPERATOR, app.number) as work:  # as if it had died before it did anything
        campaigns.delete(work, first.json()["id"])
        work.session.connection().exec_driver_sql("UPDATE idempotency_key SET status = NULL, answer = NULL")
    assert (await server.post(f"{V1}/campaigns", json=definition(), headers=KEY)).status_code == 409
    later = core.clock() + idempotency.DEAD_AFTER + timedelta(seconds=1)
    api.state.core = replace(core, clock=lambda: later)
    answer = await server.post(f"{V1}/campaigns", json=definition(), headers=KEY)
    assert answer.status_code == 201
    assert await drafts(server) == [answer.json()["id"]]


@pytest.mark.parametrize("key", ["x" * 256, "a\tb", ""])
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_key_that_cannot_be_kept_is_refused(server: httpx.AsyncClient, key: str):
    answer = await server.post(f"{V1}/campaigns", json=definition(), headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert await drafts(server) == []
