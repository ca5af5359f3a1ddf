"""Policies, the calendar and explanations, for programs."""

from tests.factories import definition
from tests.services.test_people_search import add_person

NIGHT = {"start": "22:00", "end": "08:00"}


async def test_policies_are_set_in_the_key_s_app_or_another(admin, app, other_app):
    told = (await admin.get("/api/v1/policies")).json()
    assert (told["quiet_hours"], told["caps"], told["launch_threshold"], told["color"]) == ([], [], 10_000, None)
    assert [one["slug"] for one in told["categories"]] == ["transactional", "updates", "marketing"]
    body = {"quiet_hours": [NIGHT], "caps": [{"kind": "gap", "minutes": 30}], "color": "#102030"}
    told = (await admin.put("/api/v1/policies", json=body)).json()
    assert (told["quiet_hours"], told["caps"], told["color"]) == ([NIGHT], body["caps"], "#102030")
    await admin.put("/api/v1/policies", params={"app_id": other_app.id}, json={"launch_threshold": 5})
    assert (await admin.get("/api/v1/policies")).json()["launch_threshold"] == 10_000
    theirs = (await admin.get("/api/v1/policies", params={"app_id": other_app.id})).json()
    assert (theirs["launch_threshold"], theirs["quiet_hours"]) == (5, [])


async def test_wrong_policies_are_named_and_not_kept(admin):
    body = {"quiet_hours": [{"start": "22:00", "end": "26:00"}], "caps": [{"kind": "rolling", "pushes": 0, "hours": 1}]}
    answer = await admin.put("/api/v1/policies", json=body)
    assert answer.status_code == 422
    assert {one["field"] for one in answer.json()["errors"]} == {"quiet_hours[0].end", "caps[0].pushes"}
    assert (await admin.get("/api/v1/policies")).json()["quiet_hours"] == []


async def test_a_preview_tells_what_is_named_and_writes_nothing(admin):
    body = {
        "quiet_hours": [NIGHT],
        "error_limit_percent": 5,
        "category_caps": {"marketing": [{"kind": "daily", "pushes": 1}]},
    }
    told = (await admin.post("/api/v1/policies/preview", json=body)).json()
    assert (told["pushes"], told["sampled"], told["launch_threshold"]) == (0, 1, None)
    assert told["quiet_hours"]["pushes"] == 0
    assert told["error_limit_percent"]["names"] == []
    assert [(one["category"], one["pushes"]) for one in told["caps"]] == [("marketing", 0)]
    assert (await admin.get("/api/v1/policies")).json()["quiet_hours"] == []
    refused = await admin.post("/api/v1/policies/preview", json={"category_caps": {"nothing": []}})
    assert refused.status_code == 422


async def test_the_calendar_names_each_day_once(server):
    made = definition(schedule={"kind": "at", "at": "2099-11-24T08:00:00+00:00"})
    campaign = (await server.post("/api/v1/campaigns", json=made)).json()["id"]
    await server.post(f"/api/v1/campaigns/{campaign}/launch")
    answer = await server.get("/api/v1/calendar", params={"from": "2099-11-23", "to": "2099-11-29"})
    told = answer.json()
    assert [day["day"] for day in told["days"]] == [f"2099-11-{number}" for number in range(23, 30)]
    (entry,) = told["days"][1]["entries"]
    assert (entry["campaign_id"], entry["clock"], entry["sent"], entry["state"]) == (
        campaign,
        "08:00",
        False,
        "scheduled",
    )
    for asked in (
        {"from": "2099-11-23"},
        {"from": "2099-11-23", "to": "2100-11-23"},
        {"from": "x", "to": "2099-11-23"},
    ):
        assert (await server.get("/api/v1/calendar", params=asked)).status_code == 422


async def test_an_explanation_names_every_rule(server, core, app):
    add_person(core, app, "ana", devices=[("ios",)])
    campaign = (await server.post("/api/v1/campaigns", json=definition())).json()["id"]
    told = (await server.get(f"/api/v1/campaigns/{campaign}/explain", params={"user_id": "ana"})).json()
    assert (told["user_id"], told["launched"], told["in_audience"]) == ("ana", False, True)
    assert [(one["answer"], one["reason"]) for one in told["devices"]] == [("unreachable", "no_credential")]
    missing = await server.get(f"/api/v1/campaigns/{campaign}/explain", params={"user_id": "nobody"})
    assert missing.status_code == 404
