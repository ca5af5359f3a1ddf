"""For whoever watches over Tocsin."""

from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from backend.bootstrap import Core
from backend.db import make_engine

V1 = "/api/v1"


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    return sqlite_core


@pytest.mark.parametrize("prefix", ["", V1])
async def test_health_and_readiness(visitor: httpx.AsyncClient, prefix: str):
    assert (await visitor.get(f"{prefix}/health/live")).json()["status"] == "live"
    answer = await visitor.get(f"{prefix}/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


async def test_an_old_schema_is_not_ready(core: Core, visitor: httpx.AsyncClient):
    with core.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    answer = await visitor.get("/health/ready")
    assert answer.status_code == 503
    assert "tocsin migrate" in answer.json()["problem"]
    assert (await visitor.get("/health/live")).status_code == 200


async def test_a_database_that_does_not_answer_is_not_ready(api: FastAPI, core: Core, visitor: httpx.AsyncClient):
    api.state.core = replace(core, engine=make_engine("postgresql+psycopg://nobody@127.0.0.1:9/none"))
    answer = await visitor.get("/health/ready")
    assert (answer.status_code, answer.json()["problem"]) == (503, "The database does not answer.")


async def test_metrics_are_for_loopback_and_for_the_token(api: FastAPI, core: Core, connect):
    assert (await connect().get("/metrics")).status_code == 200
    assert (await connect(address="::1").get("/metrics")).status_code == 200
    assert (await connect(address="192.0.2.7").get("/metrics")).status_code == 401
    assert (await connect(**{"X-Forwarded-For": "127.0.0.1"}).get("/metrics")).status_code == 401
    api.state.core = replace(core, settings=replace(core.settings, metrics_token="hush"))
    assert (await connect("hush", address="192.0.2.7").get("/metrics")).status_code == 200
    for wrong in ("hus", "hush!", ""):
        assert (await connect(wrong or None, address="192.0.2.7").get("/metrics")).status_code == 401


async def test_metrics_count_requests_by_route_and_never_by_address(
    server: httpx.AsyncClient, visitor: httpx.AsyncClient
):
    def seen(text: str) -> float:
        line = 'tocsin_http_requests_total{method="GET",route="/campaigns/{campaign_id}",status="404"} '
        return float(next((row.removeprefix(line) for row in text.splitlines() if row.startswith(line)), "0"))

    before = seen((await visitor.get("/metrics")).text)
    for name in ("cmp_one", "cmp_two"):
        await server.get(f"{V1}/campaigns/{name}")
    text = (await visitor.get("/metrics")).text
    assert seen(text) == before + 2
    assert "cmp_one" not in text
    assert "tocsin_chunks_due 0.0" in text
    assert "tocsin_oldest_due_seconds 0.0" in text
