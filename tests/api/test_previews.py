"""A push before it is sent, by the API."""

import httpx
import orjson
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import credentials, subscribers
from backend.services.apps import AppRow
from backend.services.registration import DeviceIn
from tests.factories import definition

V1 = "/api/v1"
KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    return sqlite_core


@pytest.fixture
def people(core: Core, app: AppRow) -> list[str]:
    """Ann, whose name is known, and Ben; a browser each, by their ids."""
    with core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, "webpush", {"subject": "mailto:ops@example.test"})
        subscribers.users_batch(work, [{"user_id": "ann", "attributes": {"name": "Ann"}}, {"user_id": "ben"}])
        return [register(work, user) for user in ("ann", "ben")]


def register(work, user: str) -> str:
    subscription = {"endpoint": f"https://fcm.googleapis.com/fcm/send/{user}", "keys": KEYS}
    given = {"platform": "web", "subscription": subscription, "user_id": user, "permission": "granted", "locale": "pl"}
    return subscribers.register_device(work, DeviceIn.model_validate(given), trusted=True).device.id


async def drafted(server: httpx.AsyncClient, **content) -> str:
    variants = [{"name": "A", "weight": 50, "content": content}, {"name": "B", "weight": 50, "content": {"title": "B"}}]
    answer = await server.post(f"{V1}/campaigns", json=definition(variants=variants))
    return answer.json()["id"]


async def test_a_campaign_is_shown_for_a_device_a_person_or_nobody(server: httpx.AsyncClient, people: list[str]):
    campaign = await drafted(server, title="Hi {{ user.name }}", locales={"pl": {"title": "Cześć {{ user.name }}"}})
    place = f"{V1}/campaigns/{campaign}/preview"
    shown = (await server.post(place, json={"device_id": people[0]})).json()
    assert (shown["user_id"], shown["device_id"], shown["provider"]) == ("ann", people[0], "webpush")
    assert (shown["locale"], shown["chain"]) == ("pl", ["pl", "en"])
    assert orjson.loads(shown["body"])["notification"]["title"] == shown["message"]["title"] == "Cześć Ann"
    assert (shown["bytes"], shown["limit"]) == (len(shown["body"].encode()), 3993)
    assert shown["headers"]["ttl"] == "86400"
    assert "authorization" not in shown["headers"]
    assert sum(one["bytes"] for one in shown["fields"]) == shown["counted"]
    english = (await server.post(place, json={"user_id": "ann", "platform": "web", "locale": "en"})).json()
    assert english["message"]["title"] == "Hi Ann"
    ben = (await server.post(place, json={"user_id": "ben"})).json()
    assert (ben["message"], [one["field"] for one in ben["problems"]]) == (None, ["title"])
    assert (await server.post(place, json={"variant": "B"})).json()["message"]["title"] == "B"
    assert (await server.post(place)).json()["platform"] == "ios"
    draft = await server.post(place, json={"user_id": "ann", "content": {"title": "Draft"}})
    assert draft.json()["message"]["title"] == "Draft"


async def test_content_alone_is_shown_with_its_data_and_its_faults(server: httpx.AsyncClient, people: list[str]):
    place = f"{V1}/content/preview"
    asked = {"content": {"title": "Code {{ data.code }}"}, "data": {"code": 42}, "platform": "android"}
    assert (await server.post(place, json=asked)).json()["message"]["title"] == "Code 42"
    wrong = (await server.post(place, json={"content": {"title": "{{ x }}", "nonsense": 1}})).json()
    assert {one["field"] for one in wrong["problems"]} == {"content.title", "content.nonsense"}
    large = (await server.post(place, json={"content": {"title": "x", "body": "y" * 5000}})).json()
    assert (large["trim"]["field"], large["problems"][0]["field"], large["body"]) == ("body", "body", "")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"user_id": "stranger"}, 404),
        ({"device_id": "dev_x"}, 404),
        ({"platform": "pager"}, 422),
        ({"locale": "??"}, 422),
        ({"variant": "Z"}, 422),
        ({"nonsense": 1}, 422),
    ],
)
async def test_a_wrong_question_is_refused(server: httpx.AsyncClient, people: list[str], asked, status):
    campaign = await drafted(server, title="Hi")
    assert (await server.post(f"{V1}/campaigns/{campaign}/preview", json=asked)).status_code == status


async def test_telling_recipients_are_named(server: httpx.AsyncClient, people: list[str]):
    campaign = await drafted(server, title="Hi {{ user.name | default('') }}")
    told = (await server.get(f"{V1}/campaigns/{campaign}/recipients")).json()
    assert {(one["why"], one["user_id"]) for one in told["items"]} == {("missing", "ben"), ("other_language", "ann")}
    assert (told["looked"], told["whole"]) == (2, True)
    assert told["largest"]["web"] > 100
    assert (await server.get(f"{V1}/campaigns/{campaign}/recipients", params={"variant": "Z"})).status_code == 422
