"""Who was asked whether a draft may go, and what they said."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlmodel import Session, col

from backend.domain.vocabulary import ApprovalState, CampaignState
from backend.models import Approval, Campaign

MOST = 50
"""How many questions of one campaign are told; a draft that was asked about more often has other troubles."""


def history(session: Session, campaign_id: int) -> Sequence[Approval]:
    """The campaign's questions, newest first."""
    mine = select(Approval).where(col(Approval.campaign_id) == campaign_id)
    return session.execute(mine.order_by(col(Approval.id).desc()).limit(MOST)).scalars().all()


def campaign_of(session: Session, app_id: int, number: int) -> int | None:
    """The campaign that a question of this app is about."""
    mine = (col(Approval.id) == number, col(Approval.app_id) == app_id)
    return session.execute(select(col(Approval.campaign_id)).where(*mine)).scalar_one_or_none()


def newest(session: Session, campaign_ids: Collection[int]) -> dict[int, Approval]:
    """The newest question of each campaign that has one."""
    mine = col(Approval.campaign_id).in_(campaign_ids)
    last = select(func.max(col(Approval.id))).where(mine).group_by(col(Approval.campaign_id))
    rows = session.execute(select(Approval).where(col(Approval.id).in_(last))).scalars()
    return {row.campaign_id: row for row in rows}


def waiting(session: Session, app_id: int) -> int:
    """How many drafts of the app wait for an answer."""
    asked = select(func.count()).select_from(Campaign).where(col(Campaign.app_id) == app_id, is_waiting())
    return int(session.execute(asked).scalar_one())


def is_waiting() -> ColumnElement[bool]:
    """Of a campaign: it is a draft with an open question. One is ended before the next is asked, so it is the newest."""
    asked = (col(Approval.campaign_id) == col(Campaign.id), col(Approval.state) == ApprovalState.ASKED)
    return and_(col(Campaign.state) == CampaignState.DRAFT, exists().where(*asked))
