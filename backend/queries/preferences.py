"""What users want: their word on categories, for themselves and for single devices, and how it came to be."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as lite
from sqlmodel import Session, col

from backend.models import Category, Device, DevicePreference, Preference, PreferenceChange

_CATEGORY = (
    col(Category.id), col(Category.slug), col(Category.name), col(Category.description), col(Category.kind),
    col(Category.opted_in_by_default),
)  # fmt: skip


def wishes(session: Session, app_id: int, user: int) -> Sequence[Row[Any]]:
    """(id, slug, name, description, kind, opted_in_by_default, opted_in, changed_at, changed_by) of every category of
    the app that is in use; the last three are null where nothing was said."""
    said = and_(col(Preference.category_id) == col(Category.id), col(Preference.user_id) == user)
    every = (
        select(*_CATEGORY, col(Preference.opted_in), col(Preference.changed_at), col(Preference.changed_by))
        .outerjoin(Preference, said)
        .where(col(Category.app_id) == app_id, col(Category.archived_at).is_(None))
        .order_by(col(Category.id))
    )
    return session.execute(every).all()


def device_wishes(session: Session, user: int) -> Sequence[Row[Any]]:
    """(device_id, category_id, slug, opted_in, changed_at, changed_by) of what was said for single devices of a user,
    on archived categories too."""
    said = (
        select(
            col(DevicePreference.device_id), col(DevicePreference.category_id), col(Category.slug),
            col(DevicePreference.opted_in), col(DevicePreference.changed_at), col(DevicePreference.changed_by),
        )
        .join(Device, col(Device.id) == col(DevicePreference.device_id))
        .join(Category, col(Category.id) == col(DevicePreference.category_id))
        .where(col(Device.user_id) == user)
        .order_by(col(DevicePreference.device_id), col(Category.id))
    )  # fmt: skip
    return session.execute(said).all()


def say(session: Session, user: int, wishes: Mapping[int, bool], *, by: str, now: datetime) -> None:
    """Writes the user's word on these categories over what was said before."""
    _say(session, Preference, {"user_id": user}, wishes, by, now)


def say_for_device(session: Session, device: int, wishes: Mapping[int, bool], *, by: str, now: datetime) -> None:
    """Writes what was said for a device over what was said before."""
    _say(session, DevicePreference, {"device_id": device}, wishes, by, now)


def follow_again(session: Session, device: int, categories: Collection[int]) -> None:
    """Forgets what was said for a device on these: it follows its user."""
    mine = (col(DevicePreference.device_id) == device, col(DevicePreference.category_id).in_(categories))
    session.execute(delete(DevicePreference).where(*mine).execution_options(synchronize_session=False))


def _say(
    session: Session, table: Any, whose: dict[str, int], wishes: Mapping[int, bool], by: str, now: datetime
) -> None:
    rows = [
        {**whose, "category_id": category, "opted_in": wish, "changed_at": now, "changed_by": by}
        for category, wish in wishes.items()
    ]
    sqlite = session.get_bind().dialect.name == "sqlite"
    statement: Any = lite.insert(table) if sqlite else postgresql.insert(table)
    new = statement.excluded
    newest = {"opted_in": new.opted_in, "changed_at": new.changed_at, "changed_by": new.changed_by}
    session.execute(statement.on_conflict_do_update(index_elements=[*whose, "category_id"], set_=newest), rows)


def note(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes down what was changed."""
    if rows:
        session.execute(insert(PreferenceChange), list(rows))


def changes(session: Session, user: int, before: int | None, limit: int | None) -> Sequence[PreferenceChange]:
    """What was changed, the latest first, one more than the limit; all of it without one."""
    mine = select(PreferenceChange).where(col(PreferenceChange.user_id) == user)
    mine = mine if before is None else mine.where(col(PreferenceChange.id) < before)
    latest = mine.order_by(col(PreferenceChange.id).desc())
    return session.execute(latest if limit is None else latest.limit(limit + 1)).scalars().all()
