"""Which languages devices are set to."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, col

from backend.domain.vocabulary import DeviceState
from backend.models import Device, User


def of_audience(session: Session, audience: ColumnElement[bool]) -> Sequence[tuple[str | None, str | None, int]]:
    """The active devices of an audience by their own language and their person's; one pass, a row for each pair."""
    number = func.count()
    statement = (
        select(col(Device.locale), col(User.language), number)
        .select_from(User)
        .join(Device, col(Device.user_id) == col(User.id))
        .where(col(Device.state) == DeviceState.ACTIVE, col(Device.credential_id).is_not(None), audience)
        .group_by(col(Device.locale), col(User.language))
        .order_by(number.desc())
    )
    return [(locale, language, devices) for locale, language, devices in session.execute(statement)]
