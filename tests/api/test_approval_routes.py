"""Approval over the API: programs ask and launch, members answer."""

import httpx
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR, Actor
from backend.services import approvals, apps, ids, members
from backend.services.apps import AppRow
from tests.factories import definition

V1 = "/api/v1"


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    return sqlite_core


@pytest.fixture
def bob(core: Core, app: AppRow) -> Actor:
    with core.work(OPERATOR) as work:
        made = members.add_member(work, "bob@shop.example", "editor", app_number=app.number, password="correct horse b")
        return Actor("member", ids.number(work, ids.MEMBER, made.id), made.email)


async def test_a_program_asks_a_member_answers_and_the_program_launches(
    core: Core, app: AppRow, bob: Actor, admin: httpx.AsyncClient, server: httpx.AsyncClient
):
    changed = await admin.patch(f"{V1}/apps/{app.id}", json={"approval_required": True})
    assert changed.json()["approval_required"] is True
    made = (await server.post(f"{V1}/campaigns", json=definition())).json()
    path = f"{V1}/campaigns/{made['id']}"
    refused = await server.post(f"{path}/launch")
    assert (refused.status_code, refused.json()["detail"]) == (409, approvals.ASK)
    asked = await server.post(f"{path}/approval", json={"note": "Nightly offer"})
    assert asked.status_code == 201
    told = asked.json()
    assert told["approvers"] == ["bob@shop.example"]
    question = told["history"][0]
    assert (question["state"], question["note"], question["changed"]) == ("asked", "Nightly offer", False)
    assert (await server.get(f"{path}/approval")).json() == told
    waiting = (await server.get(f"{V1}/campaigns", params={"waiting": True})).json()["items"]
    assert [(one["id"], one["approval"]) for one in waiting] == [(made["id"], "asked")]
    assert (await server.post(f"{path}/approval")).status_code == 409
    with core.work(bob, app.number) as work:
        approvals.approve(work, question["id"])
    assert (await server.get(f"{path}/approval")).json()["blocked"] is None
    assert (await server.post(f"{path}/launch")).json()["state"] == "running"


async def test_a_question_is_taken_back(core: Core, app: AppRow, bob: Actor, server: httpx.AsyncClient):
    with core.work(OPERATOR) as work:
        apps.update_app(work, app.number, approval_required=True)
    path = f"{V1}/campaigns/{(await server.post(f'{V1}/campaigns', json=definition())).json()['id']}/approval"
    assert (await server.post(f"{path}/withdraw")).status_code == 409
    await server.post(path)
    assert (await server.post(f"{path}/withdraw")).json()["history"][0]["state"] == "withdrawn"
    too_long = await server.post(path, json={"note": "x" * 1001})
    assert (too_long.status_code, too_long.json()["errors"][0]["field"]) == (422, "note")


async def test_no_route_answers(core: Core, app: AppRow, bob: Actor, server: httpx.AsyncClient):
    with core.work(OPERATOR) as work:
        apps.update_app(work, app.number, approval_required=True)
    path = f"{V1}/campaigns/{(await server.post(f'{V1}/campaigns', json=definition())).json()['id']}/approval"
    await server.post(path)
    for verb in ("approve", "decline"):
        assert (await server.post(f"{path}/{verb}", json={})).status_code == 404
    document = (await server.get("/api/openapi.json")).json()
    assert (
        "a key is not a person" in document["paths"][f"{V1}/campaigns/{{campaign_id}}/approval"]["get"]["description"]
    )
