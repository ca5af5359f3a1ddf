"""Lanes that stand still, and the runs that wait for them: paused when nothing else is left, and no longer."""

from dataclasses import dataclass

import pytest
from sqlmodel import select

from backend.bootstrap import Core
from backend.db import CLOCK, OPERATOR
from backend.domain.vocabulary import HeldKind
from backend.errors import NotFound
from backend.models import Campaign, Chunk, Credential, Revision, Run
from backend.services import apps, audit, campaigns, credentials, holds, ids
from backend.services.apps import AppRow

REFUSED = "Apple does not accept our key."


@dataclass
class Shop:
    """An app with lanes, and runs that have chunks on them."""

    core: Core
    app: int

    def lane(self, provider: str = "apns") -> int:
        with self.core.work(OPERATOR, self.app) as work:
            row = Credential(
                app_id=self.app, provider=provider, environment="production", sealed_secret=b"",
                created_at=work.now, updated_at=work.now,
            )  # fmt: skip
            work.session.add(row)
            work.session.flush()
            return int(row.id or 0)

    def run(self, *lanes: int, kind: str = "send", state: str = "running", done: tuple[int, ...] = ()) -> int:
        """A run with one open chunk on each of the lanes, and one that is done on each of the others."""
        with self.core.work(OPERATOR, self.app) as work:
            campaign = Campaign(
                app_id=self.app, name="Sale", state="running", definition={"category": "marketing", "variants": [{}],
                "audience": {"everyone": True}, "schedule": {"kind": "now"}}, created_at=work.now, updated_at=work.now,
            )  # fmt: skip
            work.session.add(campaign)
            work.session.flush()
            revision = Revision(campaign_id=campaign.id, number=1, content_hash="-", created_at=work.now)
            work.session.add(revision)
            work.session.flush()
            run = Run(
                app_id=self.app, campaign_id=campaign.id, revision_id=revision.id, occasion="once", state=state,
                kind=kind, due_at=work.now, created_at=work.now, planned_at=work.now, answered=500, errors=200,
            )  # fmt: skip
            work.session.add(run)
            work.session.flush()
            for number, (lane, chunk) in enumerate([(n, "ready") for n in lanes] + [(n, "done") for n in done]):
                values = {"run_id": run.id, "number": number, "credential_id": lane, "state": chunk}
                work.session.add(Chunk(**values, not_before=work.now))
            return int(run.id or 0)

    def hold(self, lane: int, kind: HeldKind = HeldKind.PROVIDER, sentence: str = REFUSED) -> bool:
        with self.core.work(OPERATOR, self.app) as work:
            return holds.hold(work, lane, kind, sentence)

    def release(self, lane: int, *kinds: HeldKind) -> bool:
        with self.core.work(OPERATOR, self.app) as work:
            return holds.release(work, lane, kinds or tuple(HeldKind))

    def states(self, run: int) -> tuple[str, str, str | None, str | None]:
        """(run, its campaign, why it is paused, in which words)."""
        with self.core.reading(OPERATOR) as work:
            row = work.session.get(Run, run)
            assert row is not None
            campaign = work.session.get(Campaign, row.campaign_id)
            assert campaign is not None
            return row.state, campaign.state, row.pause_reason, row.pause_detail

    def campaign_of(self, run: int) -> str:
        with self.core.reading(OPERATOR) as work:
            row = work.session.get(Run, run)
            assert row is not None
            return ids.public(work, ids.CAMPAIGN, row.campaign_id)

    def public(self, lane: int) -> str:
        with self.core.reading(OPERATOR) as work:
            return ids.public(work, ids.CREDENTIAL, lane)

    def trail(self) -> list[str]:
        with self.core.reading(OPERATOR, self.app) as work:
            return [entry.action for entry in reversed(audit.listing(work).items)][1:]


@pytest.fixture
def shop(core: Core, app: AppRow) -> Shop:
    return Shop(core, app.number)


GOING = ("running", "running", None, None)
WAITING = ("paused", "paused", "credential", REFUSED)


def test_a_run_whose_only_lane_is_refused_is_paused_with_the_sentence_and_goes_on_after_it(shop: Shop):
    lane = shop.lane()
    run = shop.run(lane)
    assert shop.hold(lane)
    assert shop.states(run) == GOING
    assert holds.tick(shop.core) == 1
    assert shop.states(run) == WAITING
    assert holds.tick(shop.core) == 0
    assert shop.release(lane)
    assert shop.states(run) == GOING
    assert shop.trail() == ["credential.held", "campaign.pause", "credential.released", "campaign.resume"]


def test_other_lanes_of_the_run_go_on_and_it_is_paused_when_they_are_done(shop: Shop):
    bad, good = shop.lane(), shop.lane("fcm")
    run = shop.run(bad, good)
    shop.hold(bad)
    assert holds.tick(shop.core) == 0
    assert shop.states(run) == GOING
    with shop.core.work(OPERATOR) as work:
        chunk = work.session.exec(select(Chunk).where(Chunk.credential_id == good)).one()
        chunk.state = "done"
        work.session.add(chunk)
    assert holds.tick(shop.core) == 1
    assert shop.states(run) == WAITING


def test_of_two_refused_lanes_one_good_one_is_enough_to_go_on(shop: Shop):
    first, second = shop.lane(), shop.lane("fcm")
    run = shop.run(first, second)
    for lane in (first, second):
        shop.hold(lane)
    holds.tick(shop.core)
    assert shop.states(run) == WAITING
    shop.release(second)
    assert shop.states(run) == GOING
    assert holds.tick(shop.core) == 0


def test_a_lane_that_a_member_has_paused_pauses_no_run(shop: Shop):
    lane = shop.lane()
    run = shop.run(lane)
    assert shop.hold(lane, HeldKind.MEMBER)
    assert holds.tick(shop.core) == 0
    assert shop.states(run) == GOING


def test_only_runs_that_are_on_that_lane_and_running_are_touched(shop: Shop):
    bad, good = shop.lane(), shop.lane("fcm")
    elsewhere, finished = shop.run(good, done=(bad,)), shop.run(state="finished", done=(bad,))
    planning, by_member = shop.run(bad, state="planning"), shop.run(bad, state="paused")
    shop.hold(bad)
    assert holds.tick(shop.core) == 0
    shop.release(bad)
    assert [shop.states(run)[0] for run in (elsewhere, finished, planning, by_member)] == [
        "running", "finished", "planning", "paused",
    ]  # fmt: skip


def test_a_paused_run_whose_last_rows_have_ended_meanwhile_may_finish(shop: Shop):
    lane = shop.lane()
    run = shop.run(lane)
    shop.hold(lane)
    holds.tick(shop.core)
    with shop.core.work(OPERATOR) as work:
        chunk = work.session.exec(select(Chunk)).one()
        chunk.state = "done"
        work.session.add(chunk)
    holds.tick(shop.core)
    assert shop.states(run) == GOING


def test_messages_wait_and_go_on_too_without_filling_the_trail(shop: Shop):
    lane = shop.lane()
    run = shop.run(lane, kind="message")
    shop.hold(lane)
    holds.tick(shop.core)
    assert shop.states(run)[0] == "paused"
    shop.release(lane)
    assert shop.states(run)[0] == "running"
    assert shop.trail() == ["credential.held", "credential.released"]


def test_a_hold_is_news_once_and_a_members_stands_above_the_providers(shop: Shop):
    lane = shop.lane()
    assert shop.hold(lane)
    assert not shop.hold(lane, sentence="Again.")
    assert shop.hold(lane, HeldKind.MEMBER, "We look into it.")
    assert not shop.hold(lane)
    assert not shop.release(lane, HeldKind.PROVIDER)
    with shop.core.reading(OPERATOR, shop.app) as work:
        row = credentials.get_credential(work, shop.public(lane))
        assert (row.held_kind, row.reason) == (HeldKind.MEMBER, "We look into it.")
    assert shop.release(lane)
    assert not shop.release(lane)


def test_a_member_pauses_and_resumes_a_lane_by_its_name(shop: Shop):
    lane = shop.lane()
    run = shop.run(lane)
    with shop.core.work(OPERATOR, shop.app) as work:
        holds.pause(work, shop.public(lane))
        assert credentials.get_credential(work, shop.public(lane)).held_kind is HeldKind.MEMBER
        holds.resume(work, shop.public(lane))
        assert not credentials.get_credential(work, shop.public(lane)).held
    assert shop.states(run) == GOING
    assert shop.trail() == ["credential.held", "credential.released"]
    with shop.core.work(OPERATOR) as work:
        other = work.within(apps.create_app(work, slug="other").number)
        for verb in (holds.pause, holds.resume):
            with pytest.raises(NotFound):
                verb(other, shop.public(lane))
            with pytest.raises(NotFound):
                verb(work.within(shop.app), "crd_nonsense")


def test_resuming_the_campaign_tries_its_lanes_again_and_counts_its_answers_anew(shop: Shop):
    lane, paused = shop.lane(), shop.lane("fcm")
    run, neighbour = shop.run(lane, done=(paused,)), shop.run(lane)
    shop.hold(lane)
    shop.hold(paused, HeldKind.MEMBER)
    holds.tick(shop.core)
    with shop.core.work(OPERATOR, shop.app) as work:
        campaigns.resume(work, shop.campaign_of(run))
    assert shop.states(run) == GOING
    assert shop.states(neighbour) == GOING
    with shop.core.reading(OPERATOR, shop.app) as work:
        row = work.session.get(Run, run)
        assert row is not None
        assert (row.answered, row.errors) == (0, 0)
        assert not credentials.get_credential(work, shop.public(lane)).held
        assert credentials.get_credential(work, shop.public(paused)).held_kind is HeldKind.MEMBER


def test_the_clock_leaves_a_run_that_somebody_holds_for_the_next_time(postgres_core: Core):
    with postgres_core.work(OPERATOR) as work:
        shop = Shop(postgres_core, apps.create_app(work, slug="shop").number)
    lane = shop.lane()
    busy, idle = shop.run(lane), shop.run(lane)
    shop.hold(lane)
    with postgres_core.work(OPERATOR) as work:
        work.session.execute(select(Run).where(Run.id == busy).with_for_update())
        assert holds.tick(postgres_core) == 1
    assert shop.states(idle) == WAITING
    assert holds.tick(postgres_core) == 1
    assert shop.states(busy) == WAITING


def test_nothing_is_written_while_nothing_is_held(shop: Shop):
    run = shop.run(shop.lane())
    with shop.core.work(CLOCK):  # SQLite's one write lock is taken
        assert holds.tick(shop.core) == 0
    assert shop.states(run) == GOING
