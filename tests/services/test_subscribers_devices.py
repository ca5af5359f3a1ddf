"""Devices: who registers, who is told the secret, what a second registration does."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from backend.bootstrap import Core
from backend.crypto import KeyRing
from backend.db import OPERATOR
from backend.domain.version import version_key
from backend.errors import Conflict, Invalid, NotAuthenticated, NotFound
from backend.services import addresses, apps, binding, credentials, fields, ids, subscribers
from backend.services.subscribers import DeviceIn, DevicePatch, DeviceRow
from backend.settings import Settings

TOKEN = "00ff" * 16
POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc"
SUBSCRIPTION = {"endpoint": ENDPOINT, "keys": {"p256dh": POINT, "auth": AUTH}}


def given(**fields_given):
    return fields.parse(DeviceIn, {"platform": "ios", "token": TOKEN, **fields_given})


def at(core: Core, moment: datetime) -> Core:
    return replace(core, clock=lambda: moment)


def register(core: Core, app, *, holder=None, trusted=False, **fields_given) -> subscribers.Registered:
    with core.work(OPERATOR, app.number) as work:
        return subscribers.register_device(work, given(**fields_given), holder=holder, trusted=trusted)


def wrong(core: Core, app, **fields_given) -> list[str]:
    with pytest.raises(Invalid) as caught:
        register(core, app, **fields_given)
    return [error.field for error in caught.value.errors]


def rows(core: Core, table: str) -> int:
    with core.engine.connect() as connection:
        return connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one()


def test_the_first_registration_makes_an_anonymous_user_and_tells_the_secret(sqlite_core, app_on_sqlite):
    made = register(
        sqlite_core, app_on_sqlite, locale="pl_pl", timezone="Europe/Warsaw", country="pl", app_version="1.10"
    )
    assert made.created
    assert made.secret
    assert made.device.user_id is None
    assert (made.device.locale, made.device.country, made.device.state) == ("pl-PL", "PL", "active")
    with sqlite_core.reading(OPERATOR, app_on_sqlite.number) as work:
        assert subscribers.device_for(work, made.device.id, made.secret) == made.device
        with pytest.raises(NotAuthenticated):
            subscribers.device_for(work, made.device.id, "another")


def test_the_same_address_is_the_same_device_and_its_secret_is_told_to_its_holder_only(core, app):
    first = register(core, app)
    again = register(core, app, token=TOKEN.upper(), model="iPhone")
    assert (again.created, again.device.id, again.secret) == (False, first.device.id, None)
    assert again.device.model == "iPhone"
    assert register(core, app, holder="wrong").secret is None
    assert register(core, app, holder=first.secret).secret == first.secret
    assert rows(core, "user") == 1


def test_a_server_key_gets_a_new_secret_and_the_old_one_ends(sqlite_core, app_on_sqlite):
    first = register(sqlite_core, app_on_sqlite)
    renewed = register(sqlite_core, app_on_sqlite, trusted=True)
    assert renewed.secret not in {None, first.secret}
    with sqlite_core.reading(OPERATOR, app_on_sqlite.number) as work:
        assert subscribers.device_for(work, first.device.id, renewed.secret or "").id == first.device.id
        with pytest.raises(NotAuthenticated):
            subscribers.device_for(work, first.device.id, first.secret or "")


def test_an_address_is_another_device_in_another_environment_or_app(sqlite_core, app_on_sqlite):
    with sqlite_core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    devices = {
        register(sqlite_core, app_on_sqlite).device.id,
        register(sqlite_core, app_on_sqlite, environment="sandbox").device.id,
        register(sqlite_core, other).device.id,
    }
    assert len(devices) == 3


def test_what_is_not_said_stays_and_null_says_nothing(sqlite_core, app_on_sqlite):
    register(sqlite_core, app_on_sqlite, locale="pl", permission="granted", app_version="2.0")
    again = register(sqlite_core, app_on_sqlite, locale=None, os_version="18.1").device
    assert (again.locale, again.permission, again.app_version, again.os_version) == ("pl", "granted", "2.0", "18.1")


def test_versions_are_kept_with_their_sort_keys(sqlite_core, app_on_sqlite):
    register(sqlite_core, app_on_sqlite, app_version="1.10.2", os_version="unknown")
    with sqlite_core.engine.connect() as connection:
        keys = connection.execute(text("SELECT app_version_key, os_version_key FROM device")).one()
    assert tuple(keys) == (version_key("1.10.2"), None)
    assert str(version_key("1.9")) < keys[0] < str(version_key("1.10.10"))


def test_a_dead_device_comes_back_to_life_when_it_registers(sqlite_core, app_on_sqlite):
    made = register(sqlite_core, app_on_sqlite)
    later = datetime.now(UTC) + timedelta(days=1)
    with sqlite_core.engine.begin() as connection:
        connection.execute(text("UPDATE device SET state = 'invalid', reason = 'Unregistered'"))
    again = register(at(sqlite_core, later), app_on_sqlite).device
    assert (again.id, again.state, again.reason) == (made.device.id, "active", None)
    assert again.registered_at == again.last_seen == later


def test_an_old_keys_index_is_found_and_written_anew(core, app):
    made = register(core, app)
    newer = KeyRing(("brand-new-0123456789abcdefghijklmnopqrstuv", *core.settings.secret_keys))
    rotated = replace(core, keyring=newer)
    again = register(rotated, app)
    assert (again.created, again.device.id) == (False, made.device.id)
    assert register(rotated, app).device.id == made.device.id
    with core.engine.connect() as connection:
        row = connection.execute(text("SELECT index_version, address_index FROM device")).one()
    assert row == (newer.index_version, newer.blind_index(app.number, TOKEN))


def test_the_address_is_nowhere_in_clear(sqlite_core, app_on_sqlite):
    register(sqlite_core, app_on_sqlite, token=TOKEN)
    with sqlite_core.engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM device")).one()
        assert TOKEN not in " ".join(map(str, row))
        named = connection.execute(text("SELECT provider, address_kind, environment, sealed_address FROM device")).one()
    assert addresses.unseal(sqlite_core.keyring, app_on_sqlite.number, named).value == TOKEN


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"platform": "tv"}, "platform"),
        ({"provider": "webpush"}, "provider"),
        ({"platform": "android", "provider": "apns"}, "provider"),
        ({"platform": "web", "provider": "apns"}, "provider"),
        ({"token": None}, "token"),
        ({"token": "not hexadecimal"}, "token"),
        ({"fid": "cBs2"}, "fid"),
        ({"token": None, "fid": "cBs2x"}, "fid"),
        ({"platform": "android", "token": "a b"}, "token"),
        ({"platform": "web"}, "token"),
        ({"locale": "not a locale"}, "locale"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"country": "POL"}, "country"),
        ({"permission": "maybe"}, "permission"),
        ({"environment": "staging"}, "environment"),
        ({"user_id": "me"}, "user_id"),
        ({"user_id": "a\u0000b"}, "user_id"),
        ({"user_id": " "}, "user_id"),
        ({"app_version": "1" * 65}, "app_version"),
        ({"tokne": TOKEN}, "tokne"),
    ],
)
def test_a_wrong_field_is_named(sqlite_core, app_on_sqlite, change, field):
    assert wrong(sqlite_core, app_on_sqlite, **change) == [field]


@pytest.mark.parametrize(
    ("endpoint", "keys", "field"),
    [
        ("https://192.168.0.1/push", {}, "subscription.endpoint"),
        ("http://fcm.googleapis.com/x", {}, "subscription.endpoint"),
        (ENDPOINT, {"p256dh": "AAAA"}, "subscription.keys.p256dh"),
        (ENDPOINT, {"p256dh": "B" + "A" * 86}, "subscription.keys.p256dh"),
        (ENDPOINT, {"auth": "AAAA"}, "subscription.keys.auth"),
        (ENDPOINT, {"auth": "ż" * 22}, "subscription.keys.auth"),
    ],
)
def test_a_subscription_is_checked_before_it_is_kept(sqlite_core, app_on_sqlite, endpoint, keys, field):
    subscription = {"endpoint": endpoint, "keys": {"p256dh": POINT, "auth": AUTH, **keys}}
    assert wrong(sqlite_core, app_on_sqlite, platform="web", token=None, subscription=subscription) == [field]
    assert rows(sqlite_core, "device") == 0


def test_a_browser_is_bound_to_the_key_that_it_subscribed_with(sqlite_core, app_on_sqlite):
    with sqlite_core.reading(OPERATOR, app_on_sqlite.number) as work, pytest.raises(NotFound):
        binding.webpush_key(work)
    unbound = register(sqlite_core, app_on_sqlite, platform="web", token=None, subscription=SUBSCRIPTION).device
    with sqlite_core.work(OPERATOR, app_on_sqlite.number) as work:
        made = credentials.add_credential(work, "webpush", {"subject": "mailto:push@shop.example"})
        assert binding.webpush_key(work) == made.public["public_key"]
    other = {**SUBSCRIPTION, "endpoint": ENDPOINT + "d"}
    bound = register(sqlite_core, app_on_sqlite, platform="web", token=None, subscription=other).device
    assert (unbound.has_credential, bound.has_credential) == (False, True)
    with sqlite_core.reading(OPERATOR, app_on_sqlite.number) as work:
        assert subscribers.get_device(work, unbound.id).has_credential


def test_the_operators_and_the_apps_own_push_services_are_taken(sqlite_core, app_on_sqlite):
    own = {**SUBSCRIPTION, "endpoint": "https://push.shop.example:8443/send/1"}
    body = {"platform": "web", "token": None, "subscription": own}
    assert wrong(sqlite_core, app_on_sqlite, **body) == ["subscription.endpoint"]
    settings: Settings = replace(sqlite_core.settings, push_hosts=("push.shop.example:8443",))
    assert register(replace(sqlite_core, settings=settings), app_on_sqlite, **body).created
    with sqlite_core.work(OPERATOR, app_on_sqlite.number) as work:
        lane = {"subject": "mailto:push@shop.example", "endpoint": "https://push.shop.example:8443"}
        credentials.add_credential(work, "webpush", lane, trusted=True)
    assert not register(sqlite_core, app_on_sqlite, **body).created


def patch(core: Core, app, device: DeviceRow, **changes) -> DeviceRow:
    with core.work(OPERATOR, app.number) as work:
        return subscribers.update_device(work, device.id, fields.parse(DevicePatch, changes), present=True)


def test_a_patch_changes_what_it_names(sqlite_core, app_on_sqlite):
    made = register(sqlite_core, app_on_sqlite, locale="pl", app_version="1.0").device
    changed = patch(sqlite_core, app_on_sqlite, made, permission="denied", locale=None, app_version="1.1")
    assert (changed.permission, changed.locale, changed.app_version) == ("denied", None, "1.1")
    assert patch(sqlite_core, app_on_sqlite, made, state="unsubscribed").state == "unsubscribed"
    assert patch(sqlite_core, app_on_sqlite, made, state="active").state == "active"


def test_a_refreshed_token_keeps_the_device_and_never_takes_anothers_address(core, app):
    one, two = register(core, app).device, register(core, app, token="aa" * 32).device
    assert patch(core, app, one, token="bb" * 32).id == one.id
    assert register(core, app, token="bb" * 32).device.id == one.id
    with pytest.raises(Conflict):
        patch(core, app, one, token="aa" * 32)
    with pytest.raises(Invalid):
        patch(core, app, two, fid="cBs2x")


def test_a_removed_device_takes_its_anonymous_user_along_but_no_known_one(core, app):
    anonymous = register(core, app).device
    known = register(core, app, token="aa" * 32, user_id="ana").device
    with core.work(OPERATOR, app.number) as work:
        subscribers.remove_device(work, anonymous.id)
        subscribers.remove_device(work, known.id)
        with pytest.raises(NotFound):
            subscribers.get_device(work, known.id)
    assert (rows(core, "device"), rows(core, "user")) == (0, 1)


def test_another_apps_device_is_not_found(sqlite_core, app_on_sqlite):
    made = register(sqlite_core, app_on_sqlite).device
    with sqlite_core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    with sqlite_core.work(OPERATOR, other.number) as work:
        with pytest.raises(NotFound):
            subscribers.get_device(work, made.id)
        with pytest.raises(NotFound):
            subscribers.update_device(work, made.id, DevicePatch())
        with pytest.raises(NotFound):
            subscribers.remove_device(work, made.id)


def test_a_batch_tells_of_each_item_and_a_bad_one_spoils_no_other(core, app):
    register(core, app)
    items = [
        {"platform": "ios", "token": TOKEN, "model": "known"},
        {"platform": "ios", "token": "zz"},
        {"platform": "ios", "token": "aa" * 32, "user_id": "ana"},
        {"platform": "ios", "token": "aa" * 32, "user_id": "ben"},
        {"platform": "android", "token": "token-of-somebody"},
        5,
    ]
    with core.work(OPERATOR, app.number) as work:
        results = subscribers.devices_batch(work, items)
        assert [result.status for result in results] == [200, 422, 201, 200, 201, 422]
        assert [result.index for result in results] == list(range(6))
        assert results[1].errors[0].field == "token"
        assert results[2].id == results[3].id
        assert subscribers.get_device(work, results[2].id).user_id == "ben"
        assert subscribers.get_device(work, results[0].id).model == "known"
    assert rows(core, "device") == 3


def test_an_imported_device_gives_its_secret_to_the_first_app_that_registers_it(sqlite_core, app_on_sqlite):
    with sqlite_core.work(OPERATOR, app_on_sqlite.number) as work:
        imported = subscribers.devices_batch(work, [{"platform": "ios", "token": TOKEN}])[0]
        with pytest.raises(NotAuthenticated):
            subscribers.device_for(work, imported.id, "")
    claimed = register(sqlite_core, app_on_sqlite)
    assert (claimed.device.id, claimed.created) == (imported.id, False)
    with sqlite_core.work(OPERATOR, app_on_sqlite.number) as work:
        assert subscribers.device_for(work, imported.id, claimed.secret).id == imported.id
    assert register(sqlite_core, app_on_sqlite).secret is None


def test_an_import_is_no_sign_of_life(sqlite_core, app_on_sqlite):
    made = register(sqlite_core, app_on_sqlite).device
    with at(sqlite_core, datetime.now(UTC) + timedelta(days=1)).work(OPERATOR, app_on_sqlite.number) as work:
        subscribers.devices_batch(work, [{"platform": "ios", "token": TOKEN}])
        assert subscribers.get_device(work, made.id).last_seen == made.last_seen


def test_a_raw_address_gets_a_device_for_a_month_unless_it_has_one(core, app):
    known = register(core, app).device
    raw = {"platform": "android", "token": "token-of-somebody"}
    with core.work(OPERATOR, app.number) as work:
        numbers = subscribers.ephemeral_devices(work, [{"platform": "ios", "token": TOKEN}, raw, raw])
        assert [ids.public(work, ids.DEVICE, number) for number in numbers[:1]] == [known.id]
        assert numbers[1] == numbers[2] == subscribers.ephemeral_device(work, raw)
        with pytest.raises(Invalid) as caught:
            subscribers.ephemeral_devices(work, [raw, {"platform": "ios", "token": "!"}], path="to.tokens")
    assert [error.field for error in caught.value.errors] == ["to.tokens[1].token"]
    with core.engine.connect() as connection:
        kept = connection.execute(text("SELECT count(*) FROM device WHERE ephemeral_until IS NOT NULL")).scalar_one()
    assert kept == 1
    real = register(core, app, platform="android", token="token-of-somebody")
    assert (real.created, bool(real.secret)) == (False, True)
    with core.engine.connect() as connection:
        kept = connection.execute(text("SELECT count(*) FROM device WHERE ephemeral_until IS NOT NULL")).scalar_one()
    assert kept == 0


def test_a_raw_addresss_device_is_forgotten_with_its_user_after_its_month(core, app):
    register(core, app)
    with core.work(OPERATOR, app.number) as work:
        subscribers.ephemeral_device(work, {"platform": "android", "token": "token-of-somebody"})
        assert subscribers.forget_ephemeral(work) == 0
    with at(core, datetime.now(UTC) + timedelta(days=31)).work(OPERATOR) as work:
        assert subscribers.forget_ephemeral(work) == 1
    assert (rows(core, "device"), rows(core, "user")) == (1, 1)


def test_a_session_begins_after_half_an_hour_of_silence(sqlite_core, app_on_sqlite):
    start = datetime.now(UTC)
    for minutes in (0, 10, 39, 70):
        register(at(sqlite_core, start + timedelta(minutes=minutes)), app_on_sqlite, user_id="ana")
    with sqlite_core.reading(OPERATOR, app_on_sqlite.number) as work:
        ana = subscribers.get_user(work, "ana")
    assert (ana.sessions, ana.last_active) == (2, start + timedelta(minutes=70))


@pytest.fixture
def app_on_sqlite(sqlite_core: Core) -> apps.AppRow:
    with sqlite_core.work(OPERATOR) as work:
        return apps.create_app(work, slug="shop", name="Shop")


def test_a_race_for_one_address_makes_one_device_and_one_user(postgres_core):
    with postgres_core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop")
    made: list[subscribers.Registered] = []
    start = threading.Barrier(6)

    def run() -> None:
        start.wait(10)
        made.append(register(postgres_core, app))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(one.created for one in made) == [False] * 5 + [True]
    assert len({one.device.id for one in made}) == 1
    assert (rows(postgres_core, "device"), rows(postgres_core, "user")) == (1, 1)
