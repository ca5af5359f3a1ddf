"""A small population with every oddity that a rule may meet, in the database and for the oracle at once."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from backend.db import Work
from backend.domain.version import version_key
from backend.models import (
    Campaign,
    Category,
    Credential,
    Delivery,
    Device,
    DevicePreference,
    Event,
    Preference,
    Receipt,
    Revision,
    Run,
    Segment,
    User,
    UserList,
    UserListMember,
)
from backend.services import ids
from tests.services.segment_oracle import Person, Phone, World

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
TEXTS = [
    "pro", "PRO", "free", "Éclair", "éclair", "e\u0301clair", "", "100%", "a_b", "Ann O'Neil", "x\\y", "zażółć", "İzmir",
    "straße", "STRASSE", "\u212a", "👩‍👧", ' "pro" ', "null", "5", '{"pro":1}', '["pro"]', "plan",
]  # fmt: skip
MOMENTS = [
    "2026-11-20T12:00:00Z", "2026-11-20T13:00:00+01:00", "2026-11-21", "2026-02-31", "2026-13-01", "2028-02-29",
    "2026-11-21T11:59:59.25Z", "2026-11-21T12:00", "12:00", "now", "2026-11-14T24:00:00Z", "2026-11-14 12:00:00Z",
    "2020-01-01T00:00:00-05:30", "0999-01-01", "2461000.5", "2026-11-21T00:30:00+02:00", "2026-11-20T23:00:00Z",
    "2026-11-19T23:30:00-02:00", "2026-11-20T01:00:00Z",
]  # fmt: skip
NUMBERS = [
    0, -0.0, 1, -3, 5, 5.0, 5.5, 0.1, 0.30000000000000004, 0.3, 100, 2**53, 2**53 - 1, 2**60, 10**30, 1e20, 1e308, 5e-324,
    1e-7, -0.25,
]  # fmt: skip
VALUES: list[Any] = [
    *TEXTS,
    *MOMENTS,
    *NUMBERS,
    True,
    False,
    None,
    [],
    ["pro", 5, True, None, ["pro"]],
    ["5", "true"],
    ["pro"],
    {"pro": 1},
]
NAMES = ["plan", "age", "since", "odd-name", "tags", 'a.b "c" [0]']
VERSIONS = ["17", "17.0", "17.0.1", "9.9", "10.0-beta", "v3", "unknown", "", None, "1.2.3.4"]
PLACES = [
    (None, None), (52.2, None), (52.23, 21.01), (50.06, 19.94), (54.87, 21.0), (52.3, 25.35), (52.3, 16.65), (49.53, 21.0),
    (-52.2, -158.9), (90.0, 0.0), (0.0, 179.9),
]  # fmt: skip
EVERY = "every"
"""An attribute that takes each of the values in turn."""
KEYS = ["sku", "bad \"key'", "zażółć", "n"]
SLUGS = {"marketing": True, "news": False, "must": False, "old": False}
ALWAYS = frozenset({"must", "old"})
"""The mandatory category, and the archived one."""


def build(work: Work, seed: int = 7, people: int = 75) -> World:
    """Fills an app; times are told from NOW."""
    made = random.Random(seed)
    named = _named(work)
    world = World(
        people=[_person(work, made, number, named) for number in range(people)],
        now=NOW,
        segments=named["segments"],
        defaults=SLUGS,
        always=ALWAYS,
    )
    _erased(work, named)
    work.session.commit()
    return world


def _erased(work: Work, named: dict[str, Any]) -> None:
    """Pushes that were opened by somebody who is gone."""
    for run in named["runs"].values():
        gone = Delivery(run_id=run.id, chunk=0, dims_id=0, state="accepted", due_at=NOW, ended_at=NOW)
        _add(work, Receipt(delivery_id=_add(work, gone).id, type="opened", at=NOW, received_at=NOW))


def _named(work: Work) -> dict[str, Any]:
    """Categories, lists, campaigns and segments, by what the outside calls them."""
    session, app = work.session, work.app_id
    categories = {}
    for slug, default in SLUGS.items():
        kind = "mandatory" if slug == "must" else "marketing"
        gone = NOW if slug == "old" else None
        categories[slug] = _add(
            work,
            Category(app_id=app, slug=slug, name=slug, kind=kind, opted_in_by_default=default, archived_at=gone),
        )
    lists = [_add(work, UserList(app_id=app, name=name, created_at=NOW)) for name in ("one", "two")]
    runs = {}
    for name in ("first", "second"):
        campaign = _add(work, Campaign(app_id=app, name=name, definition={}, created_at=NOW, updated_at=NOW))
        revision = _add(
            work, Revision(campaign_id=campaign.id, number=1, definition={}, content_hash="", created_at=NOW)
        )
        run = Run(
            app_id=app, campaign_id=campaign.id, revision_id=revision.id, occasion="once", due_at=NOW, created_at=NOW
        )
        runs[ids.public(work, ids.CAMPAIGN, campaign.id)] = _add(work, run)
    session.flush()
    return {
        "categories": categories,
        "lists": {ids.public(work, ids.LIST, one.id): one for one in lists},
        "runs": runs,
        "credential": _add(
            work,
            Credential(
                app_id=app, provider="fcm", environment="production", sealed_secret=b"", created_at=NOW, updated_at=NOW
            ),
        ).id,
        "segments": _segments(work),
    }


def _segments(work: Work) -> dict[str, Any]:
    first = _all({"field": "device.platform", "operator": "=", "value": "ios"})
    inner = _segment(work, first)
    second = _all(
        {"field": "segment", "operator": "notIn", "value": inner},
        {"field": "attr.plan", "operator": "=", "value": "pro"},
    )
    return {inner: first, _segment(work, second): second}


def _all(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"combinator": "and", "not": False, "rules": list(rules)}


def _segment(work: Work, rules: dict[str, Any]) -> str:
    made = _add(work, Segment(app_id=work.app_id, name="s", rules=rules, created_at=NOW, updated_at=NOW))
    return ids.public(work, ids.SEGMENT, made.id)


def _add(work: Work, row: Any) -> Any:
    work.session.add(row)
    work.session.flush()
    return row


def _ago(made: random.Random) -> datetime:
    return NOW - timedelta(days=made.choice([0, 1, 6, 7, 7.5, 8, 30, 31, 400]))


def _person(work: Work, made: random.Random, number: int, named: dict[str, Any]) -> Person:
    place = made.choice(PLACES)
    columns = {
        "id": None if number % 5 == 0 else made.choice(["u", "U", "anna", "Öl"]) + str(number),
        "country": made.choice([None, "PL", "pl", "DE"]),
        "language": made.choice([None, "pl", "de", "en"]),
        "timezone": made.choice([None, "Europe/Warsaw", "UTC"]),
        "sessions": made.choice([0, 1, 5, 6]),
        "first_seen": _ago(made),
        "last_active": made.choice([None, _ago(made)]),
    }
    attributes = {name: made.choice(VALUES) for name in NAMES if made.random() < 0.8}
    attributes[EVERY] = VALUES[number % len(VALUES)]
    person = Person(columns={**columns, "latitude": place[0], "longitude": place[1]}, attributes=attributes)
    person.bucket = made.choice([0, 2**31 - 1, 2**31, 2**32 - 1, made.getrandbits(32)])
    kept = {name: value for name, value in columns.items() if name != "id"}
    user = User(app_id=work.app_id, external_id=columns["id"], bucket=person.bucket, attributes=attributes, **kept)
    user.latitude, user.longitude = place
    person.id = _add(work, user).id
    person.phones = [_phone(work, made, person.id, named["credential"]) for _ in range(made.choice([0, 1, 1, 2, 3]))]
    _history(work, made, person, named)
    return person


def _phone(work: Work, made: random.Random, user: int, credential: int) -> Phone:
    app, os = made.choice(VERSIONS), made.choice(VERSIONS)
    columns = {
        "platform": made.choice(["ios", "android", "web"]),
        "provider": made.choice(["apns", "fcm", "webpush"]),
        "environment": made.choice(["production", "sandbox"]),
        "state": made.choice(["active", "active", "unsubscribed", "invalid"]),
        "permission": made.choice(["granted", "denied", "unknown"]),
        "locale": made.choice([None, "pl-PL", "de-DE"]),
        "timezone": made.choice([None, "UTC"]),
        "model": made.choice([None, "Pixel 9", "iPhone15,2", "PIXEL"]),
        "app_version": app,
        "os_version": os,
        "last_seen": _ago(made),
        "credential_id": made.choice([None, credential, credential]),
    }
    phone = Phone(columns=columns, ephemeral=made.random() < 0.15)
    device = Device(
        app_id=work.app_id, user_id=user, address_kind="token", sealed_address=b"", address_index=made.randbytes(16),
        index_version="0", secret_hash="", first_seen=NOW, registered_at=NOW,
        app_version_key=version_key(app), os_version_key=version_key(os),
        ephemeral_until=NOW if phone.ephemeral else None, **columns,
    )  # fmt: skip
    phone.id = _add(work, device).id
    return phone


def _history(work: Work, made: random.Random, person: Person, named: dict[str, Any]) -> None:
    for value in (0.7, 0.1) if person.id % 3 else (0.7,):
        paid = {"name": "pay", "at": NOW, "properties": {"n": made.choice([0.7, 0.1, "3", None, True])}, "value": value}
        person.events.append(paid)
        _add(work, Event(app_id=work.app_id, user_id=person.id, received_at=NOW, **paid))
    for _ in range(made.choice([0, 0, 1, 3])):
        done = {
            "name": made.choice(["buy", "open app"]),
            "at": _ago(made),
            "properties": {key: made.choice(VALUES) for key in KEYS if made.random() < 0.6},
            "value": made.choice([None, 0.1, 0.7, 1.5, 10.0, -2.0]),
        }
        done["properties"].pop("n", None)
        done["properties"]["n"] = made.choice([1, 2.5, "3", None])
        person.events.append(done)
        _add(work, Event(app_id=work.app_id, user_id=person.id, received_at=NOW, **done))
    for public_id, run in named["runs"].items():
        if made.random() < 0.5:
            _push(work, made, person, public_id, run)
    for slug, category in named["categories"].items():
        if made.random() < 0.4:
            person.opted[slug] = made.random() < 0.5
            word = {"opted_in": person.opted[slug], "changed_at": NOW}
            _add(work, Preference(user_id=person.id, category_id=category.id, **word))
        for phone in person.phones:
            if made.random() < 0.4:
                phone.opted[slug] = made.random() < 0.5
                word = {"opted_in": phone.opted[slug], "changed_at": NOW}
                _add(work, DevicePreference(device_id=phone.id, category_id=category.id, **word))
    for public_id, one in named["lists"].items():
        if made.random() < 0.3:
            person.lists.add(public_id)
            _add(work, UserListMember(list_id=one.id, user_id=person.id))


def _push(work: Work, made: random.Random, person: Person, campaign: str, run: Run) -> None:
    at, state = _ago(made), made.choice(["accepted", "failed"])
    delivery = Delivery(
        run_id=run.id, user_id=person.id, device_id=person.id, chunk=0, dims_id=0, state=state, due_at=at, ended_at=at
    )
    _add(work, delivery)
    if state == "accepted":
        person.pushes.append({"kind": "accepted", "campaign": campaign, "at": at})
    if made.random() < 0.5:
        person.pushes.append({"kind": "opened", "campaign": campaign, "at": at})
        _add(work, Receipt(delivery_id=delivery.id, type="opened", at=at, received_at=at))
