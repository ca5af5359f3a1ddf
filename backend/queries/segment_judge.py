"""Whether conditions are true, or false, for anybody at all."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, not_, select
from sqlmodel import Session, col

from backend.models import Device, User
from backend.queries.segments import in_app


def true_and_false(session: Session, app_id: int, conditions: Sequence[ColumnElement[bool]]) -> list[tuple[bool, bool]]:
    """For each condition: is it true for some pair, is it false for some pair.

    One statement of EXISTS: each stops at the first pair, so only what is rare costs a whole pass.
    """
    if not conditions:
        return []
    asked = [_some(app_id, one) for condition in conditions for one in (condition, not_(condition))]
    row = session.execute(select(*(one.label(f"c{place}") for place, one in enumerate(asked)))).one()
    return [(bool(row[place]), bool(row[place + 1])) for place in range(0, len(row), 2)]


def _some(app_id: int, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    pairs = select(col(User.id)).outerjoin(Device, col(Device.user_id) == col(User.id))
    return exists(pairs.where(in_app(app_id), condition))
