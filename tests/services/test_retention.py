"""Retention: what is older goes in pages, by each app's own days, and no total moves."""

from datetime import timedelta

import pytest
from sqlalchemy import func
from sqlmodel import col, select, update

from backend.db import OPERATOR
from backend.errors import Invalid
from backend.models import (
    Attempt,
    AuditEntry,
    Context,
    Delivery,
    Entry,
    Event,
    ImportJob,
    ImportRefusal,
    Run,
)
from backend.services import analytics, apps, audit, ids, retention, subscribers
from tests import push_rows


def count(core, table):
    with core.reading(OPERATOR) as work:
        return work.session.exec(select(func.count()).select_from(table)).one()


def keep(core, app, **days):
    with core.work(OPERATOR) as work:
        return apps.update_app(work, app.number, retention=days)


def add_event(core, app, days, *, name="view", user="ana"):
    with core.work(OPERATOR, app.number) as work:
        number = subscribers.ensure_user(work, user)
        at = work.now - timedelta(days=days)
        row = Event(app_id=app.number, user_id=number, name=name, at=at, received_at=at)
        work.session.add(row)
        work.session.flush()
        return row.id, number


def test_defaults_hold_until_the_app_says_otherwise_and_only_that_is_kept(core, app):
    defaults = {"events": 395, "deliveries": None, "attempts": 30, "imports": 30, "audit": 730}
    assert app.retention == defaults
    assert keep(core, app, events=90, audit=None).retention == {**defaults, "events": 90, "audit": None}
    assert keep(core, app, deliveries=365, events=395).retention == {**defaults, "audit": None, "deliveries": 365}
    with core.reading(OPERATOR) as work:
        assert work.session.exec(select(apps.App.retention)).one() == {"audit": None, "deliveries": 365}


@pytest.mark.parametrize(
    "days", [{"events": 0}, {"events": True}, {"events": "x"}, {"audit": 89}, {"devices": 5}, {"events": 1e9}]
)
def test_wrong_days_are_named(sqlite_core, days):
    with sqlite_core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop")
    with pytest.raises(Invalid) as caught:
        keep(sqlite_core, app, **days)
    assert [error.field for error in caught.value.errors] == [f"retention.{name}" for name in days]


def test_events_go_by_each_app_s_days_in_pages(core, app, monkeypatch):
    monkeypatch.setattr(retention, "PAGE", 2)
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    keep(core, app, events=10)
    keep(core, other, events=None)
    for days in (9, 11, 12, 13):
        add_event(core, app, days)
    add_event(core, app, 11, name="buy")
    add_event(core, other, 5_000)
    assert retention.sweep(core) == 4
    assert count(core, Event) == 2
    assert retention.sweep(core) == 0


def test_a_sweep_has_its_time_and_the_next_one_goes_on(core, app):
    add_event(core, app, 400)
    assert retention.sweep(core, budget=0.0) == 0
    assert retention.sweep(core) == 1


@pytest.mark.parametrize("state", ["waiting", "fired"])
def test_an_event_stays_while_its_entry_waits_and_an_ended_entry_forgets_it(core, app, state):
    event, user = add_event(core, app, 400)
    run = push_rows.add_run(core, app.number)
    with core.work(OPERATOR, app.number) as work:
        campaign = work.session.exec(select(Run.campaign_id).where(Run.id == run)).one()
        work.session.add(
            Entry(
                campaign_id=campaign,
                event_id=event,
                user_id=user,
                state=state,
                context={"properties": {"sku": 1}},
                event_at=work.now,
                due_at=work.now,
                created_at=work.now,
            )
        )
    assert retention.sweep(core) == (state == "fired")
    assert (count(core, Event), count(core, Entry)) == (state == "waiting", 1)
    with core.reading(OPERATOR) as work:
        kept = work.session.exec(select(Entry)).one()
    assert (kept.event_id, kept.context) == ((event, {"properties": {"sku": 1}}) if state == "waiting" else (None, {}))


def sent(core, app, *, days, user):
    """A run that ended so many days ago, rolled up, with two pushes to somebody."""
    with core.reading(OPERATOR) as work:
        then = work.now - timedelta(days=days)
    run = push_rows.add_run(core, app.number)
    context = push_rows.add_context(core, app.number, {"order": days})
    deliveries = push_rows.add_deliveries(
        core, run, ["accepted", "failed"], due_at=then, user=user, ended_at=then, context_id=context
    )
    with core.work(OPERATOR, app.number) as work:
        for device, number in enumerate(deliveries):
            work.session.exec(update(Delivery).where(col(Delivery.id) == number).values(device_id=100 + device))
            work.session.add(Attempt(delivery_id=number, at=then, outcome="failed", raw="token"))
        work.session.exec(
            update(Run).where(col(Run.id) == run).values(
                state="finished", planned_at=then, finished_at=then, created_at=then, rolled_at=None, audience=2
            )
        )  # fmt: skip
        return ids.public(work, ids.CAMPAIGN, work.session.exec(select(Run.campaign_id).where(Run.id == run)).one())


def test_old_deliveries_forget_whom_they_went_to_and_every_total_stands(core, app):
    _, user = add_event(core, app, 0)
    old, young = sent(core, app, days=50, user=user), sent(core, app, days=5, user=user)
    with core.reading(OPERATOR, app.number) as work:
        before = [analytics.report(work, one) for one in (old, young)]
    assert retention.sweep(core) == 2  # the answers of providers, after thirty days
    keep(core, app, deliveries=40)
    assert retention.sweep(core) == 2
    assert retention.sweep(core) == 0
    with core.reading(OPERATOR, app.number) as work:
        assert [analytics.report(work, one) for one in (old, young)] == before
        known = work.session.exec(select(Delivery.user_id, Delivery.device_id, Delivery.context_id)).all()
    assert sorted(row.user_id or 0 for row in known) == [0, 0, user, user]
    assert sum(row.device_id is None and row.context_id is None for row in known) == 2
    assert count(core, Context) == 1


def test_answers_of_one_app_stay_while_another_s_go(core, app):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    for one in (app, other):
        _, user = add_event(core, one, 0)
        sent(core, one, days=50, user=user)
    keep(core, app, attempts=None)
    assert retention.sweep(core) == 2
    assert count(core, Attempt) == 2


def test_the_audit_trail_goes_after_its_days_and_what_belongs_to_no_app_after_the_default(core, app):
    with core.work(OPERATOR) as work:
        for days, one in ((100, app.number), (80, app.number), (800, None), (700, None)):
            work.session.add(AuditEntry(at=work.now - timedelta(days=days), app_id=one, actor="a", action="old"))
    keep(core, app, audit=90)
    assert retention.sweep(core) == 2
    with core.reading(OPERATOR, app.number) as work:
        assert [row.action for row in audit.listing(work).items][:2] == ["app.changed", "old"]


def test_refused_rows_go_when_their_import_has_ended_long_ago(core, app, monkeypatch):
    monkeypatch.setattr(retention, "PAGE", 2)
    with core.work(OPERATOR, app.number) as work:
        for days, state in ((31, "finished"), (29, "finished"), (31, "running")):
            then = work.now - timedelta(days=days)
            job = ImportJob(
                app_id=app.number,
                kind="users",
                format="csv",
                filename="f",
                path="p",
                state=state,
                created_at=then,
                finished_at=then if state == "finished" else None,
                rows_refused=3,
            )
            work.session.add(job)
            work.session.flush()
            work.session.add_all([ImportRefusal(job_id=job.id, row=row, raw={"mail": "a@b"}) for row in range(3)])
    assert retention.sweep(core) == 3
    assert count(core, ImportRefusal) == 6
    assert count(core, ImportJob) == 3
