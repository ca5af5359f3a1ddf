"""The routes about lanes, alarms, processes and dead letters."""

import httpx
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.models import Delivery, Run
from backend.services import apps, ids, lane_reports, processes
from tests.services.lane_world import Planned, add_devices, add_lane, failed, planned, report, rows

V1 = "/api/v1"


@pytest.fixture
def sent(core: Core, app) -> Planned:
    """A finished campaign to three browsers, all of which failed."""
    add_lane(core, app)
    add_devices(core, app, 3)
    made = planned(core, app)
    failed(core, app, made)
    return made


async def items(http: httpx.AsyncClient, path: str, **params: object) -> list[dict]:
    answer = await http.get(f"{V1}{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_lane_is_told_stopped_limited_and_let_go(core: Core, app, admin: httpx.AsyncClient):
    lane = add_lane(core, app)
    number = int(core.keyring.number(ids.CREDENTIAL, lane) or 0)
    with core.work(OPERATOR) as work:
        lane_reports.write(work, "sender a 1", {number: report(accepted=120, reasons={"429": 3}, retried=3)})
    (told,) = await items(admin, "/lanes")
    assert (told["id"], told["provider"], told["state"], told["sentence"]) == (
        lane,
        "webpush",
        "idle",
        "Nothing waits.",
    )
    assert (told["traffic"]["accepted"], told["traffic"]["per_second"]) == (120, 2.05)
    assert told["traffic"]["reasons"] == {"429": 3}
    assert (told["devices"], told["rate_limit"], told["dead_letters"]) == (0, None, 0)
    paused = (await admin.post(f"{V1}/lanes/{lane}/pause")).json()
    assert (paused["state"], paused["held_until"][:4]) == ("paused", "9999")
    assert (await admin.get(f"{V1}/lanes/{lane}")).json()["state"] == "paused"
    assert (await admin.post(f"{V1}/lanes/{lane}/resume")).json()["state"] == "idle"
    limited = (await admin.patch(f"{V1}/lanes/{lane}", json={"max_per_second": 40})).json()
    assert (limited["max_per_second"], limited["rate_limit"]) == (40, 40.0)
    assert (await admin.patch(f"{V1}/lanes/{lane}", json={"max_per_second": None})).json()["rate_limit"] is None
    assert (await admin.post(f"{V1}/lanes/{lane}/prune")).json()["quarantined_at"] is None


@pytest.mark.parametrize("body", [{}, {"max_per_second": 0}, {"max_per_second": "many"}, {"max": 1}])
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_wrong_limit_names_the_field(core: Core, app, admin: httpx.AsyncClient, body: dict):
    answer = await admin.patch(f"{V1}/lanes/{add_lane(core, app)}", json=body)
    assert answer.status_code == 422
    assert "max" in answer.json()["errors"][0]["field"]


async def test_an_admin_key_looks_into_any_app(core: Core, app, other_app: apps.AppRow, admin: httpx.AsyncClient):
    theirs = add_lane(core, other_app)
    assert await items(admin, "/lanes") == []
    assert [lane["id"] for lane in await items(admin, "/lanes", app_id=other_app.id)] == [theirs]
    assert (await admin.post(f"{V1}/lanes/{theirs}/pause")).status_code == 404
    assert (await admin.post(f"{V1}/lanes/{theirs}/pause", params={"app_id": other_app.id})).status_code == 200


async def test_alarms_and_processes_are_told(core: Core, app, admin: httpx.AsyncClient):
    add_lane(core, app)
    add_devices(core, app, 1)
    planned(core, app)
    with core.work(OPERATOR) as work:
        processes.beat(work, "server", "server a 2", "http://127.0.0.1:3000")
    (alarm,) = await items(admin, "/alarms")
    assert (alarm["kind"], alarm["severity"], alarm["lane"]) == ("no_sender", "bad", None)
    (process,) = await items(admin, "/processes")
    assert (process["kind"], process["alive"]) == ("server", True)


async def test_dead_letters_are_listed_in_pages_and_narrowed(sent: Planned, admin: httpx.AsyncClient):
    page = (await admin.get(f"{V1}/dead-letters", params={"limit": 2})).json()
    rest = (await admin.get(f"{V1}/dead-letters", params={"limit": 2, "cursor": page["next"]})).json()
    assert [row["id"] for row in page["items"] + rest["items"]] == sent.names[::-1]
    row = page["items"][0]
    assert (row["campaign_id"], row["status"], row["raw"], row["refusal"]) == (
        sent.campaign,
        500,
        '{"reason": "x"}',
        None,
    )
    assert len(await items(admin, "/dead-letters", lane=row["lane"], campaign_id=sent.campaign, reason="500")) == 3
    assert await items(admin, "/dead-letters", reason="timeout") == []
    assert (await admin.get(f"{V1}/dead-letters", params={"lane": "crd_x"})).status_code == 404
    assert (await admin.get(f"{V1}/dead-letters", params={"cursor": "x"})).status_code == 422


async def test_dead_letters_are_retried_and_dropped(core: Core, sent: Planned, admin: httpx.AsyncClient, server):
    one, two, three = sent.names
    done = (await admin.post(f"{V1}/dead-letters/retry", json={"ids": [one, "dlv_nothing"]})).json()
    assert (done["retried"], [row["id"] for row in done["refused"]], done["next"]) == (1, ["dlv_nothing"], None)
    assert "not among the dead letters" in done["refused"][0]["reason"]
    told = (await server.get(f"{V1}/deliveries/{one}")).json()
    assert (told["state"], told["attempts"], told["dead_letter"]) == ("planned", 0, False)
    assert (await server.get(f"{V1}/deliveries/{two}")).json()["dead_letter"] is True
    assert (await server.get(f"{V1}/campaigns/{sent.campaign}")).json()["state"] == "running"
    dropped = (await admin.post(f"{V1}/dead-letters/drop", json={"ids": [two]})).json()
    assert (dropped["dropped"], dropped["refused"]) == (1, [])
    rest = (await admin.post(f"{V1}/dead-letters/retry", json={"all": True, "reason": "500"})).json()
    assert (rest["retried"], await items(admin, "/dead-letters")) == (1, [])
    assert [row.state for row in rows(core, Delivery, Delivery.run_id == sent.run)] == ["planned", "failed", "planned"]
    assert three in {
        core.keyring.public_id(ids.DELIVERY, row.id) for row in rows(core, Delivery, Delivery.state == "planned")
    }


async def test_the_ledger_of_a_reopened_run_still_adds_up(core: Core, sent: Planned, admin: httpx.AsyncClient, server):
    await admin.post(f"{V1}/dead-letters/retry", json={"ids": sent.names[:2]})
    totals = (await server.get(f"{V1}/campaigns/{sent.campaign}/report")).json()["totals"]
    assert totals["audience"] == totals["accepted"] + totals["failed"] + totals["skipped"] + totals["open"] == 3
    assert (totals["open"], totals["failed"]) == (2, 1)
    assert rows(core, Run, Run.id == sent.run)[0].audience == 3


@pytest.mark.parametrize(
    "body",
    [{}, {"all": False}, {"ids": ["dlv_x"], "all": True}, {"ids": ["dlv_x"], "reason": "500"}, {"ids": ["x"] * 1001}],
)
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_nobody_retries_everything_by_a_slip(sent: Planned, admin: httpx.AsyncClient, body: dict):
    for verb in ("retry", "drop"):
        assert (await admin.post(f"{V1}/dead-letters/{verb}", json=body)).status_code == 422
    assert len(await items(admin, "/dead-letters")) == 3


async def test_another_apps_dead_letters_are_not_taken(
    core: Core, sent: Planned, other_app: apps.AppRow, admin: httpx.AsyncClient
):
    for verb, word in (("retry", "retried"), ("drop", "dropped")):
        path = f"{V1}/dead-letters/{verb}"
        for body in ({"ids": sent.names}, {"all": True}):
            answer = await admin.post(path, params={"app_id": other_app.id}, json=body)
            assert (answer.status_code, answer.json()[word]) == (200, 0)
    assert {row.state for row in rows(core, Delivery, Delivery.run_id == sent.run)} == {"failed"}


async def test_metrics_tell_of_lanes_and_stalled_runs(core: Core, app, sent: Planned, visitor: httpx.AsyncClient):
    lane = add_lane(core, app)
    number = int(core.keyring.number(ids.CREDENTIAL, lane) or 0)
    with core.work(OPERATOR) as work:
        lane_reports.write(work, "sender a 1", {number: report(accepted=600, gone=6)})
        processes.beat(work, "sender", "sender a 1")
    text = (await visitor.get("/metrics")).text
    labels = f'app="shop",lane="{lane}"'
    assert "tocsin_stalled_runs 0.0" in text
    assert "tocsin_senders_alive 1.0" in text
    assert f'tocsin_lane_per_second{{{labels},provider="webpush"}} 10.1' in text
    assert f'tocsin_lane_answers{{{labels},outcome="gone",provider="webpush"}} 6.0' in text
    assert f'tocsin_lane_state{{{labels},provider="webpush",state="idle"}} 1.0' in text
    assert f'tocsin_lane_state{{{labels},provider="webpush",state="held"}} 0.0' in text
    assert "tocsin_lane_expires_seconds{" not in text
    assert 'provider="webpush"} 3.0' in text  # the dead letters of the other lane
