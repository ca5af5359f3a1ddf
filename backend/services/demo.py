"""A demo app: people, devices behind a simulated provider, and 90 days of what they did.

The rows are made up, but by the rules of the real ones: every number that the console shows of them is
computed as for any other app. The seed is fixed, so two demos of one size are alike.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from backend.db import Work
from backend.domain.message import Address
from backend.domain.version import version_key
from backend.domain.vocabulary import AddressKind, Environment, ProviderName
from backend.errors import NotFound
from backend.models import Device, Event, User
from backend.queries import demo as queries
from backend.queries import topics
from backend.services import addresses, apps, catalogue, credentials, demo_audience, demo_plans, segmentation
from backend.services.apps import AppRow
from backend.services.demo_history import past_campaigns
from backend.services.people import bucket

DAYS = 90
FIRST = ("Ana", "Ben", "Chloé", "Daniel", "Elif", "Farid", "Grace", "Hana", "Igor", "Jun", "Katarzyna", "Luca", "Maya",
         "Noor", "Olga", "Pedro", "Quinn", "Rania", "Sofía", "Tomasz", "Uma", "Viktor", "Wen", "Yara", "Zoë")  # fmt: skip
PLACES = (
    ("US", "America/New_York", "en-US", 40.71, -74.0, 24), ("GB", "Europe/London", "en-GB", 51.5, -0.12, 14),
    ("DE", "Europe/Berlin", "de-DE", 52.52, 13.4, 14), ("PL", "Europe/Warsaw", "pl-PL", 52.23, 21.01, 14),
    ("FR", "Europe/Paris", "fr-FR", 48.85, 2.35, 10), ("BR", "America/Sao_Paulo", "pt-BR", -23.55, -46.63, 10),
    ("JP", "Asia/Tokyo", "ja-JP", 35.68, 139.69, 8), ("EG", "Africa/Cairo", "ar-EG", 30.04, 31.24, 6),
)  # fmt: skip
PLATFORMS = (("ios", ProviderName.APNS, 42), ("android", ProviderName.FCM, 40), ("web", ProviderName.WEBPUSH, 18))
MODELS = {
    "ios": ("iPhone 17", "iPhone 16 Pro", "iPhone 15"),
    "android": ("Pixel 10", "Galaxy S26", "Redmi 15"),
    "web": ("Chrome", "Firefox", "Safari"),
}
SYSTEMS = {"ios": ("26.1", "18.7", "18.2"), "android": ("16", "15", "14"), "web": ("154.0", "151.0", "26.1")}
VERSIONS = ("5.2.0", "5.1.3", "5.0.0", "4.9.8")
PLANS = ("free", "free", "free", "plus", "pro")
INTERESTS = ("shoes", "books", "garden", "music", "travel", "games")
TOPIC = "com.example.shop"
FOLLOWED = (("new_in_garden", 15), ("weekly_offers", 40))
"""Firebase topics, and what part of the people with an Android phone are in them."""
MOST_FOLLOWERS = 500
SPOKEN = 2_000
"""Of so many devices at most, some people are in lists and have said what they want: the start stays quick."""


class Provider(Protocol):
    """Whoever plays the providers: it hands out credentials and addresses as they would."""

    def apns_credential_body(self, topic: str, environment: str = ...) -> dict[str, Any]: ...

    def fcm_credential_body(self) -> dict[str, Any]: ...

    def webpush_credential_body(self, subject: str) -> dict[str, Any]: ...

    def device_address(self, provider: ProviderName | str, n: int, *, dead: bool = False) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Filled:
    """The demo app and how many devices it has."""

    app: AppRow
    devices: int


Shares = Sequence[tuple[str, ProviderName, int]]
"""(platform, provider, share) of the devices."""


def fill(
    work: Work, provider: Provider, slug: str, devices: int, *, history: bool = True, shares: Shares = PLATFORMS
) -> Filled:
    """Makes the app if need be and brings it to at least so many devices; what is there stays."""
    app = _app(work, slug)
    inside = work.within(app.number)
    lanes = _credentials(inside, provider)
    known = queries.count_devices(inside.session, app.number)
    if known < devices:
        seed = random.Random(f"{slug}:{known}")  # noqa: S311 - a demo must be repeatable, not secret
        if people := _people(inside, seed, known, devices):  # none where only somebody's device has been removed
            _devices(inside, provider, seed, lanes, people, known, devices, shares)
            _events(inside, seed, people)
    if history and not known:
        past_campaigns(inside)
        demo_plans.add(inside)
        for topic, percent in FOLLOWED:
            _follow(inside, topic, percent)
    if history:
        demo_audience.add(inside, [_external_id(number) for number in range(min(devices, SPOKEN) * 5 // 6)])
    return Filled(app, max(known, devices))


def _app(work: Work, slug: str) -> AppRow:
    try:
        return apps.app_by_slug(work, slug)
    except NotFound:
        return apps.create_app(work, slug=slug, name="Demo shop", identity_verification=False)


def _credentials(work: Work, provider: Provider) -> dict[ProviderName, int]:
    """The app's three lanes, made at the first fill."""
    bodies: dict[ProviderName, Callable[[], dict[str, Any]]] = {
        ProviderName.APNS: lambda: provider.apns_credential_body(TOPIC),
        ProviderName.FCM: provider.fcm_credential_body,
        ProviderName.WEBPUSH: lambda: provider.webpush_credential_body("mailto:push@shop.example"),
    }
    lanes = {}
    for name, body in bodies.items():
        number = credentials.active_for(work, name, Environment.PRODUCTION)
        if number is None:
            credentials.add_credential(work, name, body(), trusted=True)
            number = credentials.active_for(work, name, Environment.PRODUCTION)
        lanes[name] = number or 0
    return lanes


def _place(seed: random.Random) -> tuple[str, str, str, float, float, int]:
    return seed.choices(PLACES, weights=[place[-1] for place in PLACES])[0]


def _people(work: Work, seed: random.Random, start: int, end: int) -> list[tuple[int, Mapping[str, Any]]]:
    """Five people for six devices, with where and since when they are; their numbers."""
    rows = [_person(work, seed, number) for number in range(start * 5 // 6, max(end * 5 // 6, start * 5 // 6 + 1))]
    fresh = queries.users(work.session, work.app_id)
    rows = [row for row in rows if row["external_id"] not in fresh]
    queries.add(work.session, User, rows)
    catalogue.learn_attributes(work, [row["attributes"] for row in rows])
    numbers = queries.users(work.session, work.app_id)
    return [(numbers[row["external_id"]], row) for row in rows]


def _person(work: Work, seed: random.Random, number: int) -> dict[str, Any]:
    country, zone, locale, latitude, longitude, _ = _place(seed)
    external_id = _external_id(number)
    since = work.now - timedelta(days=seed.random() * 2 * DAYS, hours=1)
    last = work.now - (work.now - since) * seed.random() ** 3
    return {
        "app_id": work.app_id,
        "external_id": external_id,
        "bucket": bucket(work.app_id, external_id),
        "attributes": _attributes(seed),
        "language": locale.split("-")[0],
        "timezone": zone,
        "country": country,
        "latitude": latitude + seed.gauss(0, 0.2),
        "longitude": longitude + seed.gauss(0, 0.2),
        "sessions": 1 + int(seed.expovariate(0.08)),
        "first_seen": since,
        "last_active": last,
    }


def _external_id(number: int) -> str:
    return f"u{number:07d}"


def _attributes(seed: random.Random) -> dict[str, Any]:
    known: dict[str, Any] = {"plan": seed.choice(PLANS), "points": seed.randrange(0, 5000, 10)}
    known["interests"] = sorted(seed.sample(INTERESTS, seed.randint(0, 3)))
    if seed.random() < 0.93:
        known["name"] = seed.choice(FIRST)
    return known


def _devices(
    work: Work,
    provider: Provider,
    seed: random.Random,
    lanes: Mapping[ProviderName, int],
    people: list[tuple[int, Mapping[str, Any]]],
    start: int,
    end: int,
    shares: Shares,
) -> None:
    rows = []
    for number in range(start, end):
        user_id, person = people[min((number - start) * 5 // 6, len(people) - 1)]
        rows.append(_device(work, provider, seed, lanes, number, user_id, person, shares))
    queries.add(work.session, Device, rows)


def _device(
    work: Work,
    provider: Provider,
    seed: random.Random,
    lanes: Mapping[ProviderName, int],
    number: int,
    user_id: int,
    person: Mapping[str, Any],
    shares: Shares,
) -> dict[str, Any]:
    platform, name, _ = seed.choices(shares, weights=[share for *_, share in shares])[0]
    address = _address(name, provider.device_address(name, number, dead=seed.random() < 0.015))
    state = seed.choices(("active", "unsubscribed", "invalid"), weights=(96, 3, 1))[0]
    app_version, os_version = seed.choice(VERSIONS), seed.choice(SYSTEMS[platform])
    keyring = work.core.keyring
    return {
        "app_id": work.app_id,
        "user_id": user_id,
        "credential_id": lanes[name],
        "platform": platform,
        "provider": name,
        "environment": Environment.PRODUCTION,
        "address_kind": address.kind,
        "sealed_address": addresses.seal(keyring, work.app_id, address),
        "address_index": keyring.blind_index(work.app_id, address.value),
        "index_version": keyring.index_version,
        "secret_hash": "",
        "state": state,
        "reason": {"invalid": "UNREGISTERED", "unsubscribed": "member"}.get(state),
        "state_at": None if state == "active" else person["last_active"],
        "permission": _permission(seed, platform),
        "locale": seed.choice(PLACES)[2]
        if seed.random() < 0.04
        else next(p[2] for p in PLACES if p[0] == person["country"]),
        "timezone": person["timezone"],
        "country": person["country"],
        "app_version": app_version,
        "app_version_key": version_key(app_version),
        "os_version": os_version,
        "os_version_key": version_key(os_version),
        "model": seed.choice(MODELS[platform]),
        "first_seen": person["first_seen"],
        "last_seen": person["last_active"],
        "registered_at": person["first_seen"],
    }


def _permission(seed: random.Random, platform: str) -> str:
    if platform == "ios":
        return seed.choices(("granted", "provisional", "denied"), weights=(88, 9, 3))[0]
    return seed.choices(("granted", "denied", "unknown"), weights=(95, 2, 3))[0]


def _address(name: ProviderName, given: Mapping[str, Any]) -> Address:
    if "token" in given:
        return Address(name, AddressKind.TOKEN, given["token"])
    subscription = given["subscription"]
    keys = subscription["keys"]
    return Address(name, AddressKind.SUBSCRIPTION, subscription["endpoint"], p256dh=keys["p256dh"], auth=keys["auth"])


def _follow(work: Work, topic: str, percent: int) -> None:
    """Some hundred phones shall be in a topic; the senders tell the provider, as of any other wish."""
    sample = {"combinator": "and", "rules": [{"field": "sample", "operator": "<", "value": percent}]}
    chosen = topics.everybody(work.app_id, True, [segmentation.condition(work, sample)])
    first = topics.stretch(work.session, chosen, MOST_FOLLOWERS)
    if first is not None:
        wish = topics.Wish(work.app_id, topic, True, work.now)
        topics.want(work.session, wish, chosen & topics.up_to(first.last))


def _events(work: Work, seed: random.Random, people: list[tuple[int, Mapping[str, Any]]]) -> None:
    rows: list[dict[str, Any]] = []
    for user_id, person in people:
        since = max(person["first_seen"], work.now - timedelta(days=DAYS))
        rows += [_event(work, seed, user_id, since, person["last_active"]) for _ in range(seed.randint(1, 6))]
    queries.add(work.session, Event, rows)
    catalogue.learn_events(work, rows)


def _event(work: Work, seed: random.Random, user_id: int, since: datetime, until: datetime) -> dict[str, Any]:
    name = seed.choices(("session_start", "product_viewed", "added_to_cart", "purchase"), weights=(50, 30, 12, 8))[0]
    at = since + (max(until, since) - since) * seed.random()
    bought = name == "purchase"
    return {
        "app_id": work.app_id,
        "user_id": user_id,
        "name": name,
        "at": at,
        "received_at": at,
        "properties": {} if name == "session_start" else {"sku": f"sku-{seed.randrange(400)}"},
        "value": round(seed.uniform(8, 180), 2) if bought else None,
        "currency": "EUR" if bought else None,
    }


def sizes(work: Work) -> dict[str, int]:
    """How many devices each demo app has, by slug."""
    demos = [app for app in apps.list_apps(work) if app.slug == "demo" or app.slug.startswith("demo-")]
    return {app.slug: queries.count_devices(work.session, app.number) for app in demos}
