"""The exact bytes before anything is sent: for whom, at what cost, and what stands in the way."""

import time

import orjson
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Invalid, NotFound
from backend.services import campaigns, credentials, deliveries, inspector, messages, subscribers
from backend.services.apps import AppRow
from backend.services.inspector import Whom
from backend.services.registration import DeviceIn
from tests.factories import Simulator, definition
from tests.services.test_pipeline import sending, states


@pytest.fixture
def ann(core: Core, app: AppRow, provider: Simulator) -> dict[str, str]:
    """Ann with an Android phone, an iPhone through FCM, and an iPhone that has gone; the phones' ids."""
    authority = provider.authority
    with core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, "fcm", authority.fcm_credential_body(), trusted=True)
        credentials.add_credential(work, "apns", authority.apns_credential_body("com.example.shop"), trusted=True)
        subscribers.users_batch(work, [{"user_id": "ann", "attributes": {"name": "Ann"}, "language": "pl"}])
        given = {
            "android": {"platform": "android", **authority.device_address("fcm", 1)},
            "ios_fcm": {"platform": "ios", "provider": "fcm", **authority.device_address("fcm", 2)},
            "apns": {"platform": "ios", "locale": "de-DE", **authority.device_address("apns", 1)},
        }
        made = {
            name: subscribers.register_device(
                work, DeviceIn.model_validate({**one, "user_id": "ann", "permission": "granted"}), trusted=True
            ).device.id
            for name, one in given.items()
        }
        subscribers.update_device(work, made["apns"], subscribers.DevicePatch.model_validate({"state": "unsubscribed"}))
        return made


def work_of(core: Core, app: AppRow):
    return core.reading(OPERATOR, app.number)


TEXT = {"title": "Hi {{ user.name }}", "locales": {"pl": {"title": "Cześć {{ user.name }}"}}}


def test_it_is_for_a_device_a_person_or_nobody(core: Core, app: AppRow, ann: dict[str, str]):
    with work_of(core, app) as work:
        shown = inspector.of_content(work, TEXT, Whom("ann", platform="android"))
        assert (shown.device_id, shown.provider, shown.message.title) == (ann["android"], "fcm", "Cześć Ann")
        assert (shown.locale, shown.chain) == ("pl", ("pl", "en"))
        shown = inspector.of_content(work, TEXT, Whom("ann", platform="ios"))
        assert shown.device_id == ann["ios_fcm"], "one that pushes reach goes before one that has gone"
        shown = inspector.of_content(work, TEXT, Whom(device_id=ann["apns"], locale="en"))
        assert (shown.provider, shown.message.title, shown.chain) == ("apns", "Hi Ann", ("en",))
        shown = inspector.of_content(work, TEXT, Whom("ann", platform="web"))
        assert (shown.device_id, shown.user_id, shown.provider) == (None, "ann", "webpush")
        nobody = inspector.of_content(work, TEXT, Whom(platform="web"))
        assert [one.field for one in nobody.problems] == ["title"]
        assert nobody.variables["app"]["name"] == "Shop"


def test_who_and_what_is_not_there_is_said(core: Core, app: AppRow, ann: dict[str, str]):
    with work_of(core, app) as work:
        for whom in (Whom("stranger"), Whom(device_id="dev_AAAAAAAAAAAAAAAAAAAAAA")):
            with pytest.raises(NotFound):
                inspector.of_content(work, TEXT, whom)
        for whom in (Whom(platform="pager"), Whom(locale="??")):
            with pytest.raises(Invalid):
                inspector.of_content(work, TEXT, whom)
        wrong = inspector.of_content(work, {"title": "{{ nobody }}", "image": "http://x"}, Whom("ann"))
        assert {one.field for one in wrong.problems} == {"content.title", "content.image"}
        assert (wrong.message, wrong.body) == (None, "")


def test_the_address_is_masked_and_every_other_byte_is_there(core: Core, app: AppRow, ann: dict[str, str], provider):
    token = provider.authority.device_address("fcm", 1)["token"]
    with work_of(core, app) as work:
        shown = inspector.of_content(work, TEXT, Whom(device_id=ann["android"]))
        read = orjson.loads(shown.body)["message"]
        assert read["token"] == "*" * len(token)
        assert (read["data"]["m"], read["data"]["t"]) == (shown.own["m"], shown.own["t"])
        assert shown.bytes == len(shown.body.encode())
        assert shown.counted == len(orjson.dumps({k: v for k, v in read.items() if k != "token"}))
        through_fcm = inspector.of_content(work, TEXT, Whom(device_id=ann["ios_fcm"]))
        ends = orjson.loads(through_fcm.body)["message"]["apns"]["headers"]["apns-expiration"]
        assert through_fcm.own["apns-expiration"] == ends
        headers = inspector.of_content(work, TEXT, Whom(device_id=ann["apns"])).headers
        assert headers["apns-topic"] == "com.example.shop"
        assert {"apns-id", "apns-priority", "apns-push-type", "apns-expiration"} <= headers.keys()
        web = inspector.of_content(work, TEXT, Whom("ann", platform="web")).headers
        assert (web["urgency"], web["ttl"]) == ("normal", "86400")


def test_each_field_has_its_price_and_the_dearest_is_named(core: Core, app: AppRow, ann: dict[str, str]):
    text = {
        "title": "ż" * 10, "body": "y" * 300, "data": {"k": "v" * 50},
        "actions": [{"id": "a", "title": "Buy"}, {"id": "b", "title": "No"}],
        "ios": {"relevance_score": 0.5},
    }  # fmt: skip
    with work_of(core, app) as work:
        for whom in (Whom(device_id=ann["apns"]), Whom(device_id=ann["ios_fcm"]), Whom(platform="web")):
            shown = inspector.of_content(work, text, whom)
            costs = {one.field: one.bytes for one in shown.fields}
            assert sum(costs.values()) == shown.counted
            assert next(iter(costs)) == "body"
            alone = len('"data":{},') - 1 if shown.provider == "webpush" else 0
            assert costs["data.k"] == len(',"k":""') + 50 + alone
            assert {"title", "body", "data.k", "actions[0]", "frame"} <= costs.keys()
            assert shown.trim is None
        apns = inspector.of_content(work, text, Whom(device_id=ann["apns"]))
        assert {one.field: one.bytes for one in apns.fields}["ios.relevance_score"] == len(',"relevance-score":0.5')


@pytest.mark.parametrize(("over", "problems"), [(-200, 0), (-1, 0), (0, 0), (1, 1), (900, 1)])
def test_near_the_limit_and_over_it_the_field_to_trim_is_named(core, app, ann, over, problems):
    with work_of(core, app) as work:
        room = inspector.of_content(work, {"title": "Hi", "body": "x"}, Whom(device_id=ann["apns"]))
        body = "x" * (1 + room.limit - room.counted + over)
        shown = inspector.of_content(work, {"title": "Hi", "body": body}, Whom(device_id=ann["apns"]))
        assert (shown.trim.field, shown.counted) == ("body", shown.limit + over)
        assert shown.trim.bytes == (over if over > 0 else shown.limit + over - int(shown.limit * 0.9))
        assert [one.field for one in shown.problems] == ["body"] * problems
        assert bool(shown.body) is not bool(problems)


def test_a_campaigns_wording_is_chosen_by_name_and_a_draft_stands_in_for_it(core, app, ann):
    variants = [{"name": name, "weight": 50, "content": {"title": f"{name} {{{{ user.id }}}}"}} for name in ("A", "B")]
    with core.work(OPERATOR, app.number) as work:
        made = campaigns.create(work, definition(variants=variants)).row.id
        whom = Whom(device_id=ann["apns"])
        assert inspector.of_campaign(work, made, whom).message.title == "A ann"
        assert inspector.of_campaign(work, made, whom, variant="B").message.title == "B ann"
        draft = inspector.of_campaign(work, made, whom, variant="B", text={"title": "Draft"})
        assert draft.message.title == "Draft"
        with pytest.raises(Invalid):
            inspector.of_campaign(work, made, whom, variant="C")
        assert campaigns.get(work, made).definition["variants"][1]["content"]["title"] == "B {{ user.id }}"


def test_what_was_sent_is_explained_with_the_same_mask(core: Core, app: AppRow, ann: dict[str, str], provider):
    token = provider.authority.device_address("fcm", 1)["token"]
    with core.work(OPERATOR, app.number) as work:
        sent = messages.send(work, {"device_ids": [ann["android"]]}, content=TEXT).deliveries[0]
    with sending(core):
        until_sent(core)
    with work_of(core, app) as work:
        told = deliveries.explain(work, sent)
    assert told.body_as_sent
    assert orjson.loads(told.body)["message"]["token"] == "*" * len(token)


def until_sent(core: Core) -> None:
    ends = time.monotonic() + 20
    while states(core)["accepted"] < 1:
        assert time.monotonic() < ends, states(core)
        time.sleep(0.05)
