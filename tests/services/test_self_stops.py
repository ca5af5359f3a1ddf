"""Runs that stop themselves, and lanes that stop pruning."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Invalid
from backend.models import Run
from backend.services import apps, audit, campaigns, credentials, guard
from backend.services.apps import AppRow
from tests.factories import launched
from tests.push_rows import add_run
from tests.services.test_accounts_credentials import apns

SENTENCE = "60 of the last 100 addresses were called dead."


def test_a_lane_is_quarantined_once_and_a_members_word_holds_for_a_day(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        row = credentials.add_credential(work, "apns", apns())
        number = credentials.number_of(work, row.id)
        assert not guard.quarantined(work, number)
        assert guard.quarantine(work, number, SENTENCE)
        assert guard.quarantine(work, number, "Again.")
        assert guard.quarantined(work, number)
        shown = credentials.get_credential(work, row.id)
        assert (shown.quarantined_at, shown.quarantine_reason) == (work.now, SENTENCE)
        lifted = credentials.prune_again(work, row.id)
        assert (lifted.quarantined_at, lifted.quarantine_reason) == (None, None)
        assert not guard.quarantine(work, number, SENTENCE)
        assert not guard.quarantined(work, number)
        tomorrow = replace(work, now=work.now + timedelta(hours=24))
        assert guard.quarantine(tomorrow, number, SENTENCE)
        said = [
            entry.action for entry in audit.listing(work).items if "prune" in entry.action or "quar" in entry.action
        ]
    assert said == ["credential.quarantined", "credential.prune_again", "credential.quarantined"]


def test_lifting_what_is_not_there_is_no_trust_for_later(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        row = credentials.add_credential(work, "apns", apns())
        credentials.prune_again(work, row.id)
        assert guard.quarantine(work, credentials.number_of(work, row.id), SENTENCE)


def test_a_run_with_too_many_errors_is_paused_with_its_campaign_and_goes_on_by_a_members_word(core: Core, app: AppRow):
    campaign = launched(core, app)
    sentence = guard.guardrail(200, 100, 20)
    assert sentence is not None
    with core.work(OPERATOR, app.number) as work:
        run = work.session.exec(select(Run)).one()
        run.state, run.planned_at, run.answered, run.errors = "running", work.now, 200, 100
        work.session.flush()
        assert guard.stop(work, run.id, sentence)
        assert not guard.stop(work, run.id, sentence)
        row = campaigns.get(work, campaign).row
        assert (row.state, row.pause_reason, row.pause_detail) == ("paused", "guardrail", sentence)
        entry = audit.listing(work).items[0]
        assert (entry.action, entry.subject) == ("campaign.pause", campaign)
        assert entry.detail == {"reason": "guardrail", "detail": sentence}
    with core.work(OPERATOR, app.number) as work:
        campaigns.resume(work, campaign)
    with core.reading(OPERATOR, app.number) as work:
        run = work.session.exec(select(Run)).one()
        assert (run.state, run.answered, run.errors, run.pause_detail) == ("running", 0, 0, None)


CART = {
    "kind": "event", "event": "left", "where": {}, "delay_seconds": 0, "wall": None, "cancel_event": None,
    "cancel_where": {}, "reentry": "always",
}  # fmt: skip


def test_an_event_campaign_is_judged_by_its_runs_of_the_last_hour_together(core: Core, app: AppRow):
    name = launched(core, app, schedule=CART)
    with core.work(OPERATOR, app.number) as work:
        campaign = campaigns.find(work, name)
        last = _runs(work, campaign, 30, work.now, answered=3, errors=2)
        assert guard.lately(work, last, 20) is None, "below a hundred answers a share says nothing"
        _runs(work, campaign, 60, work.now - timedelta(minutes=61), answered=3, errors=3)
        assert guard.lately(work, last, 20) is None, "what was more than an hour ago says nothing of now"
        last = _runs(work, campaign, 10, work.now, answered=4, errors=1, state="running")
        assert guard.guardrail(4, 1, 20) is None
        sentence = guard.lately(work, last, 20)
        assert (guard.lately(work, last, 60), guard.lately(work, last, 0)) == (None, None)
        assert sentence == guard.guardrail(130, 70, 20)
        assert guard.stop(work, last, sentence or "")
        assert not guard.stop(work, last - 1, sentence or ""), "it is stopped already"
        found = work.session.exec(select(Run).where(Run.state != "finished")).all()
        assert {(run.state, run.pause_reason, run.pause_detail) for run in found} == {("paused", "guardrail", sentence)}
        assert len(found) == 10
        assert campaigns.get(work, name).row.state == "paused"
        campaigns.resume(work, name)
        assert campaigns.get(work, name).row.state == "active"
        work.session.get(Run, last).errors = work.session.get(Run, last).answered = 60
        work.session.flush()
        assert guard.lately(work, last, 20) is None, "a member has looked: what was counted before is forgotten"


def test_the_runs_of_any_other_campaign_are_judged_one_by_one(core: Core, app: AppRow):
    name = launched(core, app)
    with core.work(OPERATOR, app.number) as work:
        last = _runs(work, campaigns.find(work, name), 3, work.now, answered=90, errors=90)
        assert guard.lately(work, last, 20) is None


def _runs(work, campaign, many: int, created_at, state: str = "finished", **counts: int) -> int:
    """So many runs of a campaign; the last one's number."""
    number = 0
    for place in range(many):
        run = Run(
            app_id=work.app_id, campaign_id=campaign.id, revision_id=campaign.revision_id, state=state,
            occasion=f"tick:{created_at:%H%M}{counts}{place}", due_at=created_at, created_at=created_at,
            planned_at=created_at, **counts,
        )  # fmt: skip
        work.session.add(run)
        work.session.flush()
        number = run.id or 0
    return number


@pytest.mark.parametrize("kind", ["message", "test"])
def test_what_nobody_could_resume_is_not_stopped(core: Core, app: AppRow, kind: str):
    run = add_run(core, app.number, kind=kind, answered=200, errors=200)
    with core.work(OPERATOR, app.number) as work:
        assert not guard.stop(work, run, "All of them failed.")
        assert work.session.exec(select(Run)).one().state == "running"


@pytest.mark.parametrize("limit", [0, 1, 100])
def test_an_app_chooses_its_limit(core: Core, app: AppRow, limit: int):
    assert app.error_limit_percent == 20
    with core.work(OPERATOR) as work:
        assert apps.update_app(work, app.number, error_limit_percent=limit).error_limit_percent == limit


@pytest.mark.parametrize("wrong", [-1, 101])
def test_a_limit_is_a_share(core: Core, app: AppRow, wrong: int):
    with core.work(OPERATOR) as work, pytest.raises(Invalid, match="error_limit_percent"):
        apps.update_app(work, app.number, error_limit_percent=wrong)


def test_a_throttle_is_kept_in_the_run_that_a_launch_starts(core: Core, app: AppRow):
    launched(core, app, throttle_per_minute=600)
    launched(core, app)
    with core.reading(OPERATOR, app.number) as work:
        assert [run.throttle_per_minute for run in work.session.exec(select(Run).order_by(Run.id))] == [600, None]
