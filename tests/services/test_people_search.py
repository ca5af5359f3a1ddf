"""People found: by id, address and attribute, or in the list with its filters."""

from datetime import timedelta

import pytest
from sqlmodel import col, update

from backend.db import OPERATOR
from backend.domain.message import Address
from backend.domain.vocabulary import AddressKind, Environment, ProviderName
from backend.errors import Invalid, NotFound
from backend.models import Credential, Device, User
from backend.queries import people as queries
from backend.services import addresses, apps, credentials, ids, people_search
from backend.services.people_search import Filters
from tests import push_rows

TOKEN = "ab" * 32


def add_person(core, app, name, *, hours=None, attributes=None, devices=(), **values):
    """A person last active so many hours ago (None: never); `devices` are (platform, state, permission, token)."""
    with core.work(OPERATOR, app.number) as work:
        active = work.now - timedelta(hours=hours) if hours is not None else None
        user = User(
            app_id=app.number, external_id=name, bucket=1, attributes=attributes or {}, first_seen=work.now,
            last_active=active, **values,
        )  # fmt: skip
        work.session.add(user)
        work.session.flush()
        made = [add_device(work, user.id, *device) for device in devices]
        return user.id, made


def add_device(work, user, platform, state="active", permission="granted", token="", **values):
    index = work.core.keyring.blind_index(work.app_id, token or f"{user} {platform} {state}")
    address = Address(ProviderName.FCM, AddressKind.TOKEN, token or "x", Environment.PRODUCTION)
    row = Device(
        app_id=work.app_id, user_id=user, platform=platform, provider="fcm", environment="production",
        address_kind="token", sealed_address=addresses.seal(work.core.keyring, work.app_id, address),
        address_index=index, index_version="1", secret_hash="", state=state, permission=permission,
        first_seen=work.now, registered_at=work.now, **{"last_seen": work.now, **values},
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    return row.id


def names(found):
    return [row.user_id for row in found.items]


def search(core, app, text="", *, cursor=None, limit=50, **filters):
    with core.reading(OPERATOR, app.number) as work:
        return people_search.search(work, text, Filters(**filters), cursor=cursor, limit=limit)


def every_page(core, app, text="", *, limit=2, **filters):
    found, cursor = [], None
    while True:
        page = search(core, app, text, cursor=cursor, limit=limit, **filters)
        found += names(page)
        if (cursor := page.next) is None:
            return found


@pytest.fixture
def crowd(core, app):
    """Six people: who was active last comes first, who never was last."""
    add_person(core, app, "ana", hours=3, devices=[("ios", "active", "granted", TOKEN)], language="pl")
    add_person(core, app, "anatol", hours=1, devices=[("android", "unsubscribed")])
    add_person(core, app, None, hours=2, devices=[("web",), ("ios", "invalid")])
    add_person(core, app, "ben", hours=3, devices=[("ios", "active", "denied")])
    add_person(core, app, "auth0:eve")
    add_person(core, app, "zoe")
    return app


def test_the_list_goes_newest_active_first_and_page_by_page_loses_nobody(core, crowd):
    whole = ["anatol", None, "ben", "ana", "zoe", "auth0:eve"]
    assert names(search(core, crowd)) == whole
    for limit in (1, 2, 3, 5, 6):
        assert every_page(core, crowd, limit=limit) == whole


@pytest.mark.parametrize("few", [0, 2_000])
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"device": "reachable"}, [None, "ana"]),
        ({"device": "unsubscribed"}, ["anatol"]),
        ({"platform": "ios"}, [None, "ben", "ana"]),
        ({"device": "reachable", "platform": "ios"}, ["ana"]),
        ({"anonymous": True}, [None]),
        ({"anonymous": True, "platform": "android"}, []),
    ],
)
def test_filters_find_the_same_few_or_many(core, crowd, monkeypatch, filters, found, few):
    monkeypatch.setattr(queries, "FEW", few)
    assert every_page(core, crowd, **filters) == found
    assert every_page(core, crowd, limit=1, **filters) == found


def test_a_page_looks_at_so_many_people_and_says_so(sqlite_core, monkeypatch):
    core = sqlite_core
    with core.work(OPERATOR) as work:
        shop = apps.create_app(work, slug="shop")
    for number in range(9):
        add_person(
            core, shop, f"u{number}", hours=number if number < 6 else None, devices=[("ios",)] * (number in (4, 7))
        )
    monkeypatch.setattr(queries, "FEW", 0)
    monkeypatch.setattr(queries, "WALK", 2)
    first = search(core, shop, platform="ios")
    assert (first.items, first.looked) == ((), 2)
    assert every_page(core, shop, platform="ios", limit=5) == ["u4", "u7"]


def test_whoever_becomes_active_between_two_pages_moves_nobody(sqlite_core, monkeypatch):
    core = sqlite_core
    with core.work(OPERATOR) as work:
        shop = apps.create_app(work, slug="shop")
    numbers = [add_person(core, shop, f"u{number}", hours=number)[0] for number in range(4)]
    first = search(core, shop, limit=2)
    with core.work(OPERATOR, shop.number) as work:
        work.session.exec(update(User).where(col(User.id) == numbers[1]).values(last_active=work.now))
    assert names(search(core, shop, cursor=first.next)) == ["u2", "u3"]


def test_an_id_is_found_exactly_and_by_its_beginning(core, crowd):
    assert names(search(core, crowd, "ana")) == ["ana", "anatol"]
    assert every_page(core, crowd, "an", limit=1) == ["ana", "anatol"]
    assert names(search(core, crowd, "auth0:eve")) == ["auth0:eve"]
    assert names(search(core, crowd, "ANA")) == []
    assert names(search(core, crowd, "an", platform="ios")) == ["ana"]
    assert names(search(core, crowd, "a%")) == []


def test_an_address_is_found_by_its_blind_index(core, crowd):
    assert names(search(core, crowd, f"  {TOKEN.upper()} ")) == ["ana"]
    with core.reading(OPERATOR, crowd.number) as work:
        assert names(people_search.token(work, TOKEN)) == ["ana"]
        assert names(people_search.token(work, "nobody's")) == []


def test_our_own_ids_name_one_person(core, app):
    user, (device,) = add_person(core, app, "ana", devices=[("ios",)])
    run = push_rows.add_run(core, app.number)
    with core.reading(OPERATOR, app.number) as work:
        due = work.now
    (delivery,) = push_rows.add_deliveries(core, run, ["accepted"], due_at=due, user=user)
    other = apps_of(core, "other")
    with core.reading(OPERATOR, app.number) as work:
        every = [ids.public(work, *one) for one in ((ids.USER, user), (ids.DEVICE, device), (ids.DELIVERY, delivery))]
        assert people_search.number_of(work, every[0]) == people_search.number_of(work, "ana") == user
    for one in every:
        assert names(search(core, app, one)) == ["ana"]
        assert names(search(core, other, one)) == []
    with core.reading(OPERATOR, other.number) as work, pytest.raises(NotFound):
        people_search.number_of(work, every[0])


def apps_of(core, slug):
    with core.work(OPERATOR) as work:
        return apps.create_app(work, slug=slug)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plan:pro", ["cy", "ana"]), ("plan = pro", ["cy", "ana"]), ("age:30", ["ben"]), ("vip:true", ["ana"]),
        ("likes:books", ["ben"]), ("city:Łódź", ["ana"]), ("plan:gold", []), ("age:31.5", ["cy"]),
    ],
)  # fmt: skip
def test_an_attribute_is_found_whatever_its_kind(core, app, text, found):
    add_person(core, app, "ana", attributes={"plan": "pro", "vip": True, "city": "Łódź", "age": "pro"})
    add_person(core, app, "ben", attributes={"plan": "free", "age": 30, "likes": ["books", "music"]})
    add_person(core, app, "cy", attributes={"plan": "pro", "age": 31.5})
    assert names(search(core, app, text)) == found
    assert every_page(core, app, text, limit=1) == found


def test_a_rare_attribute_is_looked_for_a_stretch_at_a_time(core, app, monkeypatch):
    for number in range(5):
        add_person(core, app, f"u{number}", attributes={"plan": "pro" if number == 0 else "free"})
    monkeypatch.setattr(people_search, "LOOK", 2)
    first = search(core, app, "plan:pro")
    assert (first.items, first.looked) == ((), 2)
    assert every_page(core, app, "plan:pro") == ["u0"]


def test_who_only_stands_for_an_address_is_nobody(core, app):
    with core.reading(OPERATOR, app.number) as work:
        until = work.now + timedelta(days=30)
    user, _ = add_person(core, app, None)
    with core.work(OPERATOR, app.number) as work:
        add_device(work, user, "android", token="passing", ephemeral_until=until)
    assert search(core, app).items == ()
    assert search(core, app, "passing").items == ()
    assert search(core, app, platform="android").items == ()


def test_a_line_shows_devices_and_a_device_s_language_where_the_profile_has_none(core, crowd):
    line = next(row for row in search(core, crowd).items if row.user_id is None)
    assert [(mark.platform, mark.state, mark.reachable) for mark in line.devices] == [
        ("web", "active", True), ("ios", "invalid", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "asked", [{"device": "dead"}, {"platform": "topic"}, {"cursor": "cur_x"}, {"cursor": "cur_x.cur_y"}, {"limit": 0}]
)
def test_a_wrong_question_is_refused(sqlite_core, asked):
    shop = apps_of(sqlite_core, "shop")
    with pytest.raises(Invalid):
        search(sqlite_core, shop, **asked)


def test_token_health_counts_by_platform_and_names_lanes_in_doubt(core, crowd, monkeypatch):
    with core.work(OPERATOR, crowd.number) as work:
        work.session.exec(
            update(Device).where(col(Device.platform) == "web").values(last_seen=work.now - timedelta(days=31))
        )
        credentials.add_credential(work, "webpush", {"subject": "mailto:a@shop.example"})
        work.session.exec(update(Credential).values(quarantined_at=work.now, quarantine_reason="Too many at once."))
    with core.reading(OPERATOR, crowd.number) as work:
        found = people_search.health(work)
    assert {one.platform: (one.active, one.reachable, one.unsubscribed, one.invalid, one.stale) for one in found.platforms} == {
        "ios": (2, 1, 0, 1, 0), "android": (0, 0, 1, 0, 0), "web": (1, 1, 0, 0, 1),
    }  # fmt: skip
    assert [(one.name, one.reason) for one in found.quarantines] == [("mailto:a@shop.example", "Too many at once.")]
