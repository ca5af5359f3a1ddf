"""Users: merged, batched, signed in and out, exported, erased."""

import hashlib
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from push_rows import add_attempt, add_context, add_deliveries, add_run, count, signed, value
from sqlalchemy import event

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Invalid, NotAllowed, NotAuthenticated, NotFound
from backend.queries import audience
from backend.queries.receipts import deliveries
from backend.services import apps, consents, fields, lists, people, preferences, receipts, subscribers
from backend.services.consents import ConsentIn
from backend.services.lists import ListIn
from backend.services.preferences import PreferencesIn
from backend.services.subscribers import DeviceIn, DevicePatch, EventIn, UserIn

TOKEN = "00ff" * 16


@pytest.fixture
def shop(sqlite_core: Core) -> apps.AppRow:
    with sqlite_core.work(OPERATOR) as work:
        return apps.create_app(work, slug="shop", name="Shop")


def put(core: Core, app, user_id: str, **changes):
    with core.work(OPERATOR, app.number) as work:
        number = subscribers.ensure_user(work, user_id)
        return subscribers.put_user(work, number, fields.parse(UserIn, changes))


def register(core: Core, app, token: str = TOKEN, **more):
    with core.work(OPERATOR, app.number) as work:
        given = fields.parse(DeviceIn, {"platform": "ios", "token": token, **more})
        return subscribers.register_device(work, given).device


def test_a_user_is_merged_and_null_removes(core, app):
    put(core, app, "ana", attributes={"plan": "pro", "age": 30, "tags": ["a", 1]}, country="pl", language="pl")
    ana = put(core, app, "ana", attributes={"age": None, "vip": True}, location={"lat": 52.2, "lon": 21})
    assert ana.attributes == {"plan": "pro", "tags": ["a", 1], "vip": True}
    assert (ana.country, ana.language, ana.location.lat) == ("PL", "pl", 52.2)
    assert put(core, app, "ana", location=None, country=None).location is None
    assert ana.last_active is None
    with core.reading(OPERATOR, app.number) as work:
        assert subscribers.get_user(work, "ana").country is None


def test_the_bucket_is_32_bits_of_sha256_over_app_and_user(sqlite_core, shop):
    put(sqlite_core, shop, "ana")
    expected = int(hashlib.sha256(f"{shop.number}:ana".encode()).hexdigest()[:8], 16)
    assert value(sqlite_core, 'SELECT bucket FROM "user"') == expected == people.bucket(shop.number, "ana")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"attributes": {"plan": {"nested": 1}}}, "attributes.plan"),
        ({"attributes": {"tags": [["a"]]}}, "attributes.tags"),
        ({"attributes": {"1st": 1}}, "attributes.1st"),
        ({"attributes": {"a.b": 1}}, "attributes.a.b"),
        ({"attributes": {"x": float("inf")}}, "attributes.x"),
        ({"attributes": {"x": 2**64}}, "attributes.x"),
        ({"attributes": {"x": "y" * 1001}}, "attributes.x"),
        ({"attributes": {"x": "a\u0000"}}, "attributes.x"),
        ({"attributes": {"x": ["\ud800"]}}, "attributes.x"),
        ({"attributes": {"x": [0] * 101}}, "attributes.x"),
        ({"attributes": {f"a{n}": n for n in range(201)}}, "attributes"),
        ({"attributes": 5}, "attributes"),
        ({"location": {"lat": 91, "lon": 0}}, "location.lat"),
        ({"location": {"lat": 1}}, "location.lon"),
        ({"timezone": "Nowhere"}, "timezone"),
        ({"language": "x"}, "language"),
        ({"name": "Ana"}, "name"),
    ],
)
def test_a_wrong_field_of_a_user_is_named(sqlite_core, shop, change, field):
    with pytest.raises(Invalid) as caught:
        put(sqlite_core, shop, "ana", **change)
    assert [error.field for error in caught.value.errors] == [field]
    assert count(sqlite_core, "user") == 0


def test_a_user_never_gets_more_attributes_than_fit(sqlite_core, shop):
    put(sqlite_core, shop, "ana", attributes={f"a{n}": n for n in range(150)})
    with pytest.raises(Invalid):
        put(sqlite_core, shop, "ana", attributes={f"b{n}": n for n in range(51)})


def test_a_batch_of_users_tells_of_each_item(core, app):
    put(core, app, "ana", attributes={"a": 1})
    full = {f"a{n}": n for n in range(200)}
    items = [
        {"user_id": "ana", "attributes": {"b": 2}},
        {"user_id": "ben", "attributes": {"b": {"c": 1}}},
        {"attributes": {}},
        {"user_id": "ben", "country": "DE"},
        {"user_id": "ana", "attributes": {"a": 3}},
        {"user_id": "cem", "attributes": full},
        {"user_id": "cem", "attributes": {"one": "more"}},
        None,
    ]
    with core.work(OPERATOR, app.number) as work:
        results = subscribers.users_batch(work, items)
        assert [result.status for result in results] == [200, 422, 422, 200, 200, 422, 422, 422]
        assert results[1].errors[0].field == "attributes.b"
        assert results[2].errors[0].field == "user_id"
        assert subscribers.get_user(work, "ana").attributes == {"a": 3, "b": 2}
        assert subscribers.get_user(work, "ben").country == "DE"
        assert subscribers.get_user(work, "cem").attributes == {}


def test_two_writers_of_one_user_lose_nothing(postgres_core):
    with postgres_core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop")
    names = [f"u{n}" for n in range(20)]

    def write(key: str, order: list[str]) -> None:
        for turn in range(5):
            with postgres_core.work(OPERATOR, app.number) as work:
                items = [{"user_id": name, "attributes": {f"{key}{turn}": turn}} for name in order]
                subscribers.users_batch(work, items)
                events = [EventIn(name="tick", user_id=name) for name in order]
                subscribers.record_events(work, events)

    threads = [
        threading.Thread(target=write, args=("x", names)),
        threading.Thread(target=write, args=("y", names[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with postgres_core.reading(OPERATOR, app.number) as work:
        for name in names:
            assert len(subscribers.get_user(work, name).attributes) == 10
    assert count(postgres_core, "event") == 200


def test_signing_in_merges_the_anonymous_person_into_the_known_one(core, app):
    device = register(core, app)
    put(core, app, "ana", attributes={"plan": "pro"}, country="PL")
    anonymous = value(core, 'SELECT id FROM "user" WHERE external_id IS NULL')
    run = add_run(core, app.number)
    with core.work(OPERATOR, app.number) as work:
        subscribers.record_events(work, [EventIn(name="seen", device_id=device.id, id="e1")])
        guest = UserIn(attributes={"plan": "free", "from": "ad"}, language="pl", country="DE")
        subscribers.put_user(work, anonymous, guest)
        consents.add(work, anonymous, ConsentIn(purpose="profiling", given=True))
        preferences.put(work, anonymous, PreferencesIn(categories={"marketing": False, "updates": False}))
        preferences.put(work, subscribers.ensure_user(work, "ana"), PreferencesIn(categories={"updates": True}))
        subscribers.update_device(work, device.id, DevicePatch(permission="granted"), present=True)
    add_deliveries(core, run, ["accepted"], due_at=datetime.now(UTC), user=anonymous)
    with core.work(OPERATOR, app.number) as work:
        signed_in = subscribers.update_device(work, device.id, DevicePatch(user_id="ana"))
        ana = subscribers.get_user(work, "ana")
        held = subscribers.export_user(work, "ana")
    assert signed_in.user_id == "ana"
    assert ana.attributes == {"plan": "pro", "from": "ad"}
    assert (ana.country, ana.language, len(ana.devices)) == ("PL", "pl", 1)
    assert (ana.sessions, ana.last_active is not None) == (1, True)
    assert [event.name for event in held.events] == ["seen"]
    assert [delivery.state for delivery in held.deliveries] == ["accepted"]
    assert [consent.purpose for consent in held.consents] == ["profiling"]
    assert held.preferences.categories == {"transactional": True, "updates": True, "marketing": False}
    assert count(core, "user") == 1


def test_a_known_users_device_that_changes_hands_takes_nothing_along(sqlite_core, shop):
    device = register(sqlite_core, shop, user_id="ana")
    with sqlite_core.work(OPERATOR, shop.number) as work:
        subscribers.record_events(work, [EventIn(name="seen", device_id=device.id)])
        subscribers.update_device(work, device.id, DevicePatch(user_id="ben"))
        assert len(subscribers.export_user(work, "ana").events) == 1
        assert len(subscribers.export_user(work, "ben").events) == 0


def test_signing_out_makes_a_fresh_anonymous_user(sqlite_core, shop):
    device = register(sqlite_core, shop, user_id="ana")
    for _ in range(2):
        with sqlite_core.work(OPERATOR, shop.number) as work:
            out = subscribers.update_device(work, device.id, DevicePatch(user_id=None))
        assert (out.id, out.user_id, count(sqlite_core, "user")) == (device.id, None, 2)
    with sqlite_core.reading(OPERATOR, shop.number) as work:
        assert subscribers.get_user(work, "ana").devices == ()


def test_events_are_recorded_once_and_make_their_users(core, app):
    device = register(core, app)
    now = datetime.now(UTC)
    told = [
        EventIn(id="e1", name="bought", user_id="ana", value=9.5, currency="eur", properties={"sku": {"a": [1]}}),
        EventIn(id="e1", name="bought", user_id="ana"),
        EventIn(name="seen", device_id=device.id, at=now + timedelta(days=3)),
        EventIn(name="seen", device_id=device.id, at=now - timedelta(days=3)),
        EventIn(id="e2", name="seen", user_id="ben", at=now - timedelta(days=3)),
    ]
    with core.work(OPERATOR, app.number) as work:
        assert subscribers.record_events(work, told) == subscribers.EventsResult(4, 1)
        assert subscribers.record_events(work, told[:2]) == subscribers.EventsResult(0, 2)
        held = subscribers.export_user(work, "ana").events
        assert (held[0].value, held[0].currency, held[0].properties) == (9.5, "EUR", {"sku": {"a": [1]}})
        assert subscribers.get_user(work, "ben").last_active == now - timedelta(days=3)
        assert subscribers.record_events(work, []) == subscribers.EventsResult(0, 0)
    assert value(core, "SELECT count(*) FROM event WHERE at > received_at") == 0
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    with core.work(OPERATOR, other.number) as work:
        assert subscribers.record_events(work, told[:1]).accepted == 1
        with pytest.raises(Invalid) as caught:
            subscribers.record_events(work, told[1:3])
    assert [error.field for error in caught.value.errors] == ["events[1].device_id"]


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"name": "a"}, "events[0].user_id"),
        ({"name": "a", "user_id": "ana", "device_id": "dev_x"}, "events[0].user_id"),
        ({"name": "a", "device_id": "dev_x"}, "events[0].device_id"),
        ({"name": "a", "user_id": "ana", "properties": {"x": float("nan")}}, "events[0].properties.x"),
        ({"name": "a", "user_id": "ana", "properties": {"x": [[[[[[1]]]]]]}}, "events[0].properties.x"),
        (
            {"name": "a", "user_id": "ana", "properties": {f"p{n}": "x" * 999 for n in range(20)}},
            "events[0].properties",
        ),
    ],
)
def test_a_wrong_event_is_named_by_its_place(sqlite_core, shop, event, field):
    with sqlite_core.work(OPERATOR, shop.number) as work, pytest.raises(Invalid) as caught:
        subscribers.record_events(work, [fields.parse(EventIn, event)])
    assert [error.field for error in caught.value.errors] == [field]


def test_erasing_a_person_leaves_the_counts(core, app):
    device = register(core, app, user_id="ana")
    with core.work(OPERATOR, app.number) as work:
        ana = people.find(work, "ana")
        subscribers.record_events(work, [EventIn(name="seen", user_id="ana")])
        preferences.put(work, ana, PreferencesIn(categories={"marketing": False}))
        made = lists.create(work, ListIn(name="VIP"))
        assert lists.add_members(work, made.id, ["ana"]).members == 1
    run = add_run(core, app.number)
    private, shared = add_context(core, app.number, {"data": 1}), add_context(core, app.number, {"data": 2})
    due = datetime.now(UTC)
    sent = add_deliveries(core, run, ["accepted", "planned"], due_at=due, user=ana, context_id=private)
    phone = core.keyring.number("dev", device.id)
    add_deliveries(core, run, ["planned"], due_at=due, user=ana, context_id=shared, device_id=phone)
    add_deliveries(core, run, ["planned"], due_at=due, user=None, context_id=shared)
    add_attempt(core, sent[0], f"no such token {TOKEN}")
    report = receipts.ReceiptIn(**signed(core, app.number, sent[0]), type=receipts.ReceiptType.OPENED)
    with core.work(OPERATOR) as work:
        receipts.record(work, [[report]])
    with core.work(OPERATOR, app.number) as work:
        subscribers.erase_user(work, "ana")
        with pytest.raises(NotFound):
            subscribers.get_user(work, "ana")
        with pytest.raises(NotFound):
            subscribers.get_device(work, device.id)
    left = {table: count(core, table) for table in ("user", "device", "event", "preference", "user_list_member")}
    assert set(left.values()) == {0}
    assert (count(core, "delivery"), count(core, "receipt"), count(core, "context")) == (4, 1, 1)
    named = "user_id IS NOT NULL OR device_id IS NOT NULL"
    assert value(core, f"SELECT count(*) FROM delivery WHERE {named}") == 0
    assert value(core, "SELECT raw FROM attempt") == ""


def test_an_export_holds_everything_and_no_address(sqlite_core, shop):
    core, app = sqlite_core, shop
    register(core, app, user_id="ana", model="iPhone")
    run = add_run(core, app.number)
    with core.work(OPERATOR, app.number) as work:
        ana = people.find(work, "ana")
        subscribers.record_events(work, [EventIn(name="seen", user_id="ana", properties={"page": "home"})])
        preferences.put(work, ana, PreferencesIn(categories={"marketing": False}))
        lists.add_members(work, lists.create(work, ListIn(name="VIP")).id, ["ana", "nobody"])
    sent = add_deliveries(core, run, ["accepted"], due_at=datetime.now(UTC), user=ana)[0]
    report = receipts.ReceiptIn(**signed(core, app.number, sent), type=receipts.ReceiptType.OPENED)
    with core.work(OPERATOR) as work:
        receipts.record(work, [[report]])
    with core.work(OPERATOR, app.number) as work:
        held = subscribers.export_user(work, "ana")
    assert (held.user.user_id, held.lists, held.devices[0].model) == ("ana", ("VIP",), "iPhone")
    assert held.events[0].properties == {"page": "home"}
    assert [(wish.category, wish.opted_in) for wish in held.wishes] == [("marketing", False)]
    assert [receipt.type for receipt in held.deliveries[0].receipts] == ["opened"]
    assert TOKEN not in str(held)


def token_of(core: Core, app, subject: str | None = "ana", *, secret: str | None = None, hours: float = 1, **claims):
    with core.reading(OPERATOR, app.number) as work:
        key = secret or apps.identity_secret(work, app.number)
    expires = datetime.now(UTC) + timedelta(hours=hours)
    return jwt.encode({"sub": subject, "exp": expires, **claims}, key, algorithm="HS256")


def speak(core: Core, app, device: str | None = None, user: str | None = None):
    with core.reading(OPERATOR, app.number) as work:
        return subscribers.speaker(work, False, device, user)


def test_a_person_is_proven_by_the_apps_own_word_only(sqlite_core, shop):
    with sqlite_core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    assert speak(sqlite_core, shop, user=token_of(sqlite_core, shop)).user == "ana"
    assert speak(sqlite_core, shop, user=token_of(sqlite_core, shop, aud="any", iat=1)).user == "ana"
    none = jwt.encode({"sub": "ana", "exp": 9e9}, None, algorithm="none")
    for bad in (
        token_of(sqlite_core, other),
        token_of(sqlite_core, shop, secret="x" * 40),
        token_of(sqlite_core, shop, hours=-1),
        token_of(sqlite_core, shop, subject=""),
        token_of(sqlite_core, shop, exp="never"),
        token_of(sqlite_core, shop) + "x",
        none,
        "no token",
    ):
        with pytest.raises(NotAuthenticated):
            speak(sqlite_core, shop, user=bad)
    with_no_end = jwt.encode({"sub": "ana"}, "x" * 40, algorithm="HS256")
    with pytest.raises(NotAuthenticated):
        speak(sqlite_core, shop, user=with_no_end)


def test_a_token_ends_when_it_says(sqlite_core, shop):
    token = token_of(sqlite_core, shop, hours=1)
    later = replace(sqlite_core, clock=lambda: datetime.now(UTC) + timedelta(hours=2))
    with pytest.raises(NotAuthenticated):
        speak(later, shop, user=token)


def test_who_may_name_whom(sqlite_core, shop):
    proven = speak(sqlite_core, shop, user=token_of(sqlite_core, shop))
    subscribers.check_names(proven, "ana")
    with pytest.raises(NotAllowed):
        subscribers.check_names(proven, "ben")
    with pytest.raises(NotAuthenticated):
        subscribers.check_names(speak(sqlite_core, shop), "ana")
    with sqlite_core.work(OPERATOR, shop.number) as work:
        apps.update_app(work, shop.number, identity_verification=False)
    subscribers.check_names(speak(sqlite_core, shop), "ana")
    with pytest.raises(NotAllowed):
        subscribers.check_names(speak(sqlite_core, shop, user=token_of(sqlite_core, shop)), "ben")


def test_a_device_is_proven_by_its_secret_in_its_app_only(sqlite_core, shop):
    with sqlite_core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    with sqlite_core.work(OPERATOR, shop.number) as work:
        made = subscribers.register_device(work, DeviceIn(platform="ios", token=TOKEN))
    header = f"{made.device.id}.{made.secret}"
    assert speak(sqlite_core, shop, header).device is not None
    for app, bad in ((other, header), (shop, f"{made.device.id}.x"), (shop, made.device.id), (shop, "dev_x.y")):
        with pytest.raises(NotAuthenticated):
            speak(sqlite_core, app, bad)


def test_sqlite_reads_a_bound_array_once_and_looks_each_row_up(sqlite_core, shop):
    """The other way round it would read the whole array for each user of the app."""
    seen: list[tuple[str, object]] = []

    def keep(_connection, _cursor, statement, parameters, *_rest) -> None:
        seen.append((statement, parameters))

    event.listen(sqlite_core.engine, "before_cursor_execute", keep)
    with sqlite_core.work(OPERATOR, shop.number) as work:
        audience.user_numbers(work.session, shop.number, ["ana"])
        deliveries(work.session, [1])
    event.remove(sqlite_core.engine, "before_cursor_execute", keep)
    with sqlite_core.engine.connect() as connection:
        for statement, parameters in seen[-2:]:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            assert ["json_each" in step[3] for step in plan] == [True, False]
