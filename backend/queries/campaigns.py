"""Campaigns, their revisions and runs: reading and changing state by compare-and-set."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, select, update
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.vocabulary import CampaignKind, CampaignState, RunState
from backend.models import App, Campaign, Category, Chunk, Revision, Run, Variant


def find(session: Session, app_id: int, campaign_id: int, *, lock: bool) -> Campaign | None:
    """A campaign of the app that people made; locked when it is to be changed."""
    statement = select(Campaign).where(
        col(Campaign.id) == campaign_id,
        col(Campaign.app_id) == app_id,
        col(Campaign.kind) == CampaignKind.CAMPAIGN,
    )
    return session.execute(statement.with_for_update(key_share=True) if lock else statement).scalar_one_or_none()


def listing(
    session: Session, app_id: int, *, search: str, states: Collection[str], before: int | None, limit: int
) -> Sequence[Campaign]:
    """Newest first; one row more than the limit, to know whether there is a next page."""
    statement = select(Campaign).where(col(Campaign.app_id) == app_id, col(Campaign.kind) == CampaignKind.CAMPAIGN)
    if states:
        statement = statement.where(col(Campaign.state).in_(states))
    else:
        statement = statement.where(col(Campaign.archived_at).is_(None))
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


def open_run(session: Session, campaign_id: int) -> Run | None:
    """The run that is planning, running or paused, locked; None when there is none."""
    alive = (RunState.PLANNING, RunState.RUNNING, RunState.PAUSED)
    statement = (
        select(Run)
        .where(col(Run.campaign_id) == campaign_id, col(Run.kind) == "send", col(Run.state).in_(alive))
        .order_by(col(Run.id).desc())
        .limit(1)
        .with_for_update(key_share=True)
    )
    return session.execute(statement).scalar_one_or_none()


def lanes_of(session: Session, run_id: int) -> list[int]:
    """The credentials that a run's chunks go through."""
    return list(
        session.execute(select(col(Chunk.credential_id)).where(col(Chunk.run_id) == run_id).distinct()).scalars()
    )


def same_revision(session: Session, campaign_id: int, content_hash: str) -> Revision | None:
    """A revision of the campaign with exactly this content."""
    same = (col(Revision.campaign_id) == campaign_id, col(Revision.content_hash) == content_hash)
    return session.execute(select(Revision).where(*same).limit(1)).scalar_one_or_none()


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
    """Whether a scheduled campaign's time has come, and whether a run waits for its plan."""
    due, planning = session.execute(_awaited(), {"now": now}).one()
    return bool(due), bool(planning)


@cache
def _awaited() -> Any:
    """Made once: it is asked twice a second, and building it costs more than running it."""
    now = bindparam("now", type_=UTCDateTime())
    due = exists().where(col(Campaign.state) == CampaignState.SCHEDULED, col(Campaign.due_at) <= now)
    return select(due, exists().where(col(Run.state) == RunState.PLANNING))


def due_campaigns(session: Session, now: datetime, limit: int = 50) -> Sequence[Campaign]:
    """Scheduled campaigns whose time has come, locked."""
    due = (col(Campaign.state) == CampaignState.SCHEDULED, col(Campaign.due_at) <= now)
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
    set_campaign_of(session, run_id, [CampaignState.RUNNING], state=CampaignState.PAUSED, updated_at=now)


def finish_campaign_of(session: Session, run_id: int, now: datetime) -> None:
    running = [CampaignState.RUNNING, CampaignState.PAUSED]
    set_campaign_of(session, run_id, running, state=CampaignState.FINISHED, finished_at=now)
