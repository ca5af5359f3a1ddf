"""FCM's topics: who may subscribe, what is answered, who is reached, and that a restart remembers."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from simulator_client import REMOVE, SCOPE, Simulator, running
from test_simulator_people import EAGER, inbox

from backend.simulator import topic_condition
from backend.simulator.subscriptions import Subscriptions, TooMany

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"

pytestmark = pytest.mark.asyncio(loop_scope="module")


def fid(simulator: Simulator, n: int) -> str:
    return simulator.device("fcm", n, kind="fid")["fid"]


async def test_subscribes_once_by_token_or_id_and_lists(simulator: Simulator):
    token, own = simulator.device("fcm", 1)["token"], fid(simulator, 1)
    assert token.startswith(own + ":")
    made = await simulator.topic_call("POST", token, "?topic_name=news", {})
    assert made.status_code == 200, made.text
    created = made.json().pop("createTime")
    assert made.json() == {
        "name": f"projects/tocsin-simulator/registrations/{token}/topicSubscriptions/news",
        "topicName": "news",
        "createTime": created,
    }
    again = await simulator.topic_call("POST", own, "?topicName=news", {})
    error = again.json()["error"]
    assert (again.status_code, error["status"]) == (409, "ALREADY_EXISTS")
    listed = (await simulator.topic_call("GET", own)).json()
    assert [each["topicName"] for each in listed["topicSubscriptions"]] == ["news"]
    assert (await simulator.topic_call("GET", own, "/news")).json()["createTime"] == created
    assert (await simulator.stats())["topics"]["news"] == 1


async def test_unsubscribes(simulator: Simulator):
    own = fid(simulator, 2)
    await simulator.topic_call("POST", own, "?topic_name=sport", {})
    gone = await simulator.topic_call("DELETE", own, "/sport")
    assert (gone.status_code, gone.json()) == (200, {})
    missing = await simulator.topic_call("DELETE", own, "/sport")
    error = missing.json()["error"]
    assert (missing.status_code, error["status"], "details" in error) == (404, "NOT_FOUND", False)
    for form in ("allow_missing=true", "allowMissing=true"):
        assert (await simulator.topic_call("DELETE", own, f"/sport?{form}")).status_code == 200
    assert (await simulator.topic_call("DELETE", own, "/sport?allow_missing=false")).status_code == 404
    assert (await simulator.topic_call("GET", own, "/sport")).status_code == 404
    assert (await simulator.topic_call("GET", own)).json() == {}
    assert "sport" not in (await simulator.stats())["topics"]


async def test_patch_makes_what_is_missing_where_it_may(simulator: Simulator):
    own = fid(simulator, 3)
    assert (await simulator.topic_call("PATCH", own, "/art", {})).status_code == 404
    made = await simulator.topic_call("PATCH", own, "/art?allow_missing=true", {"name": "x"})
    again = await simulator.topic_call("PATCH", own, "/art", {})
    assert (made.status_code, again.json()) == (200, made.json())


async def test_lists_in_pages(simulator: Simulator):
    own = fid(simulator, 4)
    for n in range(5):
        await simulator.topic_call("POST", own, f"?topic_name=t{n}", {})
    seen: list[str] = []
    token = ""
    for _ in range(3):
        page = (await simulator.topic_call("GET", own, f"?page_size=2&page_token={token}")).json()
        seen += [each["topicName"] for each in page["topicSubscriptions"]]
        token = page.get("nextPageToken", "")
    assert (seen, token) == (["t0", "t1", "t2", "t3", "t4"], "")
    assert (await simulator.topic_call("GET", own, "?pageSize=x")).status_code == 400


DEAD_OR_WRONG = [
    ("dead", "?topic_name=x", 404, "UNREGISTERED"),
    ("nobody", "?topic_name=x", 400, "INVALID_ARGUMENT"),
]


@pytest.mark.parametrize(("which", "rest", "status", "code"), DEAD_OR_WRONG)
async def test_refuses_registrations(simulator: Simulator, which: str, rest: str, status: int, code: str):
    registration = simulator.device("fcm", dead=True)["token"] if which == "dead" else which
    for method, place, body in (("POST", rest, {}), ("DELETE", "/x?allow_missing=true", None)):
        response = await simulator.topic_call(method, registration, place, body)
        assert response.status_code == status
        assert response.json()["error"]["details"] == [{"@type": FCM_ERROR, "errorCode": code}]


@pytest.mark.parametrize("rest", ["", "?topic_name=", "?topic_name=a%20b", "?topic_name=%2Ftopics%2Fx"])
async def test_refuses_names(simulator: Simulator, rest: str):
    response = await simulator.topic_call("POST", fid(simulator, 5), rest, {})
    (detail,) = response.json()["error"]["details"]
    assert (response.status_code, detail["fieldViolations"][0]["field"]) == (400, "topic_name")


async def test_refuses_other_bodies_methods_projects_and_bearers(simulator: Simulator):
    own = fid(simulator, 6)
    assert (await simulator.topic_call("POST", own, "?topic_name=x", {"surprise": 1})).status_code == 400
    assert (await simulator.topic_call("PUT", own, "/x", {})).status_code == 404
    assert (await simulator.topic_call("POST", own, "?topic_name=x", {}, project="other")).status_code == 404
    assert (await simulator.topic_call("POST", own, "?topic_name=x", {}, headers={})).status_code == 401
    narrow = await simulator.bearer(scope=SCOPE.replace("messaging", "other"))
    assert (await simulator.topic_call("POST", own, "?topic_name=x", {}, headers=narrow)).status_code == 403
    number = simulator.authority.project_number
    assert (await simulator.topic_call("POST", own, "?topic_name=x", {}, project=number)).status_code == 200


async def test_faults_of_their_own(simulator: Simulator):
    own = fid(simulator, 7)
    await simulator.behave(mix={"topics": {"503/UNAVAILABLE@4": 1.0}})
    response = await simulator.topic_call("POST", own, "?topic_name=x", {})
    assert (response.status_code, response.headers["retry-after"]) == (503, "4")
    assert (await simulator.fcm({"message": simulator.fcm_message()})).status_code == 200
    refusals = (await simulator.http.get(f"{simulator.endpoints.control}/simulator/refusals")).json()
    assert [refusal["service"] for refusal in refusals] == ["topics"]


async def test_a_message_to_a_topic_is_booked_once_and_reaches_subscribers_only(tmp_path: Path):
    async with inbox() as box, running(tmp_path, box.url, habits=EAGER) as simulator:
        for n in (1, 2):
            await simulator.topic_call("POST", fid(simulator, n), "?topic_name=news", {})
        await simulator.topic_call("POST", fid(simulator, 2), "?topic_name=sport", {})
        both, either = "'news' in topics && 'sport' in topics", "'art' in topics || !('news' in topics)"
        targets = [{"topic": "news"}, {"topic": "nobody"}, {"condition": both}, {"condition": either}]
        for n, target in enumerate(targets):
            message = simulator.fcm_message(token=REMOVE, data={"m": f"m{n}", "t": "t"}, **target)
            assert (await simulator.fcm({"message": message})).status_code == 200
        assert await simulator.pairs() == [
            ["fcm", "/topics/news", "m0"],
            ["fcm", "/topics/nobody", "m1"],
            ["fcm", both, "m2"],
            ["fcm", either, "m3"],
        ]
        async with asyncio.timeout(5):
            while (await simulator.stats())["people"]["pending"]:
                await asyncio.sleep(0.02)
    assert {receipt["m"] for receipt in box.receipts} == {"m0", "m2"}
    assert box.types() == {"delivered": 2, "displayed": 2, "opened": 2}


async def test_a_message_to_a_topic_may_have_2048_bytes(simulator: Simulator):
    def message(size: int) -> dict[str, Any]:
        return {"message": {"topic": "x", "data": {"a": "x" * size}}}

    room = 2048 - len('{"data":{"a":""}}')
    assert (await simulator.fcm(message(room))).status_code == 200
    assert (await simulator.fcm(message(room + 1))).status_code == 400


async def test_a_restart_remembers(tmp_path: Path):
    for n in range(2):
        async with running(tmp_path) as simulator:
            own = fid(simulator, 1)
            assert (await simulator.topic_call("POST", own, "?topic_name=news", {})).status_code == (409 if n else 200)
            await simulator.refresh()
            assert (await simulator.stats())["topics"] == {"news": 1}


async def test_the_journal_is_replayed_and_rewritten(tmp_path: Path):
    first = Subscriptions(tmp_path)
    for round_ in range(600):
        first.add("a", f"t{round_ % 3}", round_)
        first.remove("a", f"t{round_ % 3}")
    first.add("a", "kept", 7.0)
    first.close()
    journal = tmp_path / "topics.jsonl"
    journal.write_bytes(journal.read_bytes() + b'["a","cut')
    assert Subscriptions(tmp_path).of("a") == {"kept": 7.0}
    assert journal.read_bytes() == b'["a","kept",7.0]\n'


async def test_two_thousand_topics_and_no_more(tmp_path: Path):
    topics = Subscriptions(tmp_path)
    for n in range(2000):
        assert topics.add("a", f"t{n}", 0) is None
    with pytest.raises(TooMany):
        topics.add("a", "one more", 0)
    assert topics.add("a", "t5", 9) == 0
    assert topics.add("b", "one more", 0) is None
    topics.close()


CONDITIONS = [
    ("'a' in topics", {"a"}, {"b"}),
    ("!('a' in topics)", {"b"}, {"a"}),
    ("'a' in topics && 'b' in topics || 'c' in topics", {"c"}, {"a"}),
    ("'a' in topics && ('b' in topics || 'c' in topics)", {"a", "c"}, {"c"}),
    ("('a' in topics)||('b'  in  topics)", {"b"}, set()),
    ("!!('a' in topics)", {"a"}, {"b"}),
]


@pytest.mark.parametrize(("text", "yes", "no"), CONDITIONS)
async def test_conditions(text: str, yes: set[str], no: set[str]):
    condition = topic_condition.parse(text)
    assert condition(yes)
    assert not condition(no)


BAD_CONDITIONS = [
    "",
    "a in topics",
    "'a' in topic",
    "'a' in topics &&",
    "'a' in topics 'b' in topics",
    "('a' in topics",
    "'a' in topics)",
    "'a b' in topics",
    "'a' in topics & 'b' in topics",
    " && ".join(f"'{n}' in topics" for n in range(6)),
    "(" * 200 + "'a' in topics" + ")" * 200,
]


@pytest.mark.parametrize("text", BAD_CONDITIONS)
async def test_what_is_no_condition(text: str):
    with pytest.raises(topic_condition.BadCondition):
        topic_condition.parse(text)
