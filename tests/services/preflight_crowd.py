"""A crowd for measuring pre-flights: people with names, two languages, quiet hours and caps, a browser each."""

from datetime import timedelta
from typing import Any

from sqlalchemy import insert, text

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.message import Address
from backend.domain.vocabulary import AddressKind, Environment, ProviderName
from backend.models import App, Device, User
from backend.services import addresses, credentials
from backend.services.apps import AppRow
from tests.services.lane_world import KEYS, change

PAGE = 5_000
ZONES = ("Europe/Warsaw", "America/New_York", "Asia/Tokyo")


def crowd(core: Core, app: AppRow, size: int) -> None:
    """So many people, every other one a reader of Polish, every third with quiet hours of their own."""
    with core.work(OPERATOR, app.number) as work:
        lane = credentials.number_of(
            work, credentials.add_credential(work, "webpush", {"subject": "mailto:a@b.example"}).id
        )
        caps = [{"kind": "rolling", "pushes": 3, "hours": 24}]
        change(work, App, App.id == app.number, caps=caps, quiet_hours=[{"start": "22:00", "end": "08:00"}])
        for first in range(1, size + 1, PAGE):
            numbers = range(first, min(first + PAGE, size + 1))
            work.session.execute(insert(User), [_person(work, app, number) for number in numbers])
            work.session.execute(insert(Device), [_browser(work, app, lane, number) for number in numbers])
    if not core.settings.is_sqlite:
        with core.engine.begin() as connection:
            connection.execute(text("ANALYZE"))  # as PostgreSQL does by itself in time


def _person(work: Any, app: AppRow, number: int) -> dict[str, Any]:
    return {
        "id": number, "app_id": app.number, "external_id": f"u{number}", "bucket": number * 2_654_435_761 % 2**32,
        "attributes": {"name": f"Person {number}", "plan": "pro"}, "language": "pl" if number % 2 else "en",
        "timezone": ZONES[number % 3], "sessions": 1, "first_seen": work.now,
        "quiet_hours": {"start": "21:00", "end": "07:00"} if number % 3 == 0 else None,
    }  # fmt: skip


def _browser(work: Any, app: AppRow, lane: int, number: int) -> dict[str, Any]:
    endpoint = f"https://fcm.googleapis.com/fcm/send/{number}"
    address = Address(ProviderName.WEBPUSH, AddressKind.SUBSCRIPTION, endpoint, Environment.PRODUCTION, **KEYS)
    seen = work.now - timedelta(days=1)
    return {
        "id": number, "app_id": app.number, "user_id": number, "platform": "web", "provider": "webpush",
        "environment": "production", "address_kind": "subscription", "credential_id": lane,
        "sealed_address": addresses.seal(work.core.keyring, app.number, address),
        "address_index": number.to_bytes(16), "index_version": "1", "secret_hash": "", "state": "active",
        "permission": "granted", "first_seen": seen, "registered_at": seen, "last_seen": seen,
    }  # fmt: skip
