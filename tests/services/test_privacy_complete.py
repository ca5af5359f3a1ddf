"""Everything held on a person is told and can be erased: held against the schema, so that no new table is forgotten."""

import dataclasses

import orjson
from sqlalchemy import or_
from sqlmodel import SQLModel, col, select, update

from backend import models
from backend.db import OPERATOR
from backend.models import (
    Attempt,
    Category,
    Delivery,
    Device,
    DevicePreference,
    Entry,
    Event,
    MessageTarget,
    Preference,
    PreferenceChange,
    Receipt,
    Run,
    TopicSubscription,
    UserList,
    UserListMember,
)
from backend.services import analytics, consents, ids, subscribers
from backend.services.consents import ConsentIn
from tests import push_rows
from tests.services.test_people_search import add_device, add_person

EXPORTED = {
    "device": "devices",
    "event": "events",
    "consent": "consents",
    "preference": "wishes",
    "device_preference": "device_wishes",
    "preference_change": "preference_changes",
    "user_list_member": "lists",
    "topic_subscription": "devices[].topics",
    "tester": "tester",
    "delivery": "deliveries",
    "entry": "entries",
}
"""Where the export has each table that names a person or a device."""
NOT_EXPORTED = {"message_target": "for seconds, until it is planned: then it is a delivery"}
BY_DELIVERY = {
    "receipt": "deliveries[].receipts",
    "attempt": "deliveries[].answers",
    "dead_letter": "the same answer as the attempt's, and the push's state",
    "context": "deliveries[].data",
}
"""What hangs on a person through their deliveries."""
KEPT_AFTER_ERASE = {
    "delivery": "without person, device and context: counts stand",
    "receipt": "without a person to belong to: counts stand",
    "attempt": "without the provider's words",
}


def naming(columns: set[str]) -> set[str]:
    return {table.name for table in SQLModel.metadata.sorted_tables if columns & set(table.columns.keys())}


def test_each_table_that_names_a_person_is_exported_or_says_why_not():
    assert naming({"user_id", "device_id"}) == {*EXPORTED, *NOT_EXPORTED}
    assert naming({"delivery_id"}) == BY_DELIVERY.keys() - {"context"}
    assert naming({"context_id"}) == {"delivery", "message_target"}


def fill(core, app, name):
    """A row of each such table for one person, each with a mark that an export can be searched for."""
    user, (device,) = add_person(
        core, app, name, devices=[("ios",)], attributes={"mark": f"{name}-attribute"}, sessions=3
    )
    run = push_rows.add_run(core, app.number)
    context = push_rows.add_context(core, app.number, {"mark": f"{name}-context"})
    with core.work(OPERATOR, app.number) as work:
        now, mine = work.now, {"app_id": app.number}
    (delivery,) = push_rows.add_deliveries(core, run, ["accepted"], due_at=now, user=user, context_id=context)
    with core.work(OPERATOR, app.number) as work:
        work.session.exec(update(Delivery).where(col(Delivery.id) == delivery).values(device_id=device, ended_at=now))
        campaign = work.session.exec(select(Run.campaign_id).where(Run.id == run)).one()
        category = work.session.exec(select(Category.id).where(Category.slug == "marketing")).one()
        event = Event(**mine, user_id=user, device_id=device, name=f"{name}-event", at=now, received_at=now)
        people = UserList(**mine, name=f"{name}-list", created_at=now)
        work.session.add_all([event, people])
        work.session.flush()
        work.session.add_all(
            [
                Entry(
                    campaign_id=campaign,
                    event_id=event.id,
                    event_at=now,
                    user_id=user,
                    due_at=now,
                    created_at=now,
                    context={"mark": f"{name}-entry"},
                ),
                Preference(user_id=user, category_id=category, opted_in=False, changed_at=now),
                DevicePreference(device_id=device, category_id=category, opted_in=True, changed_at=now),
                PreferenceChange(
                    **mine,
                    user_id=user,
                    device_id=device,
                    what="category:marketing",
                    after=True,
                    at=now,
                    by=f"{name}-teller",
                ),
                UserListMember(list_id=people.id, user_id=user),
                TopicSubscription(**mine, device_id=device, topic=f"{name}-topic", not_before=now, changed_at=now),
                MessageTarget(run_id=run, device_id=device),
                models.Tester(**mine, user_id=user, name=f"{name}-tester", created_at=now),
                Attempt(delivery_id=delivery, at=now, outcome="retry", reason=f"{name}-answer", raw=f"{name}-raw"),
                Receipt(delivery_id=delivery, type="opened", action=f"{name}-action", at=now, received_at=now),
            ]
        )
        consents.add(work, user, ConsentIn(purpose=f"{name}-consent", given=True))
        subscribers.update_device(
            work, ids.public(work, ids.DEVICE, device), subscribers.DevicePatch(model=f"{name}-phone")
        )
    return user, device, campaign


MARKS = (
    "attribute",
    "event",
    "list",
    "topic",
    "context",
    "answer",
    "action",
    "consent",
    "phone",
    "teller",
    "tester",
    "entry",
)


def test_the_export_has_all_of_it_and_nothing_of_anybody_else(core, app):
    fill(core, app, "ana")
    fill(core, app, "ben")
    with core.work(OPERATOR, app.number) as work:
        subscribers.export_user(work, "ana")
        held = orjson.dumps(dataclasses.asdict(subscribers.export_user(work, "ana"))).decode()
    assert [mark for mark in MARKS if f"ana-{mark}" not in held] == []
    assert "ben" not in held
    assert "user.exported" in held  # who asked for it before
    found = orjson.loads(held)
    assert all(found[path.split("[")[0]] for path in EXPORTED.values())
    assert found["devices"][0]["topics"]
    assert found["wishes"][0]["category"] == "marketing"


def pushes(report):
    """What a report says of pushes. Entries are people's, and go with them."""
    return dataclasses.replace(report, entries={})


def test_erasing_leaves_no_row_of_the_person_and_no_total_moves(core, app):
    user, device, campaign = fill(core, app, "ana")
    fill(core, app, "ben")
    with core.work(OPERATOR, app.number) as work:
        name = ids.public(work, ids.CAMPAIGN, campaign)
        before = pushes(analytics.report(work, name))
        subscribers.erase_user(work, "ana")
    with core.reading(OPERATOR, app.number) as work:
        assert pushes(analytics.report(work, name)) == before
        for table in SQLModel.metadata.sorted_tables:
            named = [
                table.c[column] == number
                for column, number in (("user_id", user), ("device_id", device))
                if column in table.c
            ]
            if named:
                assert work.session.execute(select(table).where(or_(*named))).all() == [], table.name
        everything = {
            table.name: str(work.session.execute(select(table)).all()) for table in SQLModel.metadata.sorted_tables
        }
        kept = {table for table, rows in everything.items() if "ana-" in rows}
        assert kept <= {"user_list", "receipt", "attempt"}  # a list's own name, an action's, a reason of the provider's
        assert "ana-raw" not in everything["attempt"]
    assert {"delivery", "receipt", "attempt"} == KEPT_AFTER_ERASE.keys()


def test_erasing_an_anonymous_person_goes_by_our_own_id(core, app):
    user, _ = add_person(core, app, None)
    with core.work(OPERATOR, app.number) as work:
        add_device(work, user, "web")
        subscribers.erase_user(work, ids.public(work, ids.USER, user))
        assert work.session.exec(select(Device.id)).all() == []
