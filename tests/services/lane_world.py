"""An app with a browser lane, some devices and a campaign that is planned: what lanes and dead letters need."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.models import Campaign, Chunk, Delivery, Run
from backend.queries import dead_letters
from backend.services import apps, campaigns, credentials, ids, planner, subscribers
from backend.services.registration import DeviceIn
from tests.factories import definition

# The example subscription of RFC 8291.
KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True)
class Planned:
    """A campaign that is running, with its numbers inside."""

    campaign: str
    run: int
    deliveries: list[int]
    names: list[str]


def add_lane(core: Core, app: apps.AppRow, subject: str = "mailto:ops@example.test") -> str:
    with core.work(OPERATOR, app.number) as work:
        return credentials.add_credential(work, "webpush", {"subject": subject}).id


def add_devices(core: Core, app: apps.AppRow, count: int) -> None:
    """So many users with a browser each, in the newest lane."""
    with core.work(OPERATOR, app.number) as work:
        for number in range(count):
            subscription = {"endpoint": f"https://fcm.googleapis.com/fcm/send/{number}", "keys": KEYS}
            device = {"platform": "web", "subscription": subscription, "user_id": f"u{number}", "permission": "granted"}
            subscribers.register_device(work, DeviceIn.model_validate(device), holder=None, trusted=True)


def planned(core: Core, app: apps.AppRow, **changes: Any) -> Planned:
    """A campaign to everybody, launched and planned."""
    with core.work(OPERATOR, app.number) as work:
        made = campaigns.create(work, definition(**changes)).row.id
        campaigns.launch(work, made)
        number = ids.number(work, ids.CAMPAIGN, made)
    planner.tick(core)
    with core.reading(OPERATOR) as work:
        run = work.session.execute(select(Run.id).where(Run.campaign_id == number)).scalar_one()
        rows = list(
            work.session.execute(select(Delivery.id).where(Delivery.run_id == run).order_by(Delivery.id)).scalars()
        )
    return Planned(made, run, rows, [core.keyring.public_id(ids.DELIVERY, row) for row in rows])


def failed(core: Core, app: apps.AppRow, sent: Planned, *, reason: str = "500", raw: str = '{"reason": "x"}') -> None:
    """Every push of it has failed for no fault of its device, and the campaign is finished."""
    errors = len(sent.deliveries)
    with core.work(OPERATOR, app.number) as work:
        now = work.now
        over = {"state": "failed", "reason": reason, "attempts": 3, "ended_at": now}
        change(work, Chunk, Chunk.run_id == sent.run, state="done")
        change(work, Delivery, Delivery.run_id == sent.run, **over)
        counted = {"answered": errors + 5, "errors": errors, "activity_at": now}
        change(work, Run, Run.id == sent.run, state="finished", finished_at=now, **counted)
        owner = Campaign.id == ids.number(work, ids.CAMPAIGN, sent.campaign)
        change(work, Campaign, owner, state="finished", finished_at=now)
        lane = work.session.execute(select(Chunk.credential_id).where(Chunk.run_id == sent.run).limit(1)).scalar_one()
        row = {"app_id": app.number, "run_id": sent.run, "credential_id": lane, "at": now, "status": 500}
        letters = [{**row, "delivery_id": number, "reason": reason, "raw": raw} for number in sent.deliveries]
        dead_letters.keep(work.session, letters)


def change(work: Any, table: Any, where: Any, **values: Any) -> None:
    work.session.execute(update(table).where(where).values(**values).execution_options(synchronize_session=False))


def rows(core: Core, table: Any, where: Any) -> list[Any]:
    with core.reading(OPERATOR) as work:
        return list(work.session.execute(select(table).where(where).order_by(table.id)).scalars())


def host(name: str = "push.example", state: str = "closed", **changes: Any) -> dict[str, Any]:
    """A peer as a sender reports it."""
    known = {"host": name, "state": state, "open_for": 0.0, "failures": 0, "in_flight": 0, "connections": 1}
    return {**known, **changes}


def report(**changes: Any) -> dict[str, Any]:
    """What a sender says of a lane."""
    counts = dict.fromkeys(("accepted", "failed", "gone", "retried", "unknown", "blocked"), 0)
    times = {"seconds": 60, "in_flight": 0, "p50_ms": None, "p95_ms": None}
    return {**counts, **times, "reasons": {}, "hosts": [], **changes}
