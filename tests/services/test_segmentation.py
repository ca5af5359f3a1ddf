"""Segments kept, referred to, counted and turned into audiences."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select, select
from sqlmodel import col

from backend.bootstrap import Core
from backend.db import OPERATOR, Work
from backend.errors import Conflict, Invalid, NotFound
from backend.models import Campaign, Credential, Device, User, UserList
from backend.queries import segment_rows
from backend.queries import segments as compiler
from backend.services import apps, ids, segmentation
from backend.services.apps import AppRow
from backend.services.segment_library import Library, read_rules

IOS = {"field": "device.platform", "operator": "=", "value": "ios"}
PRO = {"field": "attr.plan", "operator": "=", "value": "pro"}


def both(*rules: Any, **more: Any) -> dict[str, Any]:
    return {"combinator": "and", "not": False, "rules": list(rules), **more}


def into(*segments: str, operator: str = "in") -> dict[str, Any]:
    return {"field": "segment", "operator": operator, "value": list(segments)}


def person(work: Work, name: str | None, *devices: tuple[str, str], **attributes: Any) -> int:
    """A user with devices given as (platform, state); a `denied` or `loose` one is active, but without
    permission or credential."""
    user = User(app_id=work.app_id, external_id=name, bucket=5, attributes=attributes, first_seen=work.now)
    work.session.add(user)
    work.session.flush()
    sender = credential(work)
    for number, (platform, state) in enumerate(devices):
        work.session.add(
            Device(
                app_id=work.app_id, user_id=user.id, platform=platform, provider="fcm", environment="production",
                address_kind="token", sealed_address=b"", address_index=hashlib.md5(f"{user.id}/{number}".encode()).digest(),
                index_version="0", secret_hash="", state="active" if state in ("denied", "loose") else state,
                permission="denied" if state == "denied" else "granted", credential_id=None if state == "loose" else sender,
                first_seen=work.now, last_seen=work.now, registered_at=work.now,
                ephemeral_until=work.now if platform == "web" and state == "invalid" else None,
            )
        )  # fmt: skip
    work.session.flush()
    return user.id


def credential(work: Work) -> int:
    """The app's one credential."""
    found = select(col(Credential.id)).where(col(Credential.app_id) == work.app_id)
    if (number := work.session.execute(found).scalar()) is not None:
        return number
    made = Credential(
        app_id=work.app_id, provider="fcm", environment="production", sealed_secret=b"", created_at=work.now, updated_at=work.now
    )  # fmt: skip
    work.session.add(made)
    work.session.flush()
    return made.id


def fill(work: Work) -> None:
    """Web devices that are invalid are the ephemeral ones."""
    person(work, "ann", ("ios", "active"), ("android", "active"), plan="pro")
    person(work, "bob", ("ios", "invalid"), ("android", "unsubscribed"), plan="pro")
    person(work, "cid", ("android", "invalid"), plan="free")
    person(work, "dan", plan="pro")
    person(work, None, ("web", "active"))
    person(work, None, ("web", "invalid"))
    other = work.within(apps.create_app(work, slug="other").number)
    person(other, "eve", ("ios", "active"), plan="pro")


@pytest.fixture
def work(core: Core, app: AppRow) -> Iterator[Work]:
    """What asks the database something that it could answer otherwise than the other."""
    with core.work(OPERATOR, app.number) as opened:
        fill(opened)
        yield opened


@pytest.fixture
def quick(sqlite_core: Core) -> Iterator[Work]:
    with sqlite_core.work(OPERATOR) as opened:
        inside = opened.within(apps.create_app(opened, slug="shop").number)
        fill(inside)
        yield inside


def test_an_estimate_counts_pairs_and_their_users(work: Work):
    found = segmentation.estimate(work, both(PRO))
    assert (found.users, found.devices, found.reachable) == (3, 4, 2)
    assert found.by_platform == {"ios": 2, "android": 2, "web": 0}
    assert found.sample == ("ann", "bob", "dan")
    assert (found.reachable_by_platform, found.total_users) == ({"ios": 1, "android": 1, "web": 0}, 5)
    assert found.unreachable == {"unsubscribed": 1, "invalid": 1}
    assert found.people_unreachable == {"unsubscribed": 1, "no_device": 1}
    assert segmentation.estimate(work, both(IOS)).users == 2
    assert segmentation.estimate(work, both()).users == 5
    assert segmentation.estimate(work, both(combinator="or")).users == 0


def test_an_estimate_says_why_a_push_would_not_arrive(work: Work):
    """The best of a person's devices found counts; dead comes before unpermitted, and a campaign takes that one."""
    for name, *devices in (
        ("fay", ("ios", "denied"), ("web", "loose")),
        ("gil", ("android", "loose"), ("ios", "invalid")),
        ("hal", ("ios", "denied"), ("android", "active")),
    ):
        person(work, name, *devices, plan="odd")
    odd = both({**PRO, "value": "odd"})
    found = segmentation.estimate(work, odd)
    assert (found.users, found.devices, found.reachable, found.total_users) == (3, 6, 1, 8)
    assert found.unreachable == {"no_permission": 2, "no_credential": 2, "invalid": 1}
    assert found.people_unreachable == {"no_permission": 1, "no_credential": 1}
    assert found.reachable + sum(found.unreachable.values()) == found.devices
    size = segmentation.audience_size(work, {"include": [segmentation.create(work, "Odd", odd).id]})
    assert (size.people, size.devices, size.people_unreachable) == (3, 3, {"no_credential": 1})
    assert size.by_platform == {"ios": 2, "android": 1, "web": 0}


def test_an_audience_is_its_active_devices_and_says_whom_it_misses(work: Work):
    everyone = segmentation.audience_size(work, {"everyone": True, "include": [], "exclude": []})
    assert (everyone.people, everyone.devices) == (5, 3)
    assert everyone.by_platform == {"ios": 1, "android": 1, "web": 1}
    assert everyone.people_unreachable == {"no_device": 1, "unsubscribed": 1, "invalid": 1}


def test_an_audience_goes_to_the_pairs(work: Work):
    """Bob's android is not asked when the audience is of ios: his best matched device is invalid."""
    pro, ios = segmentation.create(work, "Pro", both(PRO)).id, segmentation.create(work, "iOS", both(IOS)).id
    size = segmentation.audience_size(work, {"include": [ios], "exclude": [], "everyone": False})
    assert (size.people, size.devices, size.people_unreachable) == (2, 1, {"invalid": 1})
    size = segmentation.audience_size(work, {"include": [pro], "exclude": [ios], "everyone": False})
    assert size.by_platform == {"ios": 0, "android": 1, "web": 0}
    assert size.people_unreachable == {"unsubscribed": 1, "no_device": 1}
    size = segmentation.audience_size(work, {"include": [pro, ios], "everyone": False})
    assert (size.people, size.devices) == (3, 2)
    assert segmentation.audience_size(work, {"include": []}).people == 0


def test_the_condition_serves_an_inner_join_too(quick: Work):
    """As the planner uses it."""
    where = segmentation.audience_where(quick, {"everyone": True})
    statement = select(col(Device.id)).join(User, col(User.id) == col(Device.user_id)).where(where)
    assert len(quick.session.execute(statement).all()) == 6


def test_members_are_paged_with_the_devices_that_matched(work: Work):
    segment = segmentation.create(work, "iOS or none", both(both(IOS), PRO, combinator="or")).id
    first = segmentation.members(work, segment, limit=2)
    assert [(one.user_id, len(one.device_ids)) for one in first.items] == [("ann", 2), ("bob", 2)]
    rest = segmentation.members(work, segment, limit=2, cursor=first.next)
    assert [(one.user_id, one.device_ids) for one in rest.items] == [("dan", ())]
    assert rest.next is None
    assert all(one.startswith("dev_") for one in first.items[0].device_ids)


def test_members_further_on_are_found_among_everybody(work: Work, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(segment_rows, "STRETCH", 1)
    segment = segmentation.create(work, "Pro", both(PRO)).id
    first = segmentation.members(work, segment, limit=1)
    second = segmentation.members(work, segment, limit=1, cursor=first.next)
    last = segmentation.members(work, segment, limit=1, cursor=second.next)
    assert [page.items[0].user_id for page in (first, second, last)] == ["ann", "bob", "dan"]
    assert [len(page.items[0].device_ids) for page in (first, second, last)] == [2, 2, 0]
    assert last.next is None


def plan(work: Work, statement: Select[Any]) -> str:
    connection = work.session.connection()
    written = statement.compile(connection, compile_kwargs={"literal_binds": True})
    told = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if work.sqlite else ''}{written}")
    return "\n".join(str(row) for row in told)


def test_counting_reads_nothing_of_a_device_but_an_index(quick: Work):
    counted = segment_rows._people(segmentation._asked(quick, both(PRO)).everybody)
    assert "COVERING INDEX ix_device_user" in plan(quick, counted)


def test_an_index_serves_the_value_of_an_attribute(postgres_core: Core):
    with postgres_core.work(OPERATOR) as opened:
        work = opened.within(apps.create_app(opened, slug="shop").number)
        opened.session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
        tags = {"field": "attr.tags", "operator": "includes", "value": "x"}
        for rule in (PRO, {**PRO, "value": True}, {**PRO, "operator": "in", "value": ["a", "b"]}, tags):
            where = compiler.where(read_rules(both(rule)), Library(work).scope())
            assert "ix_user_attributes" in plan(work, select(col(User.id)).where(where)), rule


def test_a_segment_is_kept_in_its_canonical_form_and_in_words(quick: Work):
    made = segmentation.save(quick, name=" Pro ", rules={**both({**PRO, "id": "x"}), "id": "root"})
    assert (made.name, made.rules, made.description) == ("Pro", both(PRO), "plan is pro")
    again = segmentation.save(quick, name="Pros", rules=both(IOS, into(made.id, operator="notIn"), combinator="or"))
    assert again.description == "device platform is ios or not in segment Pro"
    changed = segmentation.save(quick, name="P", rules=both(IOS), segment_id=made.id)
    assert (changed.id, changed.name) == (made.id, "P")
    assert segmentation.get(quick, again.id).description == "device platform is ios or not in segment P"
    assert [one.id for one in segmentation.listing(quick).items] == [again.id, made.id]
    assert [one.id for one in segmentation.listing(quick, search="pros").items] == [again.id]
    assert segmentation.describe(both(PRO)) == "plan is pro"


def test_segments_may_not_go_in_circles(quick: Work):
    one = segmentation.create(quick, "One", both(PRO)).id
    two = segmentation.create(quick, "Two", both(into(one))).id
    three = segmentation.create(quick, "Three", both(into(two), into(one))).id
    for circle in (one, two, three):
        with pytest.raises(Invalid) as caught:
            segmentation.save(quick, name="One", rules=both(PRO, into(circle)), segment_id=one)
        assert [error.field for error in caught.value.errors] == ["rules[1].value"]
        assert "circle" in caught.value.errors[0].message


def test_segments_of_segments_are_bounded(quick: Work):
    last = segmentation.create(quick, "0", both(*[PRO] * 60)).id
    for step in range(3):
        last = segmentation.create(quick, str(step), both(into(last), into(last, operator="notIn"))).id
    with pytest.raises(Invalid, match="more than 500 rules"):
        segmentation.create(quick, "too many", both(into(last), into(last, operator="notIn")))


def test_what_rules_name_must_be_there(quick: Work):
    theirs = apps.app_by_slug(quick, "other").number
    other = quick.within(theirs)
    foreign = segmentation.create(other, "x", both(PRO)).id
    row = UserList(app_id=theirs, name="x", created_at=quick.now)
    campaign = Campaign(app_id=theirs, name="x", created_at=quick.now, updated_at=quick.now)
    quick.session.add_all([row, campaign])
    quick.session.flush()
    cases = [
        (into(foreign), "rules[0].value"),
        (into("seg_nonsense"), "rules[0].value"),
        ({"field": "list", "operator": "in", "value": ids.public(quick, ids.LIST, row.id)}, "rules[0].value"),
        ({"field": "list", "operator": "in", "value": foreign}, "rules[0].value"),
        ({"field": "push.opened", "operator": "=", "value": {"campaign": ids.public(quick, ids.CAMPAIGN, campaign.id)}}, "rules[0].value"),
        ({"field": "category.nosuch", "operator": "=", "value": "opted_in"}, "rules[0].field"),
        ({"field": "user.shoes", "operator": "=", "value": "x"}, "rules[0].field"),
    ]  # fmt: skip
    for rule, field in cases:
        for call in (lambda r: segmentation.estimate(quick, r), lambda r: segmentation.create(quick, "x", r)):
            with pytest.raises(Invalid) as caught:
                call(both(rule))
            assert [error.field for error in caught.value.errors] == [field]
    with pytest.raises(Invalid) as caught:
        segmentation.audience_where(quick, {"include": [foreign]})
    assert caught.value.errors[0].field == "audience.include[0]"


def test_another_apps_segment_is_not_there(quick: Work):
    mine = segmentation.create(quick, "x", both(PRO)).id
    other = quick.within(apps.app_by_slug(quick, "other").number)
    for call in (segmentation.get, segmentation.delete, segmentation.members):
        with pytest.raises(NotFound):
            call(other, mine)
    with pytest.raises(NotFound):
        segmentation.save(other, name="x", rules=both(), segment_id=mine)


def test_a_segment_in_use_stays(quick: Work):
    one = segmentation.create(quick, "One", both(PRO)).id
    two = segmentation.create(quick, "Two", both(into(one))).id
    with pytest.raises(Conflict, match="segment 'Two'"):
        segmentation.delete(quick, one)
    used = Campaign(
        app_id=quick.app_id, name="Sale", created_at=quick.now, updated_at=quick.now,
        definition={"audience": {"include": [two], "exclude": []}},
    )  # fmt: skip
    quick.session.add(used)
    quick.session.flush()
    with pytest.raises(Conflict, match="campaign 'Sale'"):
        segmentation.delete(quick, two)
    used.state = "finished"
    quick.session.flush()
    segmentation.delete(quick, two)
    segmentation.delete(quick, one)
    with pytest.raises(NotFound):
        segmentation.get(quick, one)
    assert not segmentation.listing(quick).items
    assert segmentation.audience_text(quick, {"include": [one], "exclude": [two]}) == "One but Two"


def test_a_frozen_audience_does_not_follow_its_segments(quick: Work):
    inner = segmentation.create(quick, "Inner", both(PRO)).id
    outer = segmentation.create(quick, "Outer", both(into(inner))).id
    frozen = segmentation.freeze(quick, {"include": [outer], "exclude": [], "everyone": False, "unseen_days": None})
    assert set(frozen["frozen"]) == {inner, outer}
    segmentation.save(quick, name="Inner", rules=both(IOS), segment_id=inner)
    assert segmentation.audience_size(quick, frozen).people == 3
    segmentation.delete(quick, outer)
    segmentation.delete(quick, inner)
    assert segmentation.audience_size(quick, frozen).people == 3


def test_an_audience_in_words(quick: Work):
    one, two = (segmentation.create(quick, name, both(PRO)).id for name in ("One", "Two"))
    assert segmentation.audience_text(quick, {"everyone": True, "include": [], "exclude": [one]}) == "Everyone but One"
    assert segmentation.audience_text(quick, {"include": [one, two], "exclude": []}) == "One or Two"
    assert segmentation.audience_text(quick, {"include": [], "exclude": []}) == "Nobody"


def test_days_count_back_from_one_now(work: Work):
    user = work.session.execute(select(User).where(col(User.external_id) == "ann")).scalar_one()
    user.last_active = work.now - timedelta(days=7)
    work.session.flush()
    rule = {"field": "user.last_active", "operator": "withinDays", "value": 7}
    assert segmentation.estimate(work, both(rule)).sample == ("ann",)
    assert segmentation.estimate(work, both({**rule, "value": 6.99})).users == 0
    assert segmentation.estimate(work, both({**rule, "operator": "notWithinDays"})).users == 0


@pytest.mark.parametrize("name", ["", " \x00 ", "x" * 201])
def test_a_segment_has_a_name(quick: Work, name: str):
    with pytest.raises(Invalid) as caught:
        segmentation.create(quick, name, both())
    assert caught.value.errors[0].field == "name"
