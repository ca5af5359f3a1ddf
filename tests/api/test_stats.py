"""`GET /stats/…`: what the charts show, for programs."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import select
from stats_history import NOW, at, campaign, random_history, random_pushes, run_of

from backend.api import create_api
from backend.db import CLOCK
from backend.models import Dims
from backend.services import rollup


@pytest.fixture
def api(core, app):
    """With a history that has been rolled up, at a held time."""
    held = at(core, NOW)
    random_history(core, app.number, 70)
    with held.work(CLOCK) as work:
        rollup.roll_up(work)
    return create_api(held)


async def test_the_overview_is_told_with_rates_that_carry_their_denominators(server):
    answer = await server.get("/api/v1/stats/overview", params={"days": 7})
    assert answer.status_code == 200
    told = answer.json()
    assert told["days"] == 7
    assert len(told["series"]["times"]) == 7
    opened = next(line for line in told["series"]["lines"] if line["measure"] == "opened")
    assert sum(opened["counts"]) == opened["total"] == told["totals"]["opened"] > 0
    rate = told["rates"]["opened"]
    assert rate["value"] == pytest.approx(rate["count"] / rate["of"])
    assert len(told["recent_campaigns"]) == 2


async def test_a_series_is_told_line_by_line(server):
    asked = {
        "measure": ["accepted", "opened"],
        "bucket": "hour",
        "breakdown": "platform",
        "start": (NOW - timedelta(days=1)).isoformat(),
    }
    told = (await server.get("/api/v1/stats/series", params=asked)).json()
    assert (told["step_seconds"], len(told["times"]), told["times"][0]) == (3600, 25, "2026-11-20T12:00:00Z")
    assert {(line["measure"], line["key"]) for line in told["lines"]} == {
        (measure, platform) for measure in ("accepted", "opened") for platform in ("ios", "android", "web")
    }
    assert all(len(line["counts"]) == 25 for line in told["lines"])


async def test_a_series_without_wishes_is_thirty_days_of_the_usual_measures(server):
    told = (await server.get("/api/v1/stats/series")).json()
    assert [line["measure"] for line in told["lines"]] == ["accepted", "delivered", "opened"]
    assert len(told["times"]) == 31


async def test_a_report_and_the_series_of_its_campaign_say_the_same(server, core, app):
    made = campaign(core, app.number, "Autumn")
    run = run_of(core, made, began=NOW - timedelta(hours=3))
    with core.reading(CLOCK) as work:
        dims = {row.platform: row.id for row in work.session.execute(select(Dims)).scalars()}
    random_pushes(core, random.Random(5), run, dims, 40)
    with at(core, NOW).work(CLOCK) as work:
        rollup.roll_up(work)
    public = core.keyring.public_id("cmp", made.id)
    report = (await server.get(f"/api/v1/campaigns/{public}/report")).json()
    measures = ["audience", "accepted", "failed", "skipped", "delivered", "displayed", "opened", "dismissed", "action"]
    series = (await server.get("/api/v1/stats/series", params={"measure": measures, "campaign_id": public})).json()
    assert {line["measure"]: line["total"] for line in series["lines"]} == {
        name: report["totals"][name] for name in measures
    }
    assert report["totals"]["audience"] == 40 == sum(report["states"].values())


WRONG = {
    "overview?days=0": "days",
    "overview?days=x": "days",
    "series?measure=clicks": "measure",
    "series?bucket=week": "bucket",
    "series?breakdown=colour": "breakdown",
    "series?breakdown=variant": "breakdown",
    "series?start=2026-11-20T00:00:00": "start",
    "series?start=2026-11-22T00:00:00Z": "end",
    "series?bucket=hour&start=2020-01-01T00:00:00Z": "start",
}


async def test_a_wrong_question_is_a_422_that_names_the_field(server):
    for asked, field in WRONG.items():
        answer = await server.get(f"/api/v1/stats/{asked}")
        assert answer.status_code == 422, asked
        assert answer.json()["errors"][0]["field"].startswith(field), asked


async def test_the_campaign_of_another_app_is_not_found(server, core, other_app):
    foreign = core.keyring.public_id("cmp", campaign(core, other_app.number, "Theirs").id)
    for path in (
        f"stats/series?campaign_id={foreign}",
        "stats/series?campaign_id=cmp_no",
        f"campaigns/{foreign}/report",
    ):
        assert (await server.get(f"/api/v1/{path}")).status_code == 404


@pytest.mark.parametrize("path", ["overview", "series"])
async def test_outsiders_are_refused(visitor, client, path):
    assert (await visitor.get(f"/api/v1/stats/{path}")).status_code == 401
    assert (await client.get(f"/api/v1/stats/{path}")).status_code == 403
