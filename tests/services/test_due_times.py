"""Who is due when: the planner's set-based due times against a slow walk over the people, on both databases."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy import select

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain import due_times, zones
from backend.models import App, Chunk, Credential, Delivery, Device, Receipt, Rollup, Run, User
from backend.queries import planning
from backend.services import campaigns, occasions, planner
from backend.services.apps import AppRow
from tests.factories import definition
from tests.push_rows import add_deliveries, add_run

NAMES = (
    "Europe/Warsaw", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia",
    "Pacific/Pago_Pago", "Pacific/Kiritimati", "America/St_Johns", "Asia/Tokyo", "Mars/Olympus", "", None,
)  # fmt: skip
LAUNCH = datetime(2026, 3, 28, 20, 30, 15, 250_000, tzinfo=UTC)  # Europe's clocks go forward that night
DAY = timedelta(days=1)


@pytest.fixture
def people(core: Core, app: AppRow) -> list[Any]:
    """120 people with one or two devices each in every mixture of zones: rows of (device, device's zone, user)."""
    dice = Random(1)
    with core.work(OPERATOR, app.number) as work:
        credential = _credential(work)
        for number in range(120):
            user = User(
                app_id=app.number, external_id=f"u{number}", bucket=dice.randrange(2**32), first_seen=LAUNCH,
                last_active=LAUNCH, timezone=dice.choice(NAMES) or None,
            )  # fmt: skip
            work.session.add(user)
            work.session.flush()
            for _ in range(1 + number % 2):
                work.session.add(_device(app.number, user.id, credential, dice.choice(NAMES) or None, number))
                work.session.flush()
        found = select(Device.id, Device.timezone, User).join(User, User.id == Device.user_id).order_by(Device.id)
        return list(work.session.execute(found))


def _credential(work: Any) -> int:
    row = Credential(
        app_id=work.app_id, provider="webpush", environment="production", sealed_secret=b"", created_at=LAUNCH,
        updated_at=LAUNCH,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    return int(row.id or 0)


def _device(app_id: int, user_id: int, credential: int, zone: str | None, number: int) -> Device:
    index = f"{user_id}:{number}:{token_hex(4)}".encode()
    return Device(
        app_id=app_id, user_id=user_id, credential_id=credential, platform="web", provider="webpush",
        environment="production", address_kind="subscription", sealed_address=b"", address_index=index,
        index_version="1", secret_hash="", timezone=zone, first_seen=LAUNCH, last_seen=LAUNCH, registered_at=LAUNCH,
        permission="granted",
    )  # fmt: skip


def launched(core: Core, app: AppRow, **changes: Any) -> int:
    """The number of the run of a campaign that is launched, begun when its time has come, and planned."""
    with at(core, LAUNCH).work(OPERATOR, app.number) as work:
        made = campaigns.create(work, definition(**changes)).row.id
        campaigns.launch(work, made)
        campaign = campaigns.find(work, made)
        number, due = campaign.id, campaign.due_at
    assert due is not None
    with at(core, due).work(OPERATOR) as work:
        occasions.tick(work)
    planner.tick(core)
    with core.reading(OPERATOR) as work:
        return int(work.session.execute(select(Run.id).where(Run.campaign_id == number)).scalar_one())


def at(core: Core, now: datetime) -> Core:
    return replace(core, clock=lambda: now)


def planned(core: Core, run: int) -> dict[int, datetime]:
    """Device → due; each chunk holds one due time, and says it."""
    with core.reading(OPERATOR) as work:
        rows = work.session.execute(
            select(Delivery.device_id, Delivery.due_at, Chunk.not_before)
            .join(Chunk, (Chunk.run_id == Delivery.run_id) & (Chunk.number == Delivery.chunk))
            .where(Delivery.run_id == run)
        ).all()
    assert all(due == not_before for _, due, not_before in rows)
    return {device: due for device, due, _ in rows}


def oracle(core: Core, run: int, people: list[Any], hours: dict[int, int] | None = None) -> dict[int, datetime]:
    with core.reading(OPERATOR) as work:
        row = work.session.get(Run, run)
    return {
        device: due_times.due(
            row.timing, row.due_at, zones.zone(zone, user.timezone, "America/Havana"), bucket=user.bucket,
            campaign_id=row.campaign_id, hour=hours.get(user.id, row.timing["hour"]) if hours is not None else None,
        )
        for device, zone, user in people
    }  # fmt: skip


@pytest.fixture(autouse=True)
def in_havana(core: Core, app: AppRow) -> None:
    with core.work(OPERATOR) as work:
        work.session.get(App, app.number).default_timezone = "America/Havana"


@pytest.mark.parametrize("spread_minutes", [None, 45])
@pytest.mark.parametrize("past", ["send_now", "next_day", "skip"])
@pytest.mark.parametrize("wall", ["2026-03-29T02:30", "2026-03-28T23:15", "2026-04-05T09:00"])
def test_local_times_are_those_of_the_device_its_user_or_the_app(
    core: Core, app: AppRow, people: list[Any], wall: str, past: str, spread_minutes: int | None
):
    schedule = {"kind": "local_time", "wall": wall, "past": past}
    run = launched(core, app, schedule=schedule, spread_minutes=spread_minutes)
    found = planned(core, run)
    assert found == oracle(core, run, people)
    assert len(set(found.values())) > (40 if spread_minutes else 4)


def test_each_of_them_is_planned_once_over_pages_too(core: Core, app: AppRow, people: list[Any], monkeypatch):
    monkeypatch.setattr(planner, "PAGE", 37)
    run = launched(core, app, schedule={"kind": "local_time", "wall": "2026-04-05T09:00"}, spread_minutes=30)
    assert planned(core, run) == oracle(core, run, people)


def test_a_spread_of_one_instant(core: Core, app: AppRow, people: list[Any]):
    run = launched(core, app, spread_minutes=120)
    found = planned(core, run)
    assert found == oracle(core, run, people)
    start = LAUNCH.replace(microsecond=0) + timedelta(seconds=1)
    minutes = Counter((due - start) // timedelta(minutes=1) for due in found.values())
    assert set(minutes) <= {m for m in range(120) if 2 < (30 + m) % 15 < 13}
    assert len(minutes) > 30


def test_one_instant_for_all_is_as_it_was(core: Core, app: AppRow, people: list[Any]):
    found = planned(core, launched(core, app))
    assert set(found.values()) == {LAUNCH}
    assert len(found) == len(people)


def test_what_recurs_on_peoples_own_clocks(core: Core, app: AppRow, people: list[Any]):
    schedule = {"kind": "recurring", "rrule": "FREQ=DAILY;COUNT=1", "start": "2026-03-30T09:00"}
    run = launched(core, app, schedule=schedule)
    found = planned(core, run)
    assert found == oracle(core, run, people)
    assert min(found.values()) >= datetime(2026, 3, 29, 19, tzinfo=UTC)


def test_the_best_hour_is_read_from_each_persons_opens(core: Core, app: AppRow, people: list[Any]):
    opens = _open(core, app, people)
    run = launched(core, app, schedule={"kind": "best_hour", "date": "2026-03-29"}, spread_minutes=20)
    hours = _best_hours(opens, people)
    assert len(set(hours.values())) > 8
    assert len(hours) < 110
    assert planned(core, run) == oracle(core, run, people, hours)


def _open(core: Core, app: AppRow, people: list[Any]) -> list[tuple[int, int, datetime]]:
    """Opens over a hundred days, by most people, at hours they like: (user, device, at)."""
    dice, told = Random(2), []
    past = add_run(core, app.number)
    for place, (device, _, user) in enumerate(people):
        for _ in range(dice.randrange(0, 9) if place % 5 else 0):
            at = LAUNCH - timedelta(hours=dice.randrange(0, 2400), minutes=dice.randrange(60))
            at = at.replace(hour=dice.choice([3, 11, 12, 12, 19])) if dice.random() < 0.8 else at
            run = add_run(core, app.number)
            (delivery,) = add_deliveries(core, run, ["accepted"], due_at=at, user=user.id, device_id=device)
            with core.work(OPERATOR) as work:
                kind = "opened" if dice.random() < 0.9 else "displayed"
                work.session.add(Receipt(delivery_id=delivery, type=kind, at=at, received_at=at))
            told += [(user.id, device, at)] if kind == "opened" else []
    assert past
    return told


def _best_hours(opens: list[tuple[int, int, datetime]], people: list[Any]) -> dict[int, int]:
    home = {device: zones.zone(user.timezone, zone, "America/Havana") for device, zone, user in people}
    counted: dict[int, Counter[int]] = {}
    for user, device, at in opens:
        if at >= LAUNCH - 90 * DAY:
            counted.setdefault(user, Counter())[at.astimezone(home[device]).hour] += 1
    return {user: min(tally, key=lambda hour: (-tally[hour], hour)) for user, tally in counted.items()}


def test_the_apps_best_hour_stands_in_and_eighteen_for_that(core: Core, app: AppRow, people: list[Any]):
    run = launched(core, app, schedule={"kind": "best_hour", "date": "2026-04-05"})
    with core.reading(OPERATOR) as work:
        assert work.session.get(Run, run).timing["hour"] == 18
    past = add_run(core, app.number)
    with core.work(OPERATOR) as work:
        for hour, count in ((14, 3), (16, 2), (17, 3)):  # of UTC, four hours ahead of Havana
            values = {"run_id": past, "app_id": app.number, "variant": 0, "platform": "web", "measure": "opened"}
            campaign = work.session.get(Run, past).campaign_id
            at = (LAUNCH - 3 * DAY).replace(hour=hour, minute=0, second=0, microsecond=0)
            work.session.add(Rollup(campaign_id=campaign, hour=at, count=count, **values))
    run = launched(core, app, schedule={"kind": "best_hour", "date": "2026-04-05"})
    with core.reading(OPERATOR) as work:
        assert work.session.get(Run, run).timing["hour"] == 10
    assert planned(core, run) == oracle(core, run, people, {})


def test_chunks_stay_small_and_are_numbered_through(core: Core, app: AppRow, people: list[Any], monkeypatch):
    monkeypatch.setattr(planning, "CHUNK_ROWS", 4)
    run = launched(core, app, schedule={"kind": "local_time", "wall": "2026-04-05T09:00"})
    assert planned(core, run) == oracle(core, run, people)
    with core.reading(OPERATOR) as work:
        sizes = Counter(work.session.execute(select(Delivery.chunk).where(Delivery.run_id == run)).scalars())
    assert max(sizes.values()) == 4
    assert sorted(sizes) == list(range(len(sizes)))
