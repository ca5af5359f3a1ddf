"""Campaigns, their revisions and runs: reading and changing state by compare-and-set."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select, update
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.vocabulary import CampaignKind, CampaignState, RunState
from backend.models import App, Campaign, Category, Chunk, EventTrigger, Revision, Run, Variant
from backend.queries.approvals import is_waiting

BEGINNING = (CampaignState.SCHEDULED, CampaignState.ACTIVE)
"""In these states a campaign begins its next occasion when that is due."""


def find(session: Session, app_id: int, campaign_id: int, *, lock: bool) -> Campaign | None:
    """A campaign of the app that people made; locked when it is to be changed."""
    statement = select(Campaign).where(
        col(Campaign.id) == campaign_id,
        col(Campaign.app_id) == app_id,
        col(Campaign.kind) == CampaignKind.CAMPAIGN,
    )
    return session.execute(statement.with_for_update(key_share=True) if lock else statement).scalar_one_or_none()


def listing(
    session: Session,
    app_id: int,
    *,
    search: str,
    states: Collection[str],
    waiting: bool = False,
    before: int | None,
    limit: int,
) -> Sequence[Campaign]:
    """Newest first; one row more than the limit, to know whether there is a next page."""
    statement = select(Campaign).where(col(Campaign.app_id) == app_id, col(Campaign.kind) == CampaignKind.CAMPAIGN)
    if states:
        statement = statement.where(col(Campaign.state).in_(states))
    else:
        statement = statement.where(col(Campaign.archived_at).is_(None))
    if waiting:
        statement = statement.where(is_waiting())
    if search:
        statement = statement.where(func.lower(col(Campaign.name)).contains(search.lower(), autoescape=True))
    if before is not None:
        statement = statement.where(col(Campaign.id) < before)
    return session.execute(statement.order_by(col(Campaign.id).desc()).limit(limit + 1)).scalars().all()


def state_counts(session: Session, app_id: int) -> dict[str, int]:
    """How many campaigns there are in each state."""
    mine = (col(Campaign.app_id) == app_id, col(Campaign.kind) == CampaignKind.CAMPAIGN)
    rows = session.execute(select(col(Campaign.state), func.count()).where(*mine).group_by(col(Campaign.state)))
    return {str(state): int(count) for state, count in rows}


def message_carrier(session: Session, app_id: int) -> Campaign | None:
    """The hidden campaign that carries the app's API messages."""
    kind = (col(Campaign.app_id) == app_id, col(Campaign.kind) == CampaignKind.MESSAGE)
    return session.execute(select(Campaign).where(*kind).order_by(col(Campaign.id)).limit(1)).scalar_one_or_none()


def latest_runs(session: Session, campaign_ids: Collection[int]) -> dict[int, Run]:
    """The newest run of each campaign that is not a test."""
    newest = (
        select(func.max(col(Run.id)))
        .where(col(Run.campaign_id).in_(campaign_ids), col(Run.kind) == "send")
        .group_by(col(Run.campaign_id))
    )
    runs = session.execute(select(Run).where(col(Run.id).in_(newest))).scalars()
    return {run.campaign_id: run for run in runs}


def runs_of(session: Session, campaign_id: int, *, kind: str = "send") -> Sequence[Run]:
    """The campaign's runs, oldest first."""
    mine = (col(Run.campaign_id) == campaign_id, col(Run.kind) == kind)
    return session.execute(select(Run).where(*mine).order_by(col(Run.id))).scalars().all()


def paused_runs(session: Session, campaign_ids: Collection[int]) -> dict[int, Run]:
    """The newest paused run of each campaign that has one: it says why."""
    mine = (col(Run.campaign_id).in_(campaign_ids), col(Run.kind) == "send", col(Run.state) == RunState.PAUSED)
    runs = session.execute(select(Run).where(*mine).order_by(col(Run.id))).scalars()
    return {run.campaign_id: run for run in runs}


def open_runs(session: Session, campaign_id: int) -> Sequence[Run]:
    """The runs that are planning, running or paused, oldest first, locked."""
    statement = select(Run).where(*_open(campaign_id)).order_by(col(Run.id)).with_for_update(key_share=True)
    return session.execute(statement).scalars().all()


def _open(campaign: Any) -> tuple[ColumnElement[bool], ...]:
    alive = (RunState.PLANNING, RunState.RUNNING, RunState.PAUSED)
    return (col(Run.campaign_id) == campaign, col(Run.kind) == "send", col(Run.state).in_(alive))


def has_begun(session: Session, campaign_id: int, occasion: str) -> bool:
    """Whether this occasion has its run."""
    mine = exists().where(col(Run.campaign_id) == campaign_id, col(Run.occasion) == occasion)
    return bool(session.execute(select(mine)).scalar_one())


def lanes_of(session: Session, run_id: int) -> list[int]:
    """The credentials that a run's chunks go through."""
    return list(
        session.execute(select(col(Chunk.credential_id)).where(col(Chunk.run_id) == run_id).distinct()).scalars()
    )


def same_revision(session: Session, campaign_id: int, content_hash: str) -> Revision | None:
    """A revision of the campaign with exactly this content."""
    same = (col(Revision.campaign_id) == campaign_id, col(Revision.content_hash) == content_hash)
    return session.execute(select(Revision).where(*same).limit(1)).scalar_one_or_none()


def revision(session: Session, revision_id: int) -> Revision:
    found: Revision = session.execute(select(Revision).where(col(Revision.id) == revision_id)).scalar_one()
    return found


def revision_number(session: Session, revision_id: int) -> int:
    """1 for the first launch of a campaign, 2 for the next."""
    return int(session.execute(select(col(Revision.number)).where(col(Revision.id) == revision_id)).scalar_one())


def next_revision_number(session: Session, campaign_id: int) -> int:
    newest = select(func.max(col(Revision.number))).where(col(Revision.campaign_id) == campaign_id)
    return int(session.execute(newest).scalar_one() or 0) + 1


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run with what it sends and for whom."""

    run: Run
    revision: Revision
    app: App
    variants: Sequence[Variant]


def run_facts(session: Session, run_id: int) -> RunFacts:
    """Everything about a run that is the same for each of its deliveries."""
    joined = (
        select(Run, Revision, App)
        .join(Revision, col(Revision.id) == col(Run.revision_id))
        .join(App, col(App.id) == col(Run.app_id))
        .where(col(Run.id) == run_id)
    )
    run, revision, app = session.execute(joined).one()
    variants = select(Variant).where(col(Variant.revision_id) == revision.id).order_by(col(Variant.position))
    return RunFacts(run, revision, app, session.execute(variants).scalars().all())


def app(session: Session, app_id: int) -> App:
    found: App = session.execute(select(App).where(col(App.id) == app_id)).scalar_one()
    return found


def category(session: Session, app_id: int, slug: str) -> Category | None:
    mine = (col(Category.app_id) == app_id, col(Category.slug) == slug)
    return session.execute(select(Category).where(*mine)).scalar_one_or_none()


def awaited(session: Session, now: datetime) -> tuple[bool, bool]:
    """Whether a campaign's time has come, and whether a run waits for its plan."""
    due, planning = session.execute(_awaited(), {"now": now}).one()
    return bool(due), bool(planning)


@cache
def _awaited() -> Any:
    """Made once: it is asked twice a second, and building it costs more than running it."""
    now = bindparam("now", type_=UTCDateTime())
    due = exists().where(col(Campaign.state).in_(BEGINNING), col(Campaign.due_at) <= now)
    return select(due, exists().where(col(Run.state) == RunState.PLANNING))


def due_campaigns(session: Session, now: datetime, limit: int = 50) -> Sequence[Campaign]:
    """Campaigns of which an occasion is due, locked."""
    due = (col(Campaign.state).in_(BEGINNING), col(Campaign.due_at) <= now)
    statement = select(Campaign).where(*due).order_by(col(Campaign.due_at)).limit(limit)
    return session.execute(statement.with_for_update(skip_locked=True, key_share=True)).scalars().all()


def planning_runs(session: Session) -> list[tuple[int, int]]:
    """(run, app) of each run whose audience is not complete, what is urgent first."""
    waiting = select(col(Run.id), col(Run.app_id)).where(col(Run.state) == RunState.PLANNING)
    return [(run, app) for run, app in session.execute(waiting.order_by(col(Run.kind) == "send", col(Run.id)))]


def set_run(session: Session, run_id: int, expected: Collection[str], **values: Any) -> bool:
    """Changes a run if it is in one of the expected states; whether it was."""
    mine = and_(col(Run.id) == run_id, col(Run.state).in_(expected))
    result = session.execute(update(Run).where(mine).values(**values).execution_options(synchronize_session="fetch"))
    return int(result.rowcount) == 1  # type: ignore[attr-defined]


def set_campaign_of(session: Session, run_id: int, expected: Collection[str], **values: Any) -> None:
    """Changes the campaign that a (not test) run belongs to, if it is in one of the expected states."""
    owner = select(col(Run.campaign_id)).where(col(Run.id) == run_id, col(Run.kind) == "send").scalar_subquery()
    mine = and_(col(Campaign.id) == owner, col(Campaign.state).in_(expected))
    session.execute(update(Campaign).where(mine).values(**values).execution_options(synchronize_session="fetch"))


def pause_campaign_of(session: Session, run_id: int, now: datetime) -> None:
    under_way = [CampaignState.RUNNING, CampaignState.ACTIVE]
    set_campaign_of(session, run_id, under_way, state=CampaignState.PAUSED, updated_at=now)


def finish_campaign_of(session: Session, run_id: int, now: datetime) -> None:
    """Ends the campaign of a run that has ended, where that was the last there will be."""
    owner = select(col(Run.campaign_id)).where(col(Run.id) == run_id, col(Run.kind) == "send").scalar_subquery()
    _finish(session, owner, [CampaignState.RUNNING, CampaignState.PAUSED], now)


def finish_campaign(session: Session, campaign_id: int, now: datetime) -> None:
    """The same of a campaign that may have nothing to come any more."""
    _finish(session, campaign_id, [CampaignState.RUNNING], now)


def _finish(session: Session, campaign: Any, once: Collection[str], now: datetime) -> None:
    """No run of it is open, and it was to be sent once, or its rule has ended. One that answers an event goes on."""
    listens = exists().where(col(EventTrigger.campaign_id) == col(Campaign.id))
    ends = and_(
        col(Campaign.state).in_((CampaignState.ACTIVE, CampaignState.RUNNING)), col(Campaign.due_at).is_(None), ~listens
    )
    over = or_(and_(col(Campaign.repeats), ends), and_(~col(Campaign.repeats), col(Campaign.state).in_(once)))
    mine = (col(Campaign.id) == campaign, over, ~exists().where(*_open(col(Campaign.id))))
    ended = update(Campaign).where(*mine).values(state=CampaignState.FINISHED, finished_at=now)
    session.execute(ended.execution_options(synchronize_session="fetch"))
