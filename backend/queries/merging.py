"""One person's rows handed over to another user, or cut loose from the person when they are erased."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, exists, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from backend.models import (
    Attempt,
    Category,
    Consent,
    Context,
    DeadLetter,
    Delivery,
    Entry,
    Event,
    Preference,
    PreferenceChange,
    Receipt,
    Run,
    Tester,
    UserList,
    UserListMember,
)

_UNTRACKED = {"synchronize_session": False}


def hand_over(session: Session, anonymous: int, known: int) -> None:
    """Gives a known user all that hangs on an anonymous one; where both have a word, the known one's stands."""
    for table in (Event, Entry, Delivery, Consent, PreferenceChange):
        moved = update(table).where(col(table.user_id) == anonymous).values(user_id=known)
        session.execute(moved.execution_options(**_UNTRACKED))
    wished = select(col(Preference.category_id)).where(col(Preference.user_id) == known)
    wishes = update(Preference).where(col(Preference.user_id) == anonymous, col(Preference.category_id).not_in(wished))
    session.execute(wishes.values(user_id=known).execution_options(**_UNTRACKED))
    listed = select(col(UserListMember.list_id)).where(col(UserListMember.user_id) == known)
    places = update(UserListMember).where(
        col(UserListMember.user_id) == anonymous, col(UserListMember.list_id).not_in(listed)
    )
    session.execute(places.values(user_id=known).execution_options(**_UNTRACKED))
    named = select(col(Tester.id)).where(col(Tester.user_id) == known).exists()
    tester = update(Tester).where(col(Tester.user_id) == anonymous, ~named).values(user_id=known)
    session.execute(tester.execution_options(**_UNTRACKED))


def cut_loose(session: Session, user: int) -> None:
    """Takes the person out of the deliveries; what was counted stays counted.

    What providers said about them and what their templates read goes too, unless somebody else's
    delivery of the same run reads it as well. Entries go first: one that is fired just now is waited for, so that
    what comes of it is taken as well.
    """
    session.execute(delete(Entry).where(col(Entry.user_id) == user).execution_options(**_UNTRACKED))
    theirs = select(col(Delivery.id)).where(col(Delivery.user_id) == user)
    session.execute(
        update(Attempt).where(col(Attempt.delivery_id).in_(theirs)).values(raw="").execution_options(**_UNTRACKED)
    )
    session.execute(delete(DeadLetter).where(col(DeadLetter.delivery_id).in_(theirs)).execution_options(**_UNTRACKED))
    read = _contexts_of(session, user)
    session.execute(
        update(Delivery)
        .where(col(Delivery.user_id) == user)
        .values(user_id=None, device_id=None, context_id=None)
        .execution_options(**_UNTRACKED)
    )
    session.execute(delete(Context).where(col(Context.id).in_(read)).execution_options(**_UNTRACKED))


def _contexts_of(session: Session, user: int) -> list[int]:
    """The contexts that only this user's deliveries read; a context belongs to one run."""
    other = aliased(Delivery)
    shared = exists().where(
        col(other.run_id) == col(Delivery.run_id),
        col(other.context_id) == col(Delivery.context_id),
        col(other.user_id).is_distinct_from(user),
    )
    mine = select(col(Delivery.context_id)).where(
        col(Delivery.user_id) == user, col(Delivery.context_id).is_not(None), ~shared
    )
    return [number for number in session.execute(mine.distinct()).scalars() if number is not None]


def events_of(session: Session, user: int) -> list[Row[Any]]:
    """Everything a user did, oldest first."""
    columns = select(
        col(Event.external_id), col(Event.name), col(Event.at), col(Event.received_at), col(Event.device_id),
        col(Event.properties), col(Event.value), col(Event.currency),
    )  # fmt: skip
    return list(session.execute(columns.where(col(Event.user_id) == user).order_by(col(Event.at), col(Event.id))).all())


def deliveries_of(session: Session, user: int) -> list[Row[Any]]:
    """Every push meant for a user, oldest first."""
    columns = select(
        col(Delivery.id), col(Delivery.run_id), col(Run.campaign_id), col(Delivery.device_id), col(Delivery.state),
        col(Delivery.reason), col(Delivery.locale), col(Delivery.due_at), col(Delivery.ended_at),
    ).join(Run, col(Run.id) == col(Delivery.run_id))  # fmt: skip
    mine = columns.where(col(Delivery.user_id) == user)
    return list(session.execute(mine.order_by(col(Delivery.due_at), col(Delivery.id))).all())


def receipts_of(session: Session, user: int) -> list[Row[Any]]:
    """What a user's devices reported about their pushes, oldest first."""
    columns = select(col(Receipt.delivery_id), col(Receipt.type), col(Receipt.action), col(Receipt.at))
    mine = columns.join(Delivery, col(Delivery.id) == col(Receipt.delivery_id)).where(col(Delivery.user_id) == user)
    return list(session.execute(mine.order_by(col(Receipt.at), col(Receipt.id))).all())


def wishes_of(session: Session, user: int) -> list[tuple[str, bool, datetime]]:
    """(category, opted in, since when) for each category on which the user has said a word."""
    said = select(col(Category.slug), col(Preference.opted_in), col(Preference.changed_at))
    mine = said.join(Category, col(Category.id) == col(Preference.category_id)).where(col(Preference.user_id) == user)
    return [(slug, wish, at) for slug, wish, at in session.execute(mine.order_by(col(Category.id)))]


def lists_of(session: Session, user: int) -> list[str]:
    """The names of the static lists that the user is in."""
    names = select(col(UserList.name)).join(UserListMember, col(UserListMember.list_id) == col(UserList.id))
    mine = names.where(col(UserListMember.user_id) == user).order_by(col(UserList.id))
    return list(session.execute(mine).scalars())
