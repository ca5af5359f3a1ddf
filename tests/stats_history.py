"""Random histories of pushes, written straight into the tables, and their counts worked out by hand."""

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.models import App, Campaign, Delivery, Dims, Receipt, Revision, Run, Variant

NOW = datetime(2026, 11, 21, 12, 34, 56, 789, tzinfo=UTC)
FAILED = {"failed", "expired", "unknown"}
SKIPPED = {"skipped", "cancelled"}
STATES = [
    "planned",
    "sending",
    "accepted",
    "accepted",
    "accepted",
    "failed",
    "skipped",
    "expired",
    "cancelled",
    "unknown",
]
TYPES = ["delivered", "displayed", "opened", "dismissed", "action"]
PLATFORMS = ("ios", "android", "web")


def at(core: Core, now: datetime) -> Core:
    """The same installation with its clock held."""
    return replace(core, clock=lambda: now)


def hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def add(core: Core, *rows):
    with core.work(OPERATOR) as work:
        work.session.add_all(rows)
        work.session.flush()
    return rows[0]


def other_app(core: Core, slug: str) -> int:
    return add(core, App(slug=slug, name=slug, sealed_identity_secret=b"-", created_at=NOW)).id


@dataclass
class Push:
    """One delivery and its receipts [(type, action, at)]."""

    delivery: Delivery
    platform: str
    receipts: list[tuple[str, str, datetime]] = field(default_factory=list)


@dataclass
class Made:
    campaign: Campaign
    run: Run
    pushes: list[Push]

    def words(self) -> Counter:
        """measure → count, worked out one push at a time."""
        return Counter(measure for push in self.pushes for measure, _ in measured(self.run, push))

    def cells(self) -> Counter:
        """(run, hour, variant, platform, measure) → count: what the roll-up has to hold."""
        return Counter(
            (self.run.id, hour(when), push.delivery.variant, push.platform, measure)
            for push in self.pushes
            for measure, when in measured(self.run, push)
        )


def measured(run: Run, push: Push) -> Iterator[tuple[str, datetime]]:
    """Each measure that a push counts in, and when; written apart from the product's SQL on purpose."""
    state = push.delivery.state
    yield "audience", run.planned_at or run.due_at
    if state == "accepted":
        yield "accepted", push.delivery.ended_at
        if push.receipts:
            yield "delivered", min(when for _, _, when in push.receipts)
        for kind in ("displayed", "opened", "dismissed", "action"):
            times = [when for receipt, _, when in push.receipts if receipt == kind]
            if times:
                yield kind, min(times)
    elif state in FAILED:
        yield "failed", push.delivery.ended_at
    elif state in SKIPPED:
        yield "skipped", push.delivery.ended_at


def campaign(core: Core, app_id: int, name: str, *, kind: str = "campaign", variants=("A", "B")) -> Campaign:
    made = add(core, Campaign(app_id=app_id, kind=kind, name=name, created_at=NOW - timedelta(days=40), updated_at=NOW))
    revision = add(core, Revision(campaign_id=made.id, number=1, content_hash="x", created_at=NOW))
    add(core, *(Variant(revision_id=revision.id, position=i, name=n, weight=1) for i, n in enumerate(variants)))
    with core.work(OPERATOR) as work:
        work.session.get(Campaign, made.id).revision_id = revision.id
    made.revision_id = revision.id
    return made


def run_of(
    core: Core, made: Campaign, *, began: datetime, kind: str = "send", state: str = "finished", **values
) -> Run:
    """`began` is when its audience was known."""
    defaults = {
        "occasion": uuid.uuid4().hex,
        "due_at": began - timedelta(minutes=70),
        "created_at": began - timedelta(minutes=1),
        "planned_at": began,
        "started_at": began,
        "finished_at": began + timedelta(hours=2) if state == "finished" else None,
        "activity_at": began,
    }
    run = Run(app_id=made.app_id, campaign_id=made.id, revision_id=made.revision_id, kind=kind, state=state)
    for name, value in (defaults | values).items():
        setattr(run, name, value)
    return add(core, run)


def platforms(core: Core, app_id: int) -> dict[str, int]:
    """The ids of one interned look a platform, two for ios."""
    rows = [Dims(app_id=app_id, platform=name) for name in PLATFORMS]
    add(core, *rows)
    return {row.platform: row.id for row in rows}


def random_pushes(core: Core, dice: random.Random, run: Run, dims: dict[str, int], count: int, now=NOW) -> list[Push]:
    pushes = [_random_push(dice, run, dims, number, now) for number in range(count)]
    with core.work(OPERATOR) as work:
        work.session.add_all(push.delivery for push in pushes)
        work.session.flush()
        receipts = [
            {"delivery_id": push.delivery.id, "type": kind, "action": action, "at": when, "received_at": now}
            for push in pushes
            for kind, action, when in push.receipts
        ]
        if receipts:
            work.session.execute(insert(Receipt), receipts)
        work.session.get(Run, run.id).audience = count
    return pushes


def _random_push(dice: random.Random, run: Run, dims: dict[str, int], number: int, now: datetime) -> Push:
    state = dice.choice(STATES)
    platform = dice.choice(PLATFORMS)
    begun = run.planned_at or run.due_at
    length = (now - begun).total_seconds()
    ended = begun + timedelta(seconds=dice.random() * length / 2)
    push = Push(
        Delivery(
            run_id=run.id, user_id=number, device_id=number, chunk=0, dims_id=dims[platform], variant=dice.randint(0, 1),
            state=state, reason=dice.choice([None, "capped", "Unregistered"]) if state in FAILED | SKIPPED else None,
            due_at=run.due_at, ended_at=None if state in ("planned", "sending") else ended,
        ),
        platform,
    )  # fmt: skip
    for kind in dice.sample(TYPES, dice.choice([0, 0, 1, 2, 5])):
        for action in ("buy", "later") if kind == "action" and dice.random() < 0.5 else ("",):
            push.receipts.append(
                (kind, action, ended + timedelta(seconds=dice.random() * (now - ended).total_seconds()))
            )
    return push


def random_history(core: Core, app_id: int, seed: int, now: datetime = NOW) -> list[Made]:
    """Two campaigns of two runs each, one of them with a test run, and a message carrier."""
    dice = random.Random(seed)
    dims = platforms(core, app_id)
    made = []
    for name, kind in (("Spring", "send"), ("Summer", "send"), ("Messages", "message")):
        carrier = campaign(core, app_id, name, kind="message" if kind == "message" else "campaign")
        for run_kind in (kind, kind, "test"):
            began = now - timedelta(hours=dice.choice([1, 5, 20, 60]), minutes=dice.randint(0, 59))
            run = run_of(
                core, carrier, began=began, kind=run_kind, state=dice.choice(["running", "paused", "finished"])
            )
            made.append(Made(carrier, run, random_pushes(core, dice, run, dims, dice.randint(1, 40), now)))
    return made
