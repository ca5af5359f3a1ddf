"""An app of a million people made by the database itself: users, devices, events, wishes, a list, pushes opened.

Every column is a function of the row's number, so that both databases hold the same people.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlmodel import SQLModel, col

from backend.bootstrap import Core
from backend.db import OPERATOR, Work
from backend.models import Campaign, Category, Credential, Revision, Run, UserList
from backend.services import apps

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
FILLED = ("user", "device", "event", "preference", "user_list_member", "delivery", "receipt")
DAY = 86_400
PRIMES = (48271, 69621, 16807, 39373, 742938285, 950706376, 1226874159, 62089911, 1343714438, 630360016, 397204094)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows; one user in ten has no device."""

    users: int = 1_000_000
    devices: int = 1_200_000
    events: int = 5_000_000


@dataclass(frozen=True, slots=True)
class Speech:
    """What the two databases say differently; all columns are told by `i`, the number of the row."""

    sqlite: bool

    def rows(self, count: int) -> tuple[str, str]:
        """A prelude and a source of the numbers up to `count`."""
        if self.sqlite:
            return f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})", "n"
        return "", f"generate_series(1::bigint, {count}) AS n(i)"

    def pick(self, salt: int, of: int) -> str:
        """A number below `of`, much like a random one."""
        return f"((i * {PRIMES[salt]} + {salt * 7919}) % 2147483647 % {of})"

    def ago(self, seconds: str) -> str:
        """The instant so many seconds before NOW."""
        if self.sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%f000', {int(NOW.timestamp())} - ({seconds}), 'unixepoch')"
        return f"to_timestamp({int(NOW.timestamp())} - ({seconds}))"

    def day(self, days: str) -> str:
        """A date as an attribute's text."""
        if self.sqlite:
            return f"strftime('%Y-%m-%d', {int(NOW.timestamp())} - {days} * {DAY}, 'unixepoch')"
        return f"to_char(to_timestamp({int(NOW.timestamp())} - {days} * {DAY}) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"

    def json(self, **entries: str) -> str:
        told = ", ".join(f"'{name}', {value}" for name, value in entries.items())
        return f"json_object({told})" if self.sqlite else f"jsonb_build_object({told})"

    def listed(self, *entries: str) -> str:
        return f"json_array({', '.join(entries)})" if self.sqlite else f"jsonb_build_array({', '.join(entries)})"

    def true(self, condition: str) -> str:
        """A truth for JSON."""
        return f"json(iif({condition}, 'true', 'false'))" if self.sqlite else f"({condition})"

    def blob(self) -> str:
        return "CAST(printf('%016d', i) AS BLOB)" if self.sqlite else "convert_to(lpad(i::text, 16, '0'), 'UTF8')"


def one_of(place: str, *names: str) -> str:
    told = " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(names))
    return f"CASE {place} {told} END"


def share(place: str, *shares: tuple[int, str], rest: str) -> str:
    """A name by percent; the shares are upper ends."""
    return f"CASE {' '.join(f'WHEN {place} < {end} THEN {value}' for end, value in shares)} ELSE {rest} END"


def fill(core: Core, sizes: Sizes) -> int:
    """The number of the app made; indexes are made when the rows are there."""
    with core.work(OPERATOR) as work:
        named = _named(work.within(apps.create_app(work, slug="million", name="Million").number))
    with core.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            _hasten(connection.connection.driver_connection)
        with connection.begin():
            _fill(connection, named, sizes)
        connection.invalidate()
    if core.engine.dialect.name == "postgresql":
        with core.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    return named["app"]


def _hasten(driver: Any) -> None:
    """Nothing is lost with an unfinished data set; the connection is not used again."""
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
        driver.execute(f"PRAGMA {pragma}")


def _named(work: Work) -> dict[str, int]:
    """What there is one of, with its numbers."""
    app = {"app_id": work.app_id}
    times = {"created_at": NOW, "updated_at": NOW}
    made = {
        "credential": Credential(**app, provider="fcm", environment="production", sealed_secret=b"", **times),
        "list": UserList(**app, name="VIP", created_at=NOW),
        "campaign": Campaign(**app, name="Sale", definition={}, **times),
    }
    numbers = {name: _number(work, row) for name, row in made.items()}
    campaign = {"campaign_id": numbers["campaign"]}
    revision = Revision(**campaign, number=1, definition={}, content_hash="", created_at=NOW)
    run = Run(
        **app, **campaign, revision_id=_number(work, revision), occasion="once", state="finished", due_at=NOW, created_at=NOW
    )  # fmt: skip
    category = work.session.execute(select(col(Category.id)).where(col(Category.slug) == "marketing")).scalar_one()
    return numbers | {"app": work.app_id, "run": _number(work, run), "category": category}


def _number(work: Work, row: Any) -> int:
    work.session.add(row)
    work.session.flush()
    return int(row.id)


def _fill(connection: Connection, named: dict[str, int], sizes: Sizes) -> None:
    speech = Speech(connection.dialect.name == "sqlite")
    indexes = [index for name in FILLED for index in SQLModel.metadata.tables[name].indexes]
    for index in indexes:
        index.drop(connection, checkfirst=True)
    for statement in _statements(speech, named, sizes):
        connection.exec_driver_sql(statement.replace("%", "%%") if not speech.sqlite else statement)
    for index in indexes:
        index.create(connection)


def _insert(speech: Speech, table: str, count: int, columns: dict[str, str], where: str = "true") -> str:
    before, source = speech.rows(count)
    values = ", ".join(columns.values())
    return f'INSERT INTO "{table}" ({", ".join(columns)}) {before} SELECT {values} FROM {source} WHERE {where}'


def _statements(speech: Speech, named: dict[str, int], sizes: Sizes) -> list[str]:
    pick, app, now, at = (
        speech.pick,
        {"app_id": str(named["app"])},
        speech.ago("0"),
        speech.ago(speech.pick(4, 60 * DAY)),
    )
    return [
        _insert(speech, "user", sizes.users, app | _user(speech)),
        _insert(speech, "device", sizes.devices, app | _device(speech, named, sizes)),
        _insert(speech, "event", sizes.events, app | _event(speech, sizes)),
        _insert(speech, "preference", sizes.users, {
            "user_id": "i", "category_id": str(named["category"]), "opted_in": pick(3, 2) + " = 0", "changed_at": now,
            "changed_by": "''",
        }, pick(2, 10) + " < 3"),
        _insert(
            speech, "user_list_member", sizes.users, {"list_id": str(named["list"]), "user_id": "i"}, pick(5, 10) + " = 0"
        ),
        _insert(speech, "delivery", sizes.users, {
            "id": "i", "run_id": str(named["run"]), "user_id": "i", "device_id": "i", "chunk": "i / 500", "dims_id": "1",
            "variant": "0", "state": share(pick(3, 10), (9, "'accepted'"), rest="'failed'"), "attempts": "1",
            "maybe_sent": "false", "due_at": at, "ended_at": at,
        }),
        _insert(speech, "receipt", sizes.users, {
            "delivery_id": "i", "type": "'opened'", "action": "''", "at": at, "received_at": at,
        }, pick(5, 12) + " = 0"),
    ]  # fmt: skip


def _user(speech: Speech) -> dict[str, str]:
    pick = speech.pick
    country = share(
        pick(0, 100), (8, "'PL'"), (20, "'DE'"), (32, "'FR'"), (40, "'GB'"), (46, "'ES'"), (52, "'IT'"),
        rest=one_of(pick(4, 8), "US", "BR", "IN", "NL", "CZ", "SE", "JP", "MX"),
    )  # fmt: skip
    placed, city = f"{pick(6, 10)} < 6", pick(7, 400)
    return {
        "id": "i",
        "external_id": f"CASE WHEN {pick(8, 20)} > 0 THEN 'user-' || i END",
        "bucket": pick(9, 2147483647) + " * 2",
        "attributes": speech.json(
            plan=share(pick(1, 100), (68, "'free'"), (90, "'pro'"), rest="'team'"),
            age=f"18 + {pick(2, 60)}",
            score=f"{pick(3, 10_000)} / 100.0",
            vip=speech.true(f"{pick(5, 50)} = 0"),
            since=speech.day(pick(6, 1500)),
            name="'Person ' || i",
            city=f"'City ' || {city}",
            tags=speech.listed(one_of(pick(9, 4), "news", "sport", "music", "food"), f"'t' || {pick(10, 100)}"),
        ),
        "language": one_of(pick(4, 4), "en", "pl", "de", "fr"),
        "timezone": one_of(pick(5, 3), "Europe/Warsaw", "Europe/Berlin", "UTC"),
        "country": country,
        "latitude": f"CASE WHEN {placed} THEN 36 + ({city} % 20) + {pick(8, 1000)} / 2500.0 END",
        "longitude": f"CASE WHEN {placed} THEN -9 + ({city} / 20) * 2 + {pick(10, 1000)} / 2500.0 END",
        "sessions": pick(10, 200),
        "first_seen": speech.ago(f"{pick(1, 500 * DAY)}"),
        "last_active": share(
            pick(7, 100), (25, speech.ago(pick(2, 30 * DAY))), (90, speech.ago(f"{30 * DAY} + {pick(3, 400 * DAY)}")),
            rest="NULL",
        ),
    }  # fmt: skip


def _device(speech: Speech, named: dict[str, int], sizes: Sizes) -> dict[str, str]:
    """The first ones go round the users that have any, the last ones are second devices."""
    pick = speech.pick
    version = f"{pick(5, 9)} || '.' || {pick(6, 30)} || '.0'"
    minor = f"CASE WHEN {pick(6, 30)} < 10 THEN '0' ELSE '' END || {pick(6, 30)}"
    key = f"'000000000' || {pick(5, 9)} || '.00000000' || {minor}"
    return {
        "id": "i", "user_id": f"1 + (i * 10 / 9) % {sizes.users}",
        "credential_id": f"CASE WHEN {pick(0, 50)} > 0 THEN {named['credential']} END",
        "platform": share(pick(1, 100), (45, "'ios'"), (90, "'android'"), rest="'web'"),
        "provider": "'fcm'", "environment": "'production'", "address_kind": "'token'",
        "sealed_address": speech.blob(), "address_index": speech.blob(), "index_version": "'0'", "secret_hash": "''",
        "state": share(pick(2, 100), (88, "'active'"), (96, "'invalid'"), rest="'unsubscribed'"),
        "permission": share(pick(3, 100), (6, "'denied'"), (20, "'unknown'"), rest="'granted'"),
        "locale": one_of(pick(4, 4), "en", "pl", "de", "fr"),
        "app_version": version, "app_version_key": key, "os_version": version, "os_version_key": key,
        "model": one_of(pick(7, 3), "Pixel 9", "iPhone17,1", "SM-S921B"),
        "first_seen": speech.ago(pick(8, 500 * DAY)), "last_seen": speech.ago(pick(9, 300 * DAY)),
        "registered_at": speech.ago(pick(9, 300 * DAY)),
    }  # fmt: skip


def _event(speech: Speech, sizes: Sizes) -> dict[str, str]:
    """Half of the events are of a tenth of the users, as in life."""
    pick = speech.pick
    name = share(
        pick(0, 100), (40, "'app_open'"), (70, "'view_item'"), (85, "'search'"), (92, "'add_to_cart'"), (96, "'purchase'"),
        rest="'share'",
    )  # fmt: skip
    who = f"CASE WHEN {pick(1, 2)} = 0 THEN 1 + {pick(2, sizes.users)} ELSE 1 + {pick(3, sizes.users // 10)} * 10 END"
    at = speech.ago(pick(4, 180 * DAY))
    return {
        "user_id": who, "name": name, "at": at, "received_at": at,
        "properties": speech.json(sku=f"'sku-' || {pick(5, 1000)}", n=pick(6, 5)),
        "value": f"CASE WHEN {pick(0, 100)} BETWEEN 92 AND 95 THEN {pick(7, 20_000)} / 100.0 END",
    }  # fmt: skip
