"""The catalogue learns names, kinds and a few examples from what is written, and forgets to ask once it knows."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from push_rows import value
from sqlalchemy import event

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Invalid
from backend.services import apps, catalogue, fields, subscribers
from backend.services.catalogue_memory import MOST_NAMES, MOST_PROPERTIES
from backend.services.subscribers import DeviceIn, EventIn

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def shop(sqlite_core: Core) -> apps.AppRow:
    with sqlite_core.work(OPERATOR) as work:
        return apps.create_app(work, slug="shop", name="Shop")


def write(core: Core, app, *people: dict, now: datetime = NOW) -> None:
    items = [{"user_id": f"u{n}", "attributes": attributes} for n, attributes in enumerate(people)]
    with replace(core, clock=lambda: now).work(OPERATOR, app.number) as work:
        assert {result.status for result in subscribers.users_batch(work, items)} <= {200}


def tell(core: Core, app, *events: dict, now: datetime = NOW) -> None:
    with replace(core, clock=lambda: now).work(OPERATOR, app.number) as work:
        subscribers.record_events(work, [EventIn(user_id="ana", **one) for one in events])


def attributes(core: Core, app) -> dict[str, catalogue.AttributeRow]:
    with core.reading(OPERATOR, app.number) as work:
        return {row.name: row for row in catalogue.attributes(work)}


def events(core: Core, app) -> dict[str, catalogue.EventNameRow]:
    with core.reading(OPERATOR, app.number) as work:
        return {row.name: row for row in catalogue.events(work)}


def values(core: Core, app, *asked: str, **more) -> tuple[str, ...]:
    with core.reading(OPERATOR, app.number) as work:
        return catalogue.values(work, *asked, **more)


def statements(core: Core) -> list[str]:
    """Every statement from now on that speaks of the catalogue."""
    said: list[str] = []

    def hear(_connection, _cursor, statement, *_rest) -> None:
        if "attribute_key" in statement or "event_key" in statement:
            said.append(statement)

    event.listen(core.engine, "before_cursor_execute", hear)
    return said


def test_attributes_are_learnt_with_the_kinds_of_their_values(core, app):
    write(
        core, app,
        {"plan": "pro", "age": 30, "vip": True, "tags": ["new", "sale"], "since": "2026-01-31", "gone": None},
        {"plan": "free", "age": 30.5, "since": "yesterday", "paid_at": "2026-11-20T12:00:00Z"},
    )  # fmt: skip
    known = attributes(core, app)
    assert list(known) == ["age", "paid_at", "plan", "since", "tags", "vip"]
    assert {name: row.kinds for name, row in known.items()} == {
        "age": ("number",), "paid_at": ("date",), "plan": ("text",), "since": ("date", "text"), "tags": ("list",),
        "vip": ("boolean",),
    }  # fmt: skip
    assert (known["plan"].examples, known["tags"].examples) == (("pro", "free"), ("new", "sale"))
    assert (known["vip"].examples, known["age"].examples) == (("true",), ("30", "30.5"))
    assert known["plan"].last_seen == NOW


def test_events_are_learnt_with_their_properties(core, app):
    tell(core, app, {"name": "bought", "value": 9.5, "properties": {"sku": "A-1", "items": 2, "cart": {"id": 1}}})
    tell(core, app, {"name": "bought", "properties": {"sku": 17, "gift": True}}, {"name": "seen"})
    known = events(core, app)
    assert list(known) == ["bought", "seen"]
    assert [(one.name, set(one.kinds)) for one in known["bought"].properties] == [
        ("gift", {"boolean"}), ("items", {"number"}), ("sku", {"text", "number"}),
    ]  # fmt: skip
    assert (known["bought"].has_value, known["seen"].has_value, known["seen"].properties) == (True, False, ())
    assert known["bought"].properties[2].examples == ("A-1", "17")


def test_a_device_that_tells_of_its_user_teaches_as_well(sqlite_core, shop):
    with sqlite_core.work(OPERATOR, shop.number) as work:
        number = subscribers.ensure_user(work, "ana")
        subscribers.put_user(work, number, fields.parse(subscribers.UserIn, {"attributes": {"plan": "pro"}}))
    assert list(attributes(sqlite_core, shop)) == ["plan"]


def test_the_hundredth_identical_batch_asks_the_catalogue_nothing(core, app):
    told = [{"name": "bought", "value": 1.0, "properties": {"sku": f"A-{n}", "n": n, "on": True}} for n in range(20)]
    people = [{"plan": f"plan {n}", "tags": ["a"], "email": f"p{n}@example.test"} for n in range(20)]
    tell(core, app, *told)
    write(core, app, *people)
    for _ in range(98):
        tell(core, app, *told[:2])
    said = statements(core)
    tell(core, app, *told)
    write(core, app, *people)
    assert said == []


def test_last_seen_moves_at_most_once_an_hour(sqlite_core, shop):
    told, said = {"name": "seen", "properties": {"page": "home"}}, statements(sqlite_core)
    tell(sqlite_core, shop, told)
    said.clear()
    tell(sqlite_core, shop, told, now=NOW + timedelta(minutes=59))
    assert said == []
    assert events(sqlite_core, shop)["seen"].last_seen == NOW
    tell(sqlite_core, shop, told, now=NOW + timedelta(minutes=61))
    assert events(sqlite_core, shop)["seen"].last_seen == NOW + timedelta(minutes=61)


@pytest.mark.parametrize(
    "given",
    [
        {"email": "x"}, {"workEmail": "x"}, {"phone_number": "x"}, {"pushToken": "x"}, {"password": "x"},
        {"home_address": "x"}, {"first_name": "Ana"}, {"name": "Ana"}, {"birth_date": "1990-01-01"}, {"card": "x"},
        {"contact": "ana@example.test"}, {"contact": "+48 600 100 200"}, {"link": "https://example.test/?t=1"},
        {"ref": "3f2a9c1e-77d2-4a34-9c1f-2a3b4c5d6e7f"}, {"host": "10.1.2.3"}, {"note": "x" * 41}, {"n": 600100200},
    ],
)  # fmt: skip
def test_no_example_is_kept_of_what_looks_like_somebodys_own(sqlite_core, shop, given):
    write(sqlite_core, shop, given)
    tell(sqlite_core, shop, {"name": "seen", "properties": given})
    name = next(iter(given))
    assert attributes(sqlite_core, shop)[name].examples == ()
    assert events(sqlite_core, shop)["seen"].properties[0].examples == ()
    assert values(sqlite_core, shop, f"attr.{name}") == ()


def test_names_beyond_the_bounds_are_taken_but_not_learnt(sqlite_core, shop):
    write(sqlite_core, shop, *({f"a{n}": 1 for n in range(start, start + 150)} for start in range(0, 600, 150)))
    tell(sqlite_core, shop, *({"name": f"e{n}"} for n in range(600)))
    tell(sqlite_core, shop, {"name": "e0", "properties": {f"p{n}": n for n in range(80)}})
    assert (len(attributes(sqlite_core, shop)), len(events(sqlite_core, shop))) == (MOST_NAMES, MOST_NAMES)
    assert len(events(sqlite_core, shop)["e0"].properties) == MOST_PROPERTIES
    said = statements(sqlite_core)
    tell(sqlite_core, shop, {"name": "unheard"}, {"name": "e0", "properties": {"unheard": 1}})
    write(sqlite_core, shop, {"unheard": 1})
    assert said == []
    assert value(sqlite_core, "SELECT count(*) FROM event WHERE name = 'unheard'") == 1


def test_what_is_rolled_back_has_not_been_learnt(core, app):
    def fail() -> None:
        with core.work(OPERATOR, app.number) as work:
            catalogue.learn_attributes(work, [{"plan": "pro"}])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert attributes(core, app) == {}
    write(core, app, {"plan": "pro"})
    assert list(attributes(core, app)) == ["plan"]


def test_each_app_has_a_catalogue_of_its_own(sqlite_core, shop):
    with sqlite_core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    write(sqlite_core, shop, {"plan": "pro"})
    write(sqlite_core, other, {"tier": "gold"})
    assert (list(attributes(sqlite_core, shop)), list(attributes(sqlite_core, other))) == (["plan"], ["tier"])
    assert values(sqlite_core, other, "attr.plan") == ()


def test_processes_that_learn_the_same_in_opposite_order_neither_fail_nor_lose(postgres_core):
    """Each thread has an engine, and so a memory, of its own, as a process has."""
    from backend.bootstrap import build

    with postgres_core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop")
    names = [f"n{number}" for number in range(40)]
    failed: list[BaseException] = []

    def learn(kind: object, order: list[str]) -> None:
        core = build(postgres_core.settings)
        try:
            for start in range(0, 40, 10):
                with core.work(OPERATOR, app.number) as work:
                    catalogue.learn_attributes(work, [{name: kind} for name in order[start : start + 10]])
                with core.work(OPERATOR, app.number) as work:
                    told = [{"name": name, "properties": {"p": kind}, "value": None} for name in order]
                    catalogue.learn_events(work, told)
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            core.close()

    kinds = ("text", 1, True, ["a"])
    orders = (names, names[::-1], names[20:] + names[:20], sorted(names))
    threads = [threading.Thread(target=learn, args=pair) for pair in zip(kinds, orders, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert {frozenset(row.kinds) for row in attributes(postgres_core, app).values()} == {
        frozenset({"text", "number", "boolean", "list"})
    }
    assert {len(row.properties[0].kinds) for row in events(postgres_core, app).values()} == {4}


def test_values_are_the_commonest_real_ones_that_begin_so(core, app):
    people = [{"plan": plan, "tags": ["sale", "new"], "age": 30} for plan in ("pro", "free", "Premium", "pro")]
    write(core, app, *people)
    with core.work(OPERATOR, app.number) as work:
        countries = [{"user_id": f"u{n}", "country": code} for n, code in enumerate(("PL", "PL", "DE"))]
        subscribers.users_batch(work, countries)
        for n, model in enumerate(("Pixel 9", "Pixel 9", "Fold_1", "50% off")):
            given = {"platform": "android", "token": f"token-{n}", "model": model, "app_version": "1.2"}
            subscribers.register_device(work, fields.parse(DeviceIn, given))
    assert values(core, app, "attr.plan") == ("pro", "Premium", "free")
    assert values(core, app, "attr.plan", "PR") == ("pro", "Premium")
    assert values(core, app, "attr.plan", limit=1) == ("pro",)
    assert (values(core, app, "attr.tags"), values(core, app, "attr.age")) == (("new", "sale"), ("30",))
    assert (values(core, app, "user.country"), values(core, app, "user.country", "d")) == (("PL", "DE"), ("DE",))
    assert values(core, app, "device.model", "pix") == ("Pixel 9",)
    assert values(core, app, "device.model", "%") == values(core, app, "device.model", "_") == ()
    assert values(core, app, "device.app_version") == ("1.2",)
    for field in ("attr.nothing", 'attr.it\'s "odd"', "attr.", "user.id", "user.sessions", "event.bought"):
        assert values(core, app, field) == ()
    with pytest.raises(Invalid):
        values(core, app, "weather.today")
