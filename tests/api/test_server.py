"""The routes of the app's back end: campaigns from draft to report, messages, deliveries."""

import httpx
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import credentials, planner, upkeep
from tests.factories import definition

V1 = "/api/v1"
POINT = "BGzaaU5uzG_nJKMRfnP6sZZmbbXW9stVsyXIlswe5vsUVOpRiLk7Prj6MBZb3Tnh19LqJRetQ3ZfMSAkybVJwW8"


@pytest.fixture
async def people(core: Core, app, server: httpx.AsyncClient) -> list[str]:
    """Three people with a browser each; the ids of their devices."""
    with core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, "webpush", {"subject": "mailto:push@shop.example"})
    made = []
    for name in ("ann", "bob", "cyd"):
        point = {"endpoint": f"https://fcm.googleapis.com/wp/{name}", "keys": {"p256dh": POINT, "auth": "A" * 22}}
        body = {"platform": "web", "subscription": point, "user_id": name, "permission": "granted"}
        made.append(await post(server, "/devices", 201, **body))
    return [device["id"] for device in made]


async def post(http: httpx.AsyncClient, path: str, status: int, **body: object) -> dict:
    answer = await http.post(f"{V1}{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def get(http: httpx.AsyncClient, path: str, **query: object) -> dict:
    answer = await http.get(f"{V1}{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def draft(http: httpx.AsyncClient, **changes: object) -> str:
    return (await post(http, "/campaigns", 201, **definition(**changes)))["id"]


def plan(core: Core) -> None:
    """What the clock does between a launch and the senders."""
    planner.tick(core)


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_draft_is_told_with_every_default_and_round_trips(server: httpx.AsyncClient):
    made = await post(server, "/campaigns", 201, **definition())
    assert (made["name"], made["state"], made["version"], made["revision"]) == ("Spring sale", "draft", 1, None)
    assert (made["priority"], made["on_unknown"], made["quiet_hours"]) == ("normal", "retry", "hold")
    assert made["schedule"] == {"kind": "now"}
    assert made["variants"][0]["content"]["title"] == "Hello"
    assert await get(server, f"/campaigns/{made['id']}") == made
    again = {name: made[name] for name in ("name", "category", "audience", "variants", "schedule", "late", "priority")}
    copy = await post(server, "/campaigns", 201, **again)
    assert copy["variants"] == made["variants"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"category": "none"}, "category"),
        ({"colour": "red"}, "colour"),
        ({"variants": []}, "variants"),
        ({"variants": [{"name": "A", "content": {"title": "{{ user.name"}}]}, "variants[0].content.title"),
        ({"variants": [{"name": "A", "content": {"titel": "x"}}]}, "variants[0].content.titel"),
        ({"schedule": {"kind": "hourly"}}, "schedule.kind"),
        ({"schedule": {"kind": "recurring"}}, "schedule.rrule"),
        ({"audience": {"include": ["seg_nonsense"]}}, "audience.include[0]"),
    ],
)
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_wrong_field_of_a_campaign_is_named(server: httpx.AsyncClient, changes: dict, field: str):
    answer = await server.post(f"{V1}/campaigns", json=definition(**changes))
    assert answer.status_code == 422
    assert field in [one["field"] for one in answer.json()["errors"]]
    assert (await get(server, "/campaigns"))["items"] == []


@pytest.mark.parametrize("body", [[], "text", 5, None])
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_campaign_is_an_object(server: httpx.AsyncClient, body: object):
    assert (await server.post(f"{V1}/campaigns", json=body)).status_code == 422


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_campaign_is_changed_by_whoever_knows_its_version(server: httpx.AsyncClient):
    made = await draft(server)
    changed = (await server.patch(f"{V1}/campaigns/{made}", json={"name": "Summer", "version": 1})).json()
    assert (changed["name"], changed["version"]) == ("Summer", 2)
    assert (await server.patch(f"{V1}/campaigns/{made}", json={"name": "Lost", "version": 1})).status_code == 409
    for version in ("2", True, 1.5):
        answer = await server.patch(f"{V1}/campaigns/{made}", json={"name": "x", "version": version})
        assert [one["field"] for one in answer.json()["errors"]] == ["version"]
    assert (await get(server, f"/campaigns/{made}"))["name"] == "Summer"


async def test_campaigns_are_listed_newest_first_in_pages(server: httpx.AsyncClient):
    made = [await draft(server, name=f"Sale {number}") for number in range(5)]
    first = await get(server, "/campaigns", limit=3)
    second = await get(server, "/campaigns", limit=3, cursor=first["next"])
    assert [row["id"] for row in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None
    assert [row["name"] for row in (await get(server, "/campaigns", search="sale 3"))["items"]] == ["Sale 3"]
    assert (await get(server, "/campaigns", state="running"))["items"] == []
    assert (await server.get(f"{V1}/campaigns?state=asleep")).status_code == 422


async def test_a_campaign_goes_from_preflight_to_report(core: Core, server: httpx.AsyncClient, people: list[str]):
    made = await draft(server)
    checked = await post(server, f"/campaigns/{made}/preflight", 200)
    assert (checked["audience"], checked["send"], checked["deferred"], checked["skipped"]) == (3, 3, 0, {})
    assert checked["largest_payload"]["web"] > 0
    assert checked["payload_limit"]["web"] == 3993
    assert (checked["by_platform"], checked["since_last"]) == ({"web": 3}, None)
    assert all(one["blocking"] is False and one["devices"] for one in checked["problems"])
    first = await get(server, f"/campaigns/{made}/preflight/devices", outcome="send", limit=2)
    second = await get(server, f"/campaigns/{made}/preflight/devices", outcome="send", cursor=first["next"])
    assert [len(page["items"]) for page in (first, second)] == [2, 1]
    assert second["next"] is None
    assert len({one["device_id"] for one in first["items"] + second["items"]}) == 3
    assert (await server.get(f"{V1}/campaigns/{made}/preflight/devices?outcome=odd")).status_code == 422
    assert (await get(server, "/deliveries"))["items"] == []
    stale = {"expected_audience": 3, "version": checked["version"] + 1}
    assert (await server.post(f"{V1}/campaigns/{made}/launch", json=stale)).status_code == 409
    launched = await post(server, f"/campaigns/{made}/launch", 200, expected_audience=3, version=checked["version"])
    assert (launched["state"], launched["revision"]) == ("running", 1)
    plan(core)
    running = await get(server, f"/campaigns/{made}")
    assert (running["progress"]["audience"], running["progress"]["open"]) == (3, 3)
    report = await get(server, f"/campaigns/{made}/report")
    assert (report["totals"]["audience"], report["totals"]["open"], len(report["runs"])) == (3, 3, 1)
    assert set(report) >= {"totals", "by_variant", "by_platform", "by_reason", "runs", "people_unreachable"}


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_an_audience_that_has_moved_is_not_launched(server: httpx.AsyncClient, people: list[str]):
    made = await draft(server)
    answer = await server.post(f"{V1}/campaigns/{made}/launch", json={"expected_audience": 500})
    assert answer.status_code == 409
    assert "3 devices" in answer.json()["detail"]
    assert (await get(server, f"/campaigns/{made}"))["state"] == "draft"


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_verb_in_the_wrong_state_says_which_states_allow_it(server: httpx.AsyncClient, people: list[str]):
    made = await draft(server)
    for verb in ("pause", "resume", "cancel"):
        answer = await server.post(f"{V1}/campaigns/{made}/{verb}")
        assert (answer.status_code, answer.json()["type"]) == (409, "/api/docs#wrong_state")
        assert "that works when it is" in answer.json()["detail"]
    await post(server, f"/campaigns/{made}/launch", 200)
    assert (await server.post(f"{V1}/campaigns/{made}/launch")).status_code == 409
    assert (await server.patch(f"{V1}/campaigns/{made}", json={"name": "x"})).status_code == 409
    assert (await server.delete(f"{V1}/campaigns/{made}")).status_code == 409


async def test_pause_resume_and_cancel(core: Core, server: httpx.AsyncClient, people: list[str]):
    made = await draft(server)
    await post(server, f"/campaigns/{made}/launch", 200)
    plan(core)
    paused = await post(server, f"/campaigns/{made}/pause", 200)
    assert (paused["state"], paused["pause_reason"]) == ("paused", "member")
    assert (await post(server, f"/campaigns/{made}/resume", 200))["state"] == "running"
    assert (await post(server, f"/campaigns/{made}/cancel", 200))["state"] == "cancelled"
    upkeep.end_rows(core)
    report = await get(server, f"/campaigns/{made}/report")
    assert report["totals"]["skipped"] == report["totals"]["audience"] == 3
    assert {row["state"] for row in (await get(server, "/deliveries"))["items"]} == {"cancelled"}


async def test_a_throttle_goes_in_with_the_campaign_and_is_told_of_its_progress(
    core: Core, server: httpx.AsyncClient, people: list[str]
):
    made = await draft(server)
    changed = await server.patch(f"{V1}/campaigns/{made}", json={"throttle_per_minute": 600})
    assert changed.json()["throttle_per_minute"] == 600
    refused = await server.patch(f"{V1}/campaigns/{made}", json={"throttle_per_minute": 0})
    assert [one["field"] for one in refused.json()["errors"]] == ["throttle_per_minute"]
    launched = await post(server, f"/campaigns/{made}/launch", 200)
    assert launched["throttle_per_minute"] == launched["progress"]["throttle_per_minute"] == 600
    plan(core)
    assert (await get(server, f"/campaigns/{made}"))["progress"]["throttle_per_minute"] == 600


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_copies_and_deletes(server: httpx.AsyncClient):
    made = await draft(server)
    copy = await post(server, f"/campaigns/{made}/duplicate", 201)
    assert (copy["name"], copy["state"]) == ("Spring sale (copy)", "draft")
    assert (await server.delete(f"{V1}/campaigns/{made}")).status_code == 204
    assert (await server.get(f"{V1}/campaigns/{made}")).status_code == 404
    assert [row["id"] for row in (await get(server, "/campaigns"))["items"]] == [copy["id"]]


async def test_a_trial_goes_to_those_named_and_counts_nowhere(server: httpx.AsyncClient, people: list[str]):
    made = await draft(server)
    sent = await post(server, f"/campaigns/{made}/test", 202, user_ids=["ann"], device_ids=[people[1]])
    assert len(sent["deliveries"]) == 2
    assert (await get(server, f"/campaigns/{made}/report"))["totals"]["audience"] == 0
    for body in ({}, {"user_ids": []}, {"device_ids": ["dev_nonsense"]}, {"people": ["ann"]}):
        assert (await server.post(f"{V1}/campaigns/{made}/test", json=body)).status_code == 422


async def test_deliveries_are_found_by_what_is_known_of_them(core: Core, server: httpx.AsyncClient, people: list[str]):
    made = await draft(server)
    await post(server, f"/campaigns/{made}/launch", 200)
    plan(core)
    first = await get(server, "/deliveries", campaign_id=made, limit=2)
    rest = await get(server, "/deliveries", campaign_id=made, limit=2, cursor=first["next"])
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    found = (await get(server, "/deliveries", user_id="bob", state="planned", platform="web"))["items"]
    assert [(row["user_id"], row["device_id"], row["campaign_id"]) for row in found] == [("bob", people[1], made)]
    assert set(found[0]) >= {
        "id", "campaign_id", "run_id", "user_id", "device_id", "platform", "state", "reason", "variant", "locale",
        "attempts", "due_at", "accepted_at",
    }  # fmt: skip
    assert (await get(server, "/deliveries", state="accepted"))["items"] == []
    explained = await get(server, f"/deliveries/{found[0]['id']}")
    assert {name: explained[name] for name in found[0]} == found[0]
    assert explained["steps"]
    assert (await server.get(f"{V1}/deliveries?platform=fridge")).status_code == 422


async def test_a_message_is_on_its_way_to_users_devices_and_tokens(server: httpx.AsyncClient, people: list[str]):
    point = {"endpoint": "https://fcm.googleapis.com/wp/dan", "keys": {"p256dh": POINT, "auth": "A" * 22}}
    to = {"user_ids": ["ann", "bob"], "device_ids": [people[0]], "tokens": [{"platform": "web", "subscription": point}]}
    sent = await post(server, "/messages", 202, to=to, content={"title": "Order {{ data.number }}"}, data={"number": 7})
    assert sent["message_id"].startswith("msg_")
    assert len(sent["deliveries"]) == 3
    waiting = [await get(server, f"/deliveries/{name}") for name in sent["deliveries"]]
    assert [(row["state"], row["user_id"]) for row in waiting] == [("planned", name) for name in ("ann", "bob", None)]
    assert (await get(server, "/campaigns"))["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": {"title": "x"}}, "to"),
        ({"to": {}, "content": {"title": "x"}}, "to"),
        ({"to": {"user_ids": ["ann"]}}, "content"),
        ({"to": {"user_ids": ["ann"]}, "content": {"title": "x"}, "template_id": "tpl_x"}, "content"),
        ({"to": {"user_ids": ["ann"]}, "content": {"title": "x"}, "category": "none"}, "category"),
        ({"to": {"user_ids": ["ann"]}, "content": {"title": "x"}, "priority": "asap"}, "priority"),
        ({"to": {"user_ids": [1]}, "content": {"title": "x"}}, "to.user_ids[0]"),
    ],
)
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
async def test_a_wrong_field_of_a_message_is_named(server: httpx.AsyncClient, people, body: dict, field: str):
    answer = await server.post(f"{V1}/messages", json=body)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
