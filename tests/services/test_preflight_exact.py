"""What a pre-flight counts is what the run does: on a clock that stands, through the real sender, to the simulator."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend import scheduler
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.vocabulary import SkipReason
from backend.models import App, Category, Delivery, Device, Preference, Run, User
from backend.services import campaigns, ids, lists, planner, preflight, preflight_devices, privacy
from backend.services.apps import AppRow
from backend.services.page import Page
from backend.services.preflight import Preflight
from backend.services.preflight_devices import PreflightDevice
from tests.factories import Simulator, definition, shop
from tests.services.lane_world import Clock, change
from tests.services.test_pipeline import sending

NIGHT = datetime.now(UTC).replace(hour=23, minute=30, second=0, microsecond=0)
MORNING = NIGHT + timedelta(hours=9)
DEVICES = 420
ENDS = {"held": "06:00", "held_and_capped": "06:00", "held_too_long": "22:30"}
CONTENT = {
    "title": "Hi {{ user.nick }}",
    "body": "{{ user.plan | default('Your plan') | upper }}",
    "locales": {"pl": {"title": "Cześć {{ user.nick }}"}},
}
ODDS = {
    "denied": 0.06, "off": 0.06, "paused": 0.06, "held": 0.15, "held_too_long": 0.05, "capped": 0.08,
    "held_and_capped": 0.06, "nameless": 0.08, "huge": 0.06, "stale": 0.06, "twin": 0.08,
}  # fmt: skip


class Town:
    """People to each of whom some of the things may apply that keep a push away, in any combination."""

    def __init__(self, core: Core, provider: Simulator, seed: int, *, without: str = "") -> None:
        self.clock = Clock()
        self.clock.now = NIGHT
        self.core = replace(core, clock=self.clock)
        self.app: AppRow = shop(self.core, provider.authority, DEVICES)
        dice = random.Random(seed)
        odds = {name: chance for name, chance in ODDS.items() if name != without}
        with self.work() as work:
            change(work, App, App.id == self.app.number, caps=[{"kind": "rolling", "pushes": 1, "hours": 24}])
            people = list(work.session.execute(select(User).where(User.app_id == self.app.number)).scalars())
            self.has = {one.id: {name for name, chance in odds.items() if dice.random() < chance} for one in people}
            for one in people:
                self._shape(work, one)
            self._twins(work, dice)
        self._sent_before([one.external_id for one in people if self.has[one.id] & {"capped", "held_and_capped"}])

    def work(self) -> Any:
        return self.core.work(OPERATOR, self.app.number)

    def _shape(self, work: Any, one: User) -> None:
        has, marketing = self.has[one.id], (Category.app_id == self.app.number, Category.slug == "marketing")
        one.attributes = {} if "nameless" in has else {"nick": "x" * 5_000 if "huge" in has else "Ana"}
        one.paused_until = NIGHT + timedelta(days=2) if "paused" in has else None
        ends = next((end for name, end in ENDS.items() if name in has), None)
        one.quiet_hours = {"start": "23:00", "end": ends, "timezone": "UTC"} if ends else None
        seen = NIGHT - timedelta(days=100 if "stale" in has else 1)
        permission = "denied" if "denied" in has else "granted"
        change(work, Device, Device.user_id == one.id, last_seen=seen, permission=permission)
        if "off" in has:
            category = work.session.execute(select(Category.id).where(*marketing)).scalar_one()
            work.session.add(Preference(user_id=one.id, category_id=category, opted_in=False, changed_at=NIGHT))

    def _twins(self, work: Any, dice: random.Random) -> None:
        """One phone that is registered twice, once through another provider."""
        devices = list(work.session.execute(select(Device).where(Device.app_id == self.app.number)).scalars())
        free = [one for one in devices if "twin" not in self.has[one.user_id]]
        dice.shuffle(free)
        for one in devices:
            if "twin" in self.has[one.user_id]:
                other = next(twin for twin in free if twin.provider != one.provider)
                free.remove(other)
                one.address_index = other.address_index
        work.session.flush()

    def _sent_before(self, people: list[str]) -> None:
        """A push that those have had for whom there is a cap; by the product's own hands."""
        with self.work() as work:
            group = lists.create(work, lists.ListIn(name="Lately"))
            lists.add_members(work, group.id, people)
            loud = {"audience": {"include": [group.id]}, "ignore_caps": True, "quiet_hours": "ignore"}
            made = campaigns.create(work, definition(**loud)).row.id
            campaigns.launch(work, made)
        self.send(lambda: self.open(made) == 0)

    def draft(self, **more: Any) -> str:
        data = definition(
            variants=[{"name": "A", "weight": 2, "content": CONTENT}, {"name": "B", "weight": 1, "content": CONTENT}],
            audience={"everyone": True, "unseen_days": 30},
            holdout_percent=8,
            not_after=(NIGHT + timedelta(hours=16)).isoformat(),
            **more,
        )
        with self.work() as work:
            return campaigns.create(work, data).row.id

    def check(self, campaign: str) -> Preflight:
        with self.core.reading(OPERATOR, self.app.number) as work:
            return preflight.preflight(work, campaign)

    def launch(self, campaign: str, found: Preflight) -> None:
        with self.work() as work:
            campaigns.launch(work, campaign, expected_audience=found.audience, version=found.version)
        planner.tick(self.core)

    def rows(self, campaign: str) -> list[Any]:
        with self.core.reading(OPERATOR) as work:
            mine = Run.campaign_id == ids.number(work, ids.CAMPAIGN, campaign)
            asked = select(Delivery.state, Delivery.reason, Delivery.due_at, Delivery.device_id)
            return list(work.session.execute(asked.join(Run, Run.id == Delivery.run_id).where(mine)).all())

    def numbers(self, found: Preflight) -> dict[str, int]:
        return {"send": found.send, "deferred": found.deferred, **found.skipped}

    def told(self, campaign: str, outcome: str) -> list[PreflightDevice]:
        """Every device behind a number, a small page at a time."""
        told: list[PreflightDevice] = []
        page = Page((), "")
        with self.core.reading(OPERATOR, self.app.number) as work:
            while page.next is not None:
                page = preflight_devices.devices(work, campaign, outcome=outcome, cursor=page.next, limit=30)
                told += page.items
        return told

    def open(self, campaign: str) -> int:
        """What is due and has not come to its end."""
        rows = self.rows(campaign)
        if not rows:
            return 1
        return sum(one.state == "sending" or (one.state == "planned" and one.due_at <= self.clock.now) for one in rows)

    def send(self, done: Callable[[], bool]) -> None:
        with sending(self.core):
            deadline = time.monotonic() + 40
            while not done():
                assert time.monotonic() < deadline
                planner.tick(self.core)
                scheduler.settle(self.core)
                time.sleep(0.05)

    def fates(self, campaign: str) -> tuple[int, int, Counter[str]]:
        """(handed to a provider, waiting, skipped by reason)"""
        rows = self.rows(campaign)
        sent = sum(one.state in ("accepted", "failed", "unknown") for one in rows)
        skipped = Counter(one.reason for one in rows if one.state == "skipped")
        return sent, sum(one.state == "planned" for one in rows), skipped


@pytest.mark.parametrize("seed", [1, 2])
def test_the_counts_are_those_of_the_run(core: Core, provider: Simulator, seed: int):
    town = Town(core, provider, seed)
    campaign = town.draft()
    found = town.check(campaign)
    town.launch(campaign, found)
    town.send(lambda: town.open(campaign) == 0)
    sent, waiting, skipped = town.fates(campaign)
    assert (sent, waiting, skipped) == (found.send, found.deferred, found.skipped)
    assert found.audience == sent + waiting + skipped.total() == len(town.rows(campaign))
    later = {"unsubscribed", "erased"}  # what can only happen between the plan and the send
    assert set(skipped) == set(SkipReason) - later
    assert sum(one.devices for one in found.deferred_until) == found.deferred > 10
    assert found.skipped_later["capped"] > 0

    town.clock.now = MORNING
    town.send(lambda: town.open(campaign) == 0)
    sent, waiting, skipped = town.fates(campaign)
    assert (sent, waiting) == (found.reached, 0)
    assert skipped == Counter(found.skipped) + Counter(found.skipped_later)


def test_who_goes_between_the_plan_and_the_send_is_all_that_differs(core: Core, provider: Simulator):
    """No pre-flight can know of them."""
    town = Town(core, provider, 3, without="twin")
    campaign = town.draft()
    found = town.check(campaign)
    foreseen = {
        one.device_id: (outcome, one) for outcome in town.numbers(found) for one in town.told(campaign, outcome)
    }
    sent = [one for outcome, one in foreseen.values() if outcome == "send"]
    gone = {one.device_id: "unsubscribed" for one in sent[:20]}
    erased = {one.person_id: one.user_id for one in sent[20:40]}
    town.launch(campaign, found)
    with town.work() as work:
        for name in gone:
            change(work, Device, Device.id == ids.number(work, ids.DEVICE, name), state="unsubscribed")
    for user in erased.values():
        with town.work() as work:
            privacy.erase_user(work, str(user))
    town.send(lambda: town.open(campaign) == 0)
    came = Counter(
        "erased" if one.person_id in erased else gone.get(name, outcome) for name, (outcome, one) in foreseen.items()
    )
    handed, waiting, skipped = town.fates(campaign)
    assert (handed, waiting) == (came.pop("send"), came.pop("deferred"))
    assert skipped == came
    assert set(skipped) == set(SkipReason) - {"duplicate_device"}


def test_the_devices_behind_each_number_are_as_many(core: Core, provider: Simulator):
    town = Town(core, provider, 4)
    campaign = town.draft()
    found = town.check(campaign)
    for outcome, count in town.numbers(found).items():
        told = town.told(campaign, outcome)
        assert len({one.device_id for one in told}) == len(told) == count, outcome
        assert all((one.until is not None) == (outcome == "deferred") for one in told)
    wrong = [one for one in found.problems if one.reason == "template_error"]
    lost = found.skipped_later.get("template_error", 0)
    assert sum(one.devices or 0 for one in wrong) == found.skipped["template_error"] + lost
    assert {one.field for one in wrong} <= {f"variants[{place}].content.title" for place in range(2)}
    assert all(one.blocking for one in wrong)
