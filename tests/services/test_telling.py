"""Whom the composer offers to look through: the few who show best what a text does."""

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import campaigns, lists, segmentation, subscribers, telling
from backend.services.apps import AppRow
from backend.services.registration import DeviceIn
from backend.services.template_engine import reads
from tests.factories import Simulator, definition

TEXT = {
    "title": "Hi {{ user.name | default('you') }}",
    "body": "{{ user.city | default('–') }}",
    "locales": {"ar": {"title": "مرحبا"}},
}


def add(core: Core, app: AppRow, provider: Simulator, user: str, number: int, locale: str | None = None, **attributes):
    with core.work(OPERATOR, app.number) as work:
        subscribers.users_batch(work, [{"user_id": user, "attributes": attributes}])
        address = provider.authority.device_address("fcm", number)
        given = {"platform": "android", "user_id": user, "permission": "granted", "locale": locale, **address}
        subscribers.register_device(work, DeviceIn.model_validate(given), trusted=True)


@pytest.fixture
def crowd(core: Core, shop: AppRow, provider: Simulator) -> AppRow:
    add(core, shop, provider, "plain", 1, name="Ann", city="Rome")
    add(core, shop, provider, "longest", 2, name="x" * 60, city="Rome")
    add(core, shop, provider, "no city", 3, name="Ben")
    add(core, shop, provider, "bytes", 4, name="\U0001f388" * 30, city="Rome")
    add(core, shop, provider, "reads arabic", 5, "ar-EG", name="D", city="Giza")
    add(core, shop, provider, "brief", 6, name="A", city="B")
    return shop


def told(core: Core, app: AppRow, text=TEXT, **changes):
    with core.work(OPERATOR, app.number) as work:
        made = campaigns.create(work, definition(variants=[{"name": "A", "content": text}], **changes)).row.id
        return telling.recipients(work, made)


def test_each_reason_has_a_person_of_its_own(core: Core, crowd: AppRow):
    found = told(core, crowd)
    assert [(one.why, one.user_id) for one in found.items] == [
        ("shortest", "brief"),
        ("longest", "longest"),
        ("missing", "no city"),
        ("right_to_left", "reads arabic"),
        ("most_bytes", "bytes"),
    ]
    details = {one.why: one.detail for one in found.items}
    assert (details["missing"], details["right_to_left"]) == ("user.city", "ar-EG")
    assert details["longest"] == f"{len('Hi ') + 60 + len('Rome')} characters"
    assert (found.looked, found.whole) == (6, True)
    assert details["most_bytes"] == f"{found.largest['android']} bytes"


def test_whoever_cannot_get_it_is_the_one_who_lacks_something(core: Core, crowd: AppRow):
    found = told(core, crowd, {"title": "Hi", "body": "{{ user.city }}"})
    assert next(one for one in found.items if one.why == "missing").user_id == "no city"


def test_another_language_stands_in_where_nobody_reads_leftwards(core: Core, shop: AppRow, provider: Simulator):
    add(core, shop, provider, "ann", 1)
    add(core, shop, provider, "piotr", 2, "pl-PL")
    assert {one.why: one.user_id for one in told(core, shop, {"title": "x"}).items} == {
        "other_language": "piotr",
        "longest": "ann",
    }


def test_only_people_of_the_audience_are_offered(core: Core, crowd: AppRow):
    with core.work(OPERATOR, crowd.number) as work:
        few = lists.create(work, lists.ListIn(name="few"))
        lists.add_members(work, few.id, ["plain"])
    assert [one.user_id for one in told(core, crowd, audience={"include": [few.id]}).items] == ["plain"]
    assert not told(core, crowd, audience={"topics": ["news"]}).items
    with core.work(OPERATOR, crowd.number) as work:
        rule = {"field": "attr.city", "operator": "=", "value": "Giza"}
        gone = segmentation.create(work, "s", {"combinator": "and", "rules": [rule]})
    assert [one.user_id for one in told(core, crowd, audience={"include": [gone.id]}).items] == ["reads arabic"]


def test_nobody_is_offered_where_there_is_nobody(core: Core, shop: AppRow):
    assert told(core, shop) == telling.Telling((), 0, True, {})


def test_an_item_of_a_list_that_is_there_is_nothing_that_somebody_lacks(core: Core, shop: AppRow, provider: Simulator):
    add(core, shop, provider, "ann", 1, tags=["vip"])
    add(core, shop, provider, "ben", 2)
    found = told(core, shop, {"title": "{{ user.tags[0] | default('-') }}"})
    assert [(one.user_id, one.detail) for one in found.items if one.why == "missing"] == [("ben", "user.tags")]


def test_the_variables_that_a_text_reads():
    text = "{{ user.name | default(device.model) }} {% if event.value > 1 %}{{ user['a b'] }}{% endif %}"
    assert [use.path for use in reads(text)] == [
        ("user", "name"),
        ("device", "model"),
        ("event", "value"),
        ("user", "a b"),
    ]
    assert [use.path for use in reads("{{ user.address.city }}")] == [("user", "address", "city")]
    assert reads("plain") == reads("{{ broken") == reads("{{ nobody.x }}") == ()
