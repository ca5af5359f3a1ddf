"""Everybody's push, by the clock: each state, reason and due time as an oracle of plain Python has it.

A campaign goes to a town over 24 zones, and three hours later a more urgent message to every fourth phone. The
clock stands, and goes from one instant for which something waits to the next, until nothing is open.
"""

import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text, update

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.dispatch import LeaseQueue
from backend.domain.experiment import holdout_salt, slot
from backend.domain.message import Address
from backend.domain.vocabulary import AddressKind, Environment, ProviderName
from backend.models import (
    App,
    Campaign,
    Category,
    Chunk,
    Credential,
    Delivery,
    Device,
    DevicePreference,
    Dims,
    MessageTarget,
    Preference,
    Revision,
    Run,
    User,
    Variant,
)
from backend.providers import encoder
from backend.providers.base import Outcome, OutcomeKind
from backend.services import addresses, definition, planner, runs
from backend.services.apps import AppRow
from backend.services.steps import Held, Steps
from tests import factories
from tests.services import fifty_thousand as oracle
from tests.services.fifty_thousand import NEWS, OFFERS, Person, Push
from tests.services.lane_world import Clock, change

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 200)
PAGE = 5_000


def add(work, table, rows: list[dict]) -> None:
    for page in range(0, len(rows), PAGE):
        work.session.execute(insert(table.__table__), rows[page : page + PAGE])


class Town:
    """The town in the database, and the runs that go to it."""

    def __init__(self, core: Core, app: AppRow, people: list[Person], now: datetime) -> None:
        self.core, self.app, self.people, self.now = core, app, people, now
        self.categories: dict[str | None, int | None] = {None: None}
        self.runs: dict[str, int] = {}
        with core.work(OPERATOR, app.number) as work:
            rules = {"quiet_hours": list(oracle.APP_WINDOWS), "caps": list(oracle.APP_CAPS)}
            change(work, App, App.id == app.number, default_timezone=oracle.HOME, **rules)
            for slug, kind, caps in ((OFFERS, "marketing", oracle.CATEGORY_CAPS), (NEWS, "informational", ())):
                row = Category(app_id=app.number, slug=slug, name=slug, kind=kind, caps=list(caps))
                work.session.add(row)
                work.session.flush()
                self.categories[slug] = row.id
            lane = Credential(
                app_id=app.number, provider="fcm", environment="production", sealed_secret=b"", created_at=now,
                updated_at=now,
            )  # fmt: skip
            dims = Dims(app_id=app.number, platform="android")
            work.session.add_all([lane, dims])
            work.session.flush()
            self.lane, self.dims = lane.id, dims.id
            self._populate(work)
            self._remember(work)
        if not core.settings.is_sqlite:
            with core.engine.begin() as connection:
                connection.execute(text("ANALYZE"))  # as PostgreSQL does by itself in time

    def _populate(self, work) -> None:
        address = Address(ProviderName.FCM, AddressKind.TOKEN, "x" * 40, environment=Environment.PRODUCTION)
        sealed = addresses.seal(self.core.keyring, self.app.number, address)
        common = {
            "app_id": self.app.number, "credential_id": self.lane, "platform": "android", "environment": "production",
            "address_kind": "token", "sealed_address": sealed, "index_version": "1", "secret_hash": "",
            "first_seen": self.now, "registered_at": self.now, "state": "active",
        }  # fmt: skip
        phones = [(person, phone) for person in self.people for phone in person.phones]
        add(work, User, [
            {"id": p.number, "app_id": self.app.number, "external_id": f"u{p.number}", "bucket": p.bucket,
             "timezone": p.zone, "quiet_hours": p.quiet, "paused_until": p.paused_until, "attributes": {},
             "sessions": 0, "first_seen": self.now}
            for p in self.people
        ])  # fmt: skip
        add(work, Device, [
            {**common, "id": phone.number, "user_id": person.number, "timezone": phone.zone, "last_seen": phone.seen,
             "permission": phone.permission, "address_index": oracle.address(phone),
             "provider": "apns" if phone.twin_of else "fcm"}
            for person, phone in phones
        ])  # fmt: skip
        said = {"category_id": self.categories[OFFERS], "changed_at": self.now, "changed_by": ""}
        wishes = [{**said, "user_id": p.number, "opted_in": p.wish} for p in self.people if p.wish is not None]
        words = [{**said, "device_id": one.number, "opted_in": one.word} for _, one in phones if one.word is not None]
        add(work, Preference, wishes)
        add(work, DevicePreference, words)

    def _remember(self, work) -> None:
        """The earlier runs. Nobody works them off: what waits in them has no chunk."""
        numbers = {}
        for name, past in oracle.PAST_RUNS.items():
            run = self.run(work, name, self.now - timedelta(days=2), past.category, past.rank, state=past.state)
            change(work, Run, Run.id == run, counts=past.counts)
            numbers[name] = run
        row = {"chunk": 10**6, "dims_id": self.dims, "variant": 0, "attempts": 1, "maybe_sent": False}
        add(work, Delivery, [
            {**row, "run_id": numbers[past.run], "user_id": person.number, "device_id": past.phone, "state": past.state,
             "due_at": past.at}
            for person in self.people for past in person.past
        ])  # fmt: skip

    def run(
        self, work, name: str, due_at: datetime, category: str | None, rank: int = 0, *, kind: str = "send", **more
    ) -> int:
        holdout = more.pop("holdout", 0)
        audience = {"everyone": True, "unseen_days": oracle.UNSEEN_DAYS}
        data = factories.definition(name=name, category=category or "none", holdout_percent=holdout, audience=audience)
        frozen = definition.to_json(definition.parse(data))
        who = {"app_id": self.app.number, "created_at": due_at}
        campaign = Campaign(**who, updated_at=due_at, name=name, kind="campaign", state="running", definition=frozen)
        work.session.add(campaign)
        work.session.flush()
        revision = Revision(
            campaign_id=campaign.id, number=1, definition=frozen, content_hash=name, created_at=due_at, created_by=""
        )
        work.session.add(revision)
        work.session.flush()
        variant = {"position": 0, "name": "A", "weight": 1, "content": frozen["variants"][0]["content"]}
        run = Run(
            **who, campaign_id=campaign.id, revision_id=revision.id, occasion="once", kind=kind, due_at=due_at,
            category_id=self.categories[category], priority=rank, timing={}, **more,
        )  # fmt: skip
        work.session.add_all([Variant(revision_id=revision.id, **variant), run])
        work.session.flush()
        self.runs[name] = run.id
        return run.id

    def launch(self, push: Push, *, phones: list[int] | None = None, holdout: float = 0) -> None:
        kind = "send" if phones is None else "message"
        with self.core.work(OPERATOR, self.app.number) as work:
            more = {"kind": kind, "not_after": push.not_after, "holdout": holdout}
            run = self.run(work, push.name, push.due_at, push.category, push.rank, **more)
            add(work, MessageTarget, [{"run_id": run, "device_id": number} for number in phones or ()])
        planner.tick(self.core)

    def runs_now(self) -> list[Run]:
        with self.core.reading(OPERATOR) as work:
            mine = Run.id.in_([self.runs["campaign"], self.runs["message"]])
            return list(work.session.execute(select(Run).where(mine)).scalars())

    def bury(self) -> None:
        """Some phones die between the plan and the claim."""
        dead = [phone.number for person in self.people for phone in person.phones if phone.dies]
        with self.core.work(OPERATOR) as work:
            for page in range(0, len(dead), PAGE):
                mine = Device.id.in_(dead[page : page + PAGE])
                work.session.execute(update(Device).where(mine).values(state="invalid"))


class Sender:
    """One sender with a provider that takes everything."""

    def __init__(self, core: Core) -> None:
        self.core, self.queue = core, LeaseQueue(core)
        self.steps, self.encode = Steps(core, self.queue), encoder(ProviderName.FCM)
        self.marked: Counter[int] = Counter()

    def work_off(self) -> None:
        """All that is due now; what is more urgent comes first."""
        while claims := self.queue.claim("town", 100):
            contexts = {}
            for claim in claims:
                if claim.run_id not in contexts:
                    with self.core.reading(OPERATOR) as work:
                        contexts[claim.run_id] = runs.load(work, claim.run_id)
                self._chunk(Held(claim, contexts[claim.run_id], self.encode))

    def _chunk(self, held: Held) -> None:
        last = False
        while not last:
            batch = self.steps.decide(held, 500)
            ready, last = self.steps.mark(held, batch.prepared), batch.last
            self.marked.update(one.id for one in ready)
            if ready:
                self.steps.write(held, [(one, ACCEPTED) for one in ready], last=last)
            elif last:
                self.steps.settle(held)

    def next_instant(self) -> datetime | None:
        with self.core.reading(OPERATOR) as work:
            return work.session.execute(select(func.min(Chunk.not_before)).where(Chunk.state == "ready")).scalar_one()


def walk(core: Core, clock: Clock, until: datetime | None = None) -> Sender:
    """The clock goes on to each instant for which something waits, to the end of it all or to an instant."""
    sender = Sender(core)
    while (at := sender.next_instant()) is not None and (until is None or at < until):
        clock.now = max(clock.now, at)
        sender.work_off()
    return sender


def found(town: Town) -> dict[tuple[str, int], oracle.Fate]:
    """What the database says of each push of the two runs."""
    names = {town.runs[name]: name for name in ("campaign", "message")}
    columns = (Delivery.run_id, Delivery.device_id, Delivery.state, Delivery.reason, Delivery.due_at)
    with town.core.reading(OPERATOR) as work:
        rows = work.session.execute(select(*columns).where(Delivery.run_id.in_(names))).all()
    return {(names[run], phone): (state, reason, due) for run, phone, state, reason, due in rows}


def expected(town: Town, campaign: Push, message: Push, addressed: set[int]) -> dict[tuple[str, int], oracle.Fate]:
    salts = {}
    with town.core.reading(OPERATOR) as work:
        for name in ("campaign", "message"):
            owner = work.session.execute(select(Run.campaign_id).where(Run.id == town.runs[name])).scalar_one()
            salts[name] = holdout_salt(owner)
    told: dict[tuple[str, int], oracle.Fate] = {}
    for person in town.people:
        held_out = {"campaign": slot(person.bucket, salts["campaign"]) < oracle.HOLDOUT * 100, "message": False}
        told |= oracle.fates(person, (campaign, message), held_out, addressed)
    return told


@pytest.mark.parametrize(
    ("size", "launched"),
    [
        pytest.param(2_000, "2026-10-24T17:00", id="autumn"),
        pytest.param(2_000, "2026-03-28T14:10", id="spring"),
        pytest.param(50_000, "2026-03-28T17:00", id="town", marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
    ],
)
def test_every_push_is_as_the_oracle_says(core: Core, app: AppRow, size: int, launched: str):
    clock = Clock()
    clock.now = now = datetime.fromisoformat(launched).replace(tzinfo=UTC)
    begun = time.monotonic()
    town = Town(replace(core, clock=clock), app, oracle.town(size, now), now)
    addressed = {p.number for person in town.people[::4] for p in person.phones if not p.dies}
    campaign = Push("campaign", 0, OFFERS, now, not_after=now + timedelta(hours=15))
    message = Push("message", 1, NEWS, now + timedelta(hours=3))
    town.launch(campaign, holdout=oracle.HOLDOUT)
    town.bury()
    first = walk(town.core, clock, message.due_at)
    clock.now = message.due_at
    town.launch(message, phones=sorted(addressed))
    second = walk(town.core, clock)
    got, want = found(town), expected(town, campaign, message, addressed)
    wrong = {key: (got.get(key), want.get(key)) for key in got.keys() | want.keys() if got.get(key) != want.get(key)}
    assert not wrong, (len(wrong), sorted(wrong.items())[:5])
    assert max((first.marked + second.marked).values()) == 1
    assert {run.state for run in town.runs_now()} == {"finished"}
    held = sum(due not in (campaign.due_at, message.due_at) for *_, due in got.values())
    print(
        f"{len(got)} pushes, {held} held, in {time.monotonic() - begun:.1f} s",
        Counter(fate[:2] for fate in got.values()),
    )
