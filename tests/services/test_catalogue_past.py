"""What was told before there was a catalogue is in it soon, and is looked for once."""

from sqlalchemy import event, text

from backend.db import OPERATOR
from backend.services import apps, catalogue, catalogue_memory, catalogue_past, subscribers
from backend.services.subscribers import EventIn


def forget(core) -> None:
    """As a process finds it that has just begun, after an upgrade."""
    with core.engine.begin() as connection:
        connection.execute(text("DELETE FROM attribute_key"))
        connection.execute(text("DELETE FROM event_key"))
    restart(core)


def restart(core) -> None:
    catalogue_memory._memories.pop(core.engine, None)
    catalogue_past._seen.pop(core.engine, None)


def write(core, app, *people) -> None:
    with core.work(OPERATOR, app.number) as work:
        subscribers.users_batch(work, [{"user_id": f"u{n}", "attributes": one} for n, one in enumerate(people)])


def tell(core, app, *events) -> None:
    with core.work(OPERATOR, app.number) as work:
        subscribers.record_events(work, [EventIn(user_id="u0", **one) for one in events])


def listed(core, app):
    with core.reading(OPERATOR, app.number) as work:
        return {row.name: row for row in catalogue.attributes(work)}, {row.name: row for row in catalogue.events(work)}


def test_what_was_told_before_is_learnt(core, app):
    write(core, app, {"plan": "pro", "age": 30}, {"plan": 5, "tags": ["a", "b"], "email": "ana@example.test"}, {})
    tell(core, app, {"name": "bought", "properties": {"sku": "A1"}, "value": 2.5}, {"name": "seen"})
    with core.engine.begin() as connection:
        connection.execute(text("UPDATE \"user\" SET first_seen = '2026-01-01 00:00:00.000000'"))
    forget(core)
    tell(core, app, {"name": "new"})  # what comes meanwhile hides nothing
    catalogue_past.tick(core)
    attributes, events = listed(core, app)
    assert set(attributes) == {"plan", "age", "tags", "email"}
    assert set(attributes["plan"].kinds) == {"text", "number"}
    assert attributes["email"].examples == ()
    assert set(events) == {"bought", "seen", "new"}
    assert events["bought"].has_value
    assert events["bought"].properties[0].examples == ("A1",)


def test_an_app_is_looked_through_once_and_nobody_elses_is_learnt(core, app):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    write(core, app, {"plan": "pro"})
    forget(core)
    catalogue_past.tick(core)
    assert listed(core, other) == ({}, {})
    restart(core)
    said: list[str] = []
    event.listen(core.engine, "before_cursor_execute", lambda _c, _k, statement, *_rest: said.append(statement))
    catalogue_past.tick(core)
    assert not any("each(u.attributes)" in one for one in said)
    said.clear()
    catalogue_past.tick(core)
    assert not any("event" in one or '"user"' in one for one in said)
